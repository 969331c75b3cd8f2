// What Secrets Manager answers where it refuses, in AWS's words. Where AWS's words are not known, the type is AWS's and the text ours.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html

import { ServiceError } from '../../errors.ts'

const invalidParameter = (message: string) => new ServiceError('InvalidParameterException', 400, message)
const invalidRequest = (message: string) => new ServiceError('InvalidRequestException', 400, message)
const resourceNotFound = (message: string) => new ServiceError('ResourceNotFoundException', 400, message)
const resourceExists = (message: string) => new ServiceError('ResourceExistsException', 400, message)
const limitExceeded = (message: string) => new ServiceError('LimitExceededException', 400, message)

// The secret itself.

export const secretNotFound = () => resourceNotFound("Secrets Manager can't find the specified secret.")

export const markedForDeletion = () =>
  invalidRequest("You can't perform this operation on the secret because it was marked for deletion.")

export const nameScheduledForDeletion = () =>
  invalidRequest("You can't create this secret because a secret with this name is already scheduled for deletion.")

export const secretExists = (name: string) =>
  resourceExists(`The operation failed because the secret ${name} already exists.`)

export const ownedByService = (service: string) =>
  invalidRequest(`You can't perform this operation on secret managed by ${service}.`)

export const reservedName = (prefix: string) =>
  invalidRequest(`You can't create a secret whose name starts with ${prefix}, which is reserved for an AWS service.`)

export const unknownType = (type: string) =>
  invalidParameter(`The Type ${type} isn't the type of a managed external secret.`)

export const tooManySecrets = (quota: number) =>
  limitExceeded(`You've reached the quota of ${quota} secrets in this account and Region.`)

// Replication.

/** AWS's words for whatever would change a replica. */
export const replicaReadOnly = () =>
  invalidParameter("Operation not permitted on a replica secret. Call must be made in primary secret's region.")

export const notAReplica = () =>
  invalidParameter(
    "Operation not permitted on a secret that is not a replica. Call must be made in the replica's region.",
  )

export const hasReplicas = (arn: string, regions: readonly string[]) =>
  invalidParameter(`You can't delete secret ${arn} that still has replica regions [${regions.join(', ')}].`)

export const notAPrimary = (arn: string) =>
  invalidParameter(`${arn} is not the ARN of a secret of this account in another Region.`)

export const replicaRegionMissing = () => invalidParameter('Every replica Region must have a Region.')
export const replicaRegionInvalid = (region: string) => invalidParameter(`The Region ${region} is not a valid Region.`)
export const replicaRegionTwice = (region: string) => invalidParameter(`The Region ${region} is given more than once.`)
export const replicaRegionIsPrimary = (region: string) =>
  invalidParameter(`You can't replicate a secret to its primary Region ${region}.`)
export const replicaRegionExists = (region: string) =>
  invalidParameter(`The secret is already replicated to the Region ${region}.`)
export const replicaRegionNotFound = (region: string) =>
  invalidParameter(`The secret is not replicated to the Region ${region}.`)
export const tooManyReplicas = (max: number) => limitExceeded(`A secret can be replicated to at most ${max} Regions.`)

// Versions and staging labels.

export const stageNotFound = (stage: string) =>
  resourceNotFound(`Secrets Manager can't find the specified secret value for staging label: ${stage}`)

export const versionValueNotFound = (versionId: string) =>
  resourceNotFound(`Secrets Manager can't find the specified secret value for VersionId: ${versionId}`)

export const versionNotFound = () => resourceNotFound("Secrets Manager can't find the specified secret version.")

export const stageNotOnVersion = () =>
  invalidRequest('You provided a VersionStage that is not associated to the provided VersionId.')

export const tokenMissing = () =>
  invalidRequest('You must provide a ClientRequestToken value. We recommend a UUID-type value.')

/** A token becomes a version id, which is text in the database: no NUL, no half of a surrogate pair. */
export const tokenNotText = () =>
  invalidParameter('The ClientRequestToken contains characters that are not valid text.')

export const tokenInUse = (token: string, arn: string) =>
  resourceExists(
    `You can't use ClientRequestToken ${token} because that value is already in use for a version of secret ${arn}.`,
  )

/** The condition of a conditional write. It does not say which version is current: the caller may not be allowed to know. */
export const versionNotCurrent = () =>
  new ServiceError(
    'PreconditionNotMetException',
    400,
    'The version that x-strongroom-if-version names does not have staging label AWSCURRENT.',
  )

export const tooManyStages = (max: number) =>
  limitExceeded(`A secret can have at most ${max} staging labels across all its versions.`)

