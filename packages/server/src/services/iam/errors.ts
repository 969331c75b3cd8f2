// What IAM says when a call fails. https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html

import { ServiceError } from '../../errors.ts'

export const noSuchUser = (userName: string) =>
  new ServiceError('NoSuchEntity', 404, `The user with name ${userName} cannot be found.`)

export const noSuchAccount = (account: string) =>
  new ServiceError('NoSuchEntity', 404, `The account with id ${account} cannot be found.`)

export const noSuchAccessKey = (accessKeyId: string) =>
  new ServiceError('NoSuchEntity', 404, `The Access Key with id ${accessKeyId} cannot be found.`)

export const noSuchPolicy = (arn: string) =>
  new ServiceError('NoSuchEntity', 404, `Policy ${arn} does not exist or is not attachable.`)

export const userExists = (userName: string) =>
  new ServiceError('EntityAlreadyExists', 409, `User with name ${userName} already exists.`)

export const accountExists = (account: string) =>
  new ServiceError('EntityAlreadyExists', 409, `Account with id ${account} already exists.`)

export const accessKeyExists = (accessKeyId: string) =>
  new ServiceError('EntityAlreadyExists', 409, `Access Key with id ${accessKeyId} already exists.`)

export const policyExists = (policyName: string) =>
  new ServiceError(
    'EntityAlreadyExists',
    409,
    `A policy called ${policyName} already exists. Duplicate names are not allowed.`,
  )

export const quotaExceeded = (quota: string, max: number) =>
  new ServiceError('LimitExceeded', 409, `Cannot exceed quota for ${quota}: ${max}`)

export const inlinePoliciesTooLong = (userName: string, max: number) =>
  new ServiceError('LimitExceeded', 409, `Maximum policy size of ${max} bytes exceeded for user ${userName}`)

export const malformedPolicy = (reason: string) => new ServiceError('MalformedPolicyDocument', 400, reason)

export const invalidName = (member: string, pattern: string) =>
  new ServiceError(
    'ValidationError',
    400,
    `The specified value for ${member} is invalid. It must contain only characters that match ${pattern}`,
  )

/** The access key was deleted or made inactive between the signature check and the transaction. In the words for an unknown key. */
export const accessKeyGone = () =>
  new ServiceError('UnrecognizedClientException', 400, 'The security token included in the request is invalid.', {
    messageKey: 'message',
  })
