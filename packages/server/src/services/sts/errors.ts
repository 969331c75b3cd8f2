// What STS says when a call fails. https://docs.aws.amazon.com/STS/latest/APIReference/CommonErrors.html

import { ServiceError } from '../../errors.ts'

const accessDenied = (message: string) => new ServiceError('AccessDenied', 403, message)
const validationError = (message: string) => new ServiceError('ValidationError', 400, message)
const invalidParameterValue = (message: string) => new ServiceError('InvalidParameterValue', 400, message)

export const assumedByRoot = () => accessDenied('Roles may not be assumed by root accounts.')

export const notWithSession = (operation: string) => accessDenied(`Cannot call ${operation} with session credentials`)
export const notForSession = () =>
  new ServiceError('InvalidClientTokenId', 403, 'The security token included in the request is invalid')
export const notARoleArn = () => validationError('Request ARN is invalid')

export const durationBeyondRole = () =>
  validationError('The requested DurationSeconds exceeds the MaxSessionDuration set for this role.')

export const durationBeyondChain = () =>
  validationError('The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.')

/** The device is not the caller's. */
export const mfaNotValid = () =>
  accessDenied(
    'MultiFactorAuthentication failed, unable to validate MFA code.  ' +
      'Please verify your MFA serial number is valid and associated with this user.',
  )

export const mfaCodeWrong = () => accessDenied('MultiFactorAuthentication failed with invalid MFA one time pass code. ')

export const mfaThrottled = () =>
  accessDenied('MultiFactorAuthentication failed, too many invalid MFA one time pass codes. Try again later.')

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

const invalidIdentityToken = (message: string, cause?: unknown) =>
  new ServiceError('InvalidIdentityToken', 400, message, { cause })

export const notAToken = () =>
  invalidIdentityToken('The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)')
export const claimMissing = (claim: string) => invalidIdentityToken(`Missing a required claim: ${claim}`)
export const claimInvalid = (claim: string) => invalidIdentityToken(`The claim ${claim} of the token is not valid.`)
export const badAlgorithm = () => invalidIdentityToken('The algorithm of the token is not supported.')
export const badSignature = () => invalidIdentityToken('The signature of the token is not valid.')
export const wrongAudience = () => invalidIdentityToken('Incorrect token audience')
/** `issuer` is text of the caller's. */
export const noProvider = (issuer: string) =>
  invalidIdentityToken(`No OpenIDConnect provider found in your account for ${issuer.slice(0, 255)}`)
export const noVerificationKey = (cause?: unknown) =>
  invalidIdentityToken(
    "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements",
    cause,
  )
export const providerUnreachable = (cause: unknown) =>
  new ServiceError(
    'IDPCommunicationError',
    400,
    'The identity provider that was asked to verify the incoming identity token could not be reached.',
    { cause },
  )
export const claimRejected = (claim: string) =>
  new ServiceError('IDPRejectedClaim', 403, `The claim ${claim} of the token lies in the future.`)
/** To who has a token of the service account. */
export const noPodIdentity = (namespace: string, serviceAccount: string) =>
  new ServiceError(
    'ResourceNotFoundException',
    404,
    `No role is associated with the service account ${namespace}/${serviceAccount}.`,
  )
/** `now` in milliseconds, `expired` in seconds. */
export const tokenExpired = (now: number, expired: number) =>
  new ServiceError(
    'ExpiredTokenException',
    400,
    `Token expired: current date/time ${Math.floor(now / 1_000)} must be before the expiration date/time ${expired}`,
  )
export const providerIdForOAuth = () =>
  validationError('ProviderId is for tokens of OAuth 2.0 providers, which this server has none of.')

export const invalidAuthorizationMessage = () =>
  new ServiceError('InvalidAuthorizationMessageException', 400, 'The encoded message is not valid, or has expired.')

export const noSuchAccessKey = (accessKeyId: string) => validationError(`The access key ${accessKeyId} does not exist.`)
