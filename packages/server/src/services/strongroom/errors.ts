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

const invalidParameter = (message: string) => new ServiceError('InvalidParameterException', 400, message)

export const noSuchPrincipal = (arn: string) =>
  new ServiceError('ResourceNotFoundException', 400, `There is no principal ${arn}.`)

export const notExplainable = () =>
  invalidParameter(
    'PrincipalArn must be that of a user, a role, a session of a role, or a root user. A federated user can only ask about itself, without PrincipalArn.',
  )

export const narrowedWithoutRole = () =>
  invalidParameter('SessionPolicy and SessionPolicyArns go with the PrincipalArn of a role or of a session of one.')

export const notOfCaller = () =>
  invalidParameter(
    'Of a resource of another account, Context takes only what a caller puts into its request: no keys that begin with aws: but those of tags, and not kms:CallerAccount.',
  )

export const takesNoSignature = (action: string) =>
  invalidParameter(`${action} is asked for without an identity of this server: no principal can be told about.`)

export const needsNoPermission = (action: string) =>
  invalidParameter(`${action} takes no permission: everybody with valid credentials may do it.`)

export const adviceUnderWay = () =>
  new ServiceError(
    'LimitExceededException',
    400,
    'As many reports are being made as this server makes at a time, or one for this account: ask again when it is there.',
  )

export const notTheManagementAccount = () =>
  new ServiceError(
    'InvalidRequestException',
    400,
    'Only the management account of the organization can ask for advice across accounts.',
  )
