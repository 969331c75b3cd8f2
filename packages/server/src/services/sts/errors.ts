// What STS says when a call fails. https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html

import { ServiceError } from '../../errors.ts'

const accessDenied = (message: string) => new ServiceError('AccessDenied', 403, message)
const validationError = (message: string) => new ServiceError('ValidationError', 400, message)
const invalidParameterValue = (message: string) => new ServiceError('InvalidParameterValue', 400, message)

export const assumedByRoot = () => accessDenied('Roles may not be assumed by root accounts.')

export const notARoleArn = () => validationError('Request ARN is invalid')

export const durationBeyondRole = () =>
  validationError('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.')

export const durationBeyondChain = () =>
  validationError('The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.')

/** No user has an MFA device here. */
export const mfaNotValid = () =>
  accessDenied(
    'MultiFactorAuthentication failed, unable to validate MFA code.  ' +
      'Please verify your MFA serial number is valid and associated with this user.',
  )

export const mfaIncomplete = () =>
  accessDenied('MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.')

export const noContextProvider = (arn: string) => validationError(`The context provider ${arn} does not exist.`)

export const sourceIdentityFixed = () =>
  accessDenied('The source identity of a session cannot be changed in the sessions that it assumes.')

export const duplicateTagKeys = () =>
  invalidParameterValue('Duplicate tag keys found. Please note that Tag keys are case insensitive.')

export const reservedTagKey = () => invalidParameterValue('Tag keys that begin with aws: are reserved for system use.')

export const transitiveKeyWithoutTag = () =>
  invalidParameterValue('The specified transitive tag key must be included in the requested tags.')

export const tagOfCallingSession = () =>
  invalidParameterValue(
    "One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.",
  )

export const malformedPolicy = (reason: string) => new ServiceError('MalformedPolicyDocument', 400, reason)

export const noSuchPolicy = (arn: string) => validationError(`Policy ${arn} does not exist or is not attachable.`)

export const policyArnMissing = (index: number) =>
  validationError(
    `1 validation error detected: Value null at 'policyArns.${index + 1}.member.arn' failed to satisfy constraint: Member must not be null`,
  )

export const sessionPoliciesTooLong = (max: number) =>
  validationError(`The session policies, document and ARNs together, must have at most ${max} characters.`)

export const packedPolicyTooLarge = (percent: number) =>
  new ServiceError('PackedPolicyTooLarge', 400, `Packed policy consumes ${percent}% of allotted space.`)

export const noSuchAccessKey = (accessKeyId: string) => validationError(`The access key ${accessKeyId} does not exist.`)