export const tooManyVersions = (max: number) =>
  limitExceeded(
    `The secret has reached the quota of ${max} versions, and none is both without staging labels and older than 24 hours.`,
  )

export const removeFromMissing = (stage: string, holder: string) =>
  invalidParameter(
    `The parameter RemoveFromVersionId can't be empty. Staging label ${stage} is currently attached to version ${holder}, so you must explicitly reference that version in RemoveFromVersionId.`,
  )

export const removeFromMismatch = (stage: string, given: string, holder: string) =>
  invalidParameter(
    `The parameter RemoveFromVersionId has version ${given}. Staging label ${stage} is currently attached to version ${holder}, so you must explicitly reference that version in RemoveFromVersionId.`,
  )

export const removeFromUnattached = (stage: string, given: string) =>
  invalidParameter(
    `The parameter RemoveFromVersionId has version ${given}. Staging label ${stage} is not attached to that version.`,
  )

export const nothingToMove = () => invalidParameter('You must provide RemoveFromVersionId, MoveToVersionId, or both.')

export const currentNotRemovable = () =>
  invalidParameter(
    "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
  )

export const currentNeedsValue = (versionId: string) =>
  invalidRequest(`You can't move staging label AWSCURRENT to version ${versionId} because it has no secret value.`)

// Values.

export const bothValues = () =>
  invalidParameter("You can't specify both a binary secret value and a string secret value in the same secret.")

export const noValue = () => invalidRequest('You must provide either SecretString or SecretBinary.')

export const valueTooLong = (bytesMax: number) =>
  invalidParameter(`The secret value can't be longer than ${bytesMax} bytes.`)

/** Half of a surrogate pair has no UTF-8 form, and would not come back as it was sent. */
export const valueNotText = () =>
  invalidParameter('The secret value contains an unpaired surrogate, which is not valid text.')

// KMS on the caller's behalf.

export const kmsAccessDenied = (cause: ServiceError) =>
  new ServiceError('AccessDeniedException', 400, 'Access to KMS is not allowed', {
    cause,
    ...(cause.decision && { decision: cause.decision }),
  })

export const encryptionFailed = (reason: string, cause: unknown) =>
  new ServiceError('EncryptionFailure', 400, `Secrets Manager can't encrypt the secret value: ${reason}`, { cause })

export const decryptionFailed = (reason: string, cause: unknown) =>
  new ServiceError('DecryptionFailure', 400, `Secrets Manager can't decrypt the secret value: ${reason}`, { cause })

// Parts of the API that this server does not have yet: refused, never ignored.

export const optionsNotUsed = () =>
  invalidParameter(
    "ExternalSecretRotationMetadata can't be used: a function of yours rotates this secret, or none does.",
  )
export const rotationRoleNotUsed = () =>
  invalidParameter(
    "ExternalSecretRotationRoleArn can't be used: a secret is rotated with the rights of who calls RotateSecret.",
  )
export const noPartnerRotator = (type: string) =>
  invalidRequest(`This server rotates no secret of the Type ${type} by itself: give a RotationLambdaARN.`)
export const unknownRotatorOption = (key: string, known: readonly string[]) =>
  invalidParameter(`The rotator has no option ${key}. It has: ${known.join(', ')}.`)
export const rotatorOptionTwice = (key: string) => invalidParameter(`The option ${key} is given more than once.`)
export const rotatorOptionIncomplete = () => invalidParameter('Every option of a rotator needs a Key and a Value.')
/** `why` is a sentence of a rotator, without values. */
export const notRotatable = (why: string) => invalidRequest(`The rotator can't rotate this secret. ${why}`)
export const masterUnusable = (arn: string, why: string) =>
  invalidRequest(`The master secret ${arn}, which masterarn names, can't be used: ${why}`)

// Tags.

export const tooManyTags = (max: number) => invalidParameter(`A secret can have at most ${max} tags.`)
export const tagWithoutKey = () => invalidParameter('Every tag must have a Key.')
export const duplicateTagKey = (key: string) => invalidParameter(`The tag key ${key} is given more than once.`)
export const reservedTagKey = () => invalidParameter('Tag keys starting with aws: are reserved for system use.')
export const invalidTagKey = (key: string) =>
  invalidParameter(
    `The tag key ${key} is not valid. It can have letters, digits, spaces, and any of the following: + - = . _ : / @`,
  )
export const invalidTagValue = (key: string) =>
  invalidParameter(
    `The value of tag ${key} is not valid. It can have letters, digits, spaces, and any of the following: + - = . _ : / @`,
  )

// Resource policies.

