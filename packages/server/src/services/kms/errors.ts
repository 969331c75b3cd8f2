// What KMS answers when a call fails, each code once. HTTP status 400 for every fault of the caller, as the service sends it.
// https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html

import { ServiceError } from '../../errors.ts'
import type { Decision } from '../../policy/engine.ts'

const kmsError = (code: string, message: string, cause?: unknown): ServiceError =>
  new ServiceError(code, 400, message, { messageKey: 'message', ...(cause !== undefined && { cause }) })

// Names.

export const keyNotFound = (arn: string) => kmsError('NotFoundException', `Key '${arn}' does not exist`)

export const aliasNotFound = (arn: string) => kmsError('NotFoundException', `Alias ${arn} is not found.`)

export const invalidKeyId = (keyId: string) => kmsError('NotFoundException', `Invalid keyId '${keyId}'`)

/** An ARN of another region: KMS names the region and nothing else. */
export const otherRegion = (region: string) => kmsError('NotFoundException', `Invalid arn ${region}`)

export const invalidArn = (text: string) => kmsError('InvalidArnException', `Invalid arn ${text}`)

/** An operation that takes a key id or a key ARN only. */
export const aliasNotTaken = (text: string) => kmsError('NotFoundException', `Invalid keyId ${text}`)

export const invalidAliasName = () =>
  kmsError(
    'InvalidAliasNameException',
    'Alias must start with the prefix "alias/" and have letters, digits, /, _ and - after it',
  )

export const reservedAlias = () =>
  kmsError('NotAuthorizedException', 'Reserved Alias: the prefix alias/aws/ is for AWS managed keys')

export const aliasExists = (arn: string) =>
  kmsError('AlreadyExistsException', `An alias with the name ${arn} already exists`)

export const aliasTargetDiffers = (what: string) =>
  kmsError('ValidationException', `Alias and target key must be of one ${what}`)

// States and uses of a key. https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html

export const keyDisabled = (arn: string) => kmsError('DisabledException', `${arn} is disabled.`)

export const keyInvalidState = (arn: string, state: string) =>
  kmsError('KMSInvalidStateException', `${arn} is ${state}.`)

export const notForOrigin = (arn: string, origin: string) =>
  kmsError('UnsupportedOperationException', `${arn} origin is ${origin} which is not valid for this operation.`)

export const unsupported = (message: string) => kmsError('UnsupportedOperationException', message)

export const managedKey = (arn: string) =>
  kmsError('UnsupportedOperationException', `${arn} is an AWS managed key, which its service manages.`)

export const wrongUsage = (arn: string, usage: string, operation: string) =>
  kmsError('InvalidKeyUsageException', `${arn} key usage is ${usage} which is not valid for ${operation}.`)

export const noDataKeyUnderPair = () =>
  kmsError('InvalidKeyUsageException', 'You cannot generate a data key with an asymmetric CMK')

export const wrongAlgorithm = (algorithm: string, spec: string) =>
  kmsError('InvalidKeyUsageException', `Algorithm ${algorithm} is not compatible with key spec ${spec}.`)

export const dryRun = () =>
  kmsError('DryRunOperationException', 'The request would have succeeded, but the DryRun option is set.')

// Ciphertexts, signatures, MACs.

/** Whatever was wrong with blob, context or tag: always this, with no words. */
export const invalidCiphertext = () => kmsError('InvalidCiphertextException', '')

export const incorrectKey = () =>
  kmsError(
    'IncorrectKeyException',
    'The key ID in the request does not identify a CMK that can perform this operation.',
  )

export const invalidSignature = () => kmsError('KMSInvalidSignatureException', '')

export const invalidMac = () => kmsError('KMSInvalidMacException', '')

/** A rule on several members, or one that no single limit says. */
export const invalidRequest = (message: string) => kmsError('ValidationException', message)

export const busy = (cause: unknown) => kmsError('ThrottlingException', 'Rate exceeded', cause)

// Access.

/** One text for keys of other accounts, whether they exist or not. */
/** `decision` is what policies said, where the key is the caller's account's own. */
export const notAuthorized = (principal: string, action: string, decision?: Decision) =>
  new ServiceError(
    'AccessDeniedException',
    400,
    `User: ${principal} is not authorized to perform: ${action} on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`,
    { messageKey: 'message', ...(decision && { decision }) },
  )

export const explicitlyDenied = (principal: string, action: string, arn: string, policy: string, decision?: Decision) =>
  new ServiceError(
    'AccessDeniedException',
    400,
    `User: ${principal} is not authorized to perform: ${action} on resource: ${arn} with an explicit deny in ${policy}`,
    { messageKey: 'message', ...(decision && { decision }) },
  )

export const ciphertextNotAuthorized = () =>
  kmsError(
    'AccessDeniedException',
    'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.',
  )

// Policies, tags, limits, lists.

export const malformedPolicy = (reason: string) => kmsError('MalformedPolicyDocumentException', reason)

export const policyLocksOut = () =>
  kmsError(
    'MalformedPolicyDocumentException',
    'The new key policy will not allow you to update the key policy in the future.',
  )

export const noSuchPolicy = () => kmsError('NotFoundException', 'No such policy exists')

export const tagFault = (message: string) => kmsError('TagException', message)

export const limitExceeded = (message: string) => kmsError('LimitExceededException', message)

export const invalidMarker = () => kmsError('InvalidMarkerException', 'The marker is not one that this operation gave.')

// Grants.

export const invalidGrantToken = () => kmsError('InvalidGrantTokenException', 'Grant token is invalid.')

export const invalidGrantId = (grantId: string) =>
  kmsError('InvalidGrantIdException', `Grant ID ${grantId} is invalid.`)

export const grantNotFound = (grantId: string) => kmsError('NotFoundException', `Grant ${grantId} is not found.`)

export const mayNotRetire = (principal: string, arn: string) =>
  kmsError(
    'AccessDeniedException',
    `User: ${principal} is not authorized to perform: kms:RetireGrant on resource: ${arn}`,
  )

// Import and multi-Region keys.

export const expiredImportToken = () => kmsError('ExpiredImportTokenException', 'The import token has expired.')
export const invalidImportToken = () =>
  kmsError('InvalidImportTokenException', 'The import token is not one for this key.')
export const incorrectKeyMaterial = (message: string) => kmsError('IncorrectKeyMaterialException', message)
/** One answer for whatever does not open. */
export const materialDoesNotOpen = () =>
  kmsError(
    'InvalidCiphertextException',
    'The encrypted key material does not open under the wrapping key of the import token.',
  )
export const replicaExists = (region: string) =>
  kmsError('AlreadyExistsException', `The key has a replica in ${region} already.`)

// Custom key stores, of which there are none.

export const noCustomKeyStore = () =>
  kmsError('UnsupportedOperationException', 'This server has no custom key stores: keys lie in its own database.')
export const keyStoreNotFound = () => kmsError('CustomKeyStoreNotFoundException', '')
