// What the front end says before a service is asked: unknown operations, bodies that cannot be read, faults of the server.

import { ServiceError } from '../errors.ts'
import type { Protocol } from '../operation.ts'

export const unknownOperation = (): ServiceError =>
  new ServiceError('UnknownOperationException', 400, 'The operation is not one that this server knows.', {
    messageKey: 'message',
  })

/** The Query protocol's word for the same. `action` and `version` as they were sent. */
export const invalidAction = (action: string, version: string): ServiceError =>
  new ServiceError('InvalidAction', 400, `Could not find operation ${action} for version ${version}`)

export const serialization = (message: string): ServiceError =>
  new ServiceError('SerializationException', 400, message, { messageKey: 'message' })

/** Too many calls of one group of operations: SDKs wait and try again. */
export const rateExceeded = (protocol: Protocol): ServiceError => {
  const options = { messageKey: 'message' } as const
  switch (protocol) {
    case 'query':
      return new ServiceError('Throttling', 400, 'Rate exceeded', options)
    case 'json':
      return new ServiceError('ThrottlingException', 400, 'Rate exceeded', options)
    case 'rest-json':
      return new ServiceError('TooManyRequestsException', 429, 'Rate exceeded', {
        ...options,
        reason: 'CallerRateLimitExceeded',
      })
  }
}

/** Too many calls of one address. Where SDKs get credentials, the status alone tells them to wait. */
export const addressRateExceeded = (protocol: Protocol, forCredentials: boolean): ServiceError =>
  forCredentials ? new ServiceError('ThrottlingException', 429, 'Rate exceeded') : rateExceeded(protocol)

/** The Query protocol's word for a parameter that cannot be read. */
export const malformedQuery = (message: string): ServiceError => new ServiceError('MalformedQueryString', 400, message)

export const requestTooLarge = (bytesMax: number): ServiceError =>
  new ServiceError('RequestEntityTooLargeException', 413, `The request body may have at most ${bytesMax} bytes.`, {
    messageKey: 'message',
  })

/** SDKs wait and try again. */
export const tooManyLargeBodies = (): ServiceError =>
  new ServiceError('TooManyRequestsException', 429, 'The server is receiving as much as it can hold. Try again.', {
    messageKey: 'message',
  })

export const badRequest = (message: string): ServiceError =>
  new ServiceError('BadRequestException', 400, message, { messageKey: 'message' })