const malformedPolicy = (message: string) => new ServiceError('MalformedPolicyDocumentException', 400, message)

/** Of a quota below AWS's own, which is a limit of the shape. */
export const policyTooLong = (max: number) =>
  invalidParameter(`The resource policy can't be longer than ${max} characters.`)

/** AWS says no more than the first sentence; `problem` tells where. */
export const policySyntax = (problem: string) =>
  malformedPolicy(`This resource policy contains a syntax error. ${problem}`)

/** Also of one that does not exist. */
export const policyPrincipal = () => malformedPolicy('This resource policy contains an unsupported principal.')

export const policyServicePrincipal = () =>
  malformedPolicy('This resource policy contains an unsupported service principal.')

export const policyAction = (action: string) =>
  malformedPolicy(`This resource policy contains an unsupported action: ${action}`)

export const publicPolicy = () =>
  new ServiceError(
    'PublicPolicyException',
    400,
    "You can't attach a resource-based policy that allows broad access to the secret.",
  )

export const policyLocksOut = () =>
  invalidParameter('Your requested changes will not allow you to manage this secret in the future.')

// Lists and batches.

export const invalidNextToken = (token: string) =>
  new ServiceError('InvalidNextTokenException', 400, `Invalid token: ${token}`)
export const filterWithoutKey = () => invalidParameter('Every filter must have a Key.')
export const filterWithoutValues = (key: string) => invalidParameter(`The filter ${key} must have Values.`)
export const idListOrFilters = () => invalidParameter('You must include either SecretIdList or Filters, but not both.')
export const maxResultsWithoutFilters = () =>
  invalidParameter('To use MaxResults, you must also use the Filters parameter.')

// Deletion.

export const recoveryWindowOutOfRange = () =>
  invalidParameter('The RecoveryWindowInDays value must be between 7 and 30 days (inclusive).')
export const forceWithRecoveryWindow = () =>
  invalidParameter("You can't use ForceDeleteWithoutRecovery in conjunction with RecoveryWindowInDays.")

// Rotation.

export const rotationFrequencyTwice = () =>
  invalidParameter('You cannot specify both rotation frequency and schedule expression together.')
/** AWS's words are not known; `why` says what is wrong in a sentence. */
export const invalidSchedule = (why: string) => invalidParameter(`Invalid rotation schedule. ${why}`)

export const noRotationFunction = () =>
  invalidRequest('No Lambda rotation function ARN is associated with this secret.')
/** Also where nothing goes on any more and AWSPENDING was left behind, as on AWS. */
export const rotationUnfinished = () =>
  invalidRequest("A previous rotation isn't complete. That rotation will be reattempted.")
export const nothingToRotate = () => invalidRequest("You can't rotate a secret that has no value.")
export const tokenOfOtherVersion = (token: string, arn: string) =>
  invalidRequest(
    `You can't use ClientRequestToken ${token} because that value is already in use for a version of secret ${arn}.`,
  )
export const notAFunctionArn = (arn: string) =>
  invalidParameter(`The RotationLambdaARN ${arn} is not the ARN of a Lambda function.`)
export const rotationFunctionNotFound = (arn: string) =>
  resourceNotFound(`Secrets Manager can't find the Lambda function ${arn}.`)
export const rotationFunctionDenied = () =>
  new ServiceError(
    'AccessDeniedException',
    400,
    'Secrets Manager cannot invoke the specified Lambda function. Ensure that the function policy grants access to the principal secretsmanager.amazonaws.com.',
  )
export const rotationFunctionUnreachable = (why: string, cause?: unknown) =>
  new ServiceError(
    'InvalidRequestException',
    400,
    `Secrets Manager cannot reach the specified Lambda function: ${why}.`,
    cause === undefined ? {} : { cause },
  )
export const rotationTokenInvalid = () => invalidParameter('The RotationToken is not that of the pending rotation.')
export const rotationTokenMissing = () =>
  invalidParameter('You must provide the RotationToken of the pending rotation from another account.')
export const nothingToAbandon = () => invalidRequest('No rotation of this secret is unfinished.')
export const mayBeSet = (versionId: string) =>
  invalidRequest(
    `The rotation was already told to set the new value: whatever the secret opens may take only version ${versionId} by now. Force abandons it all the same.`,
  )
export const nothingToRollBack = () => invalidRequest('No version has staging label AWSPREVIOUS.')

// Random passwords.

export const passwordNoCharacters = () =>
  invalidParameter('The password has no characters to choose from: every character type is excluded.')
export const passwordTooShort = (length: number) =>
  invalidParameter(`The password length ${length} is too short based on the required types.`)
