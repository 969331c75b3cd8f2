// What our own routes refuse with.

import { ServiceError } from '../../errors.ts'

export const noTestClock = (): ServiceError =>
  new ServiceError(
    'InvalidRequestException',
    400,
    'The clock can only be advanced on a server started with --test-clock.',
  )

export const notADuration = (): ServiceError =>
  new ServiceError(
    'InvalidParameterException',
    400,
    'advance must be an ISO 8601 duration that is not negative and does not lead beyond the year 9999, such as P7D or PT5S.',
  )

export const notASession = (account: string): ServiceError =>
  new ServiceError(
    'InvalidParameterException',
    400,
    `AccessKeyId must be that of a session of account ${account}: it begins with ASIA.`,
  )

export const tooManyStreams = (): ServiceError =>
  new ServiceError('LimitExceededException', 400, 'There are as many open streams of events as this server allows.')
