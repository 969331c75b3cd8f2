// What IAM says when a call fails. https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html

import { ServiceError } from '../../errors.ts'

export const noSuchUser = (userName: string) =>
  new ServiceError('NoSuchEntity', 404, `The user with name ${userName} cannot be found.`)

export const noSuchGroup = (groupName: string) =>
  new ServiceError('NoSuchEntity', 404, `The group with name ${groupName} cannot be found.`)

export const noSuchRole = (roleName: string) =>
  new ServiceError('NoSuchEntity', 404, `The role with name ${roleName} cannot be found.`)

export const noSuchAccount = (account: string) =>
  new ServiceError('NoSuchEntity', 404, `The account with id ${account} cannot be found.`)

export const noSuchAlias = (alias: string) =>
  new ServiceError('NoSuchEntity', 404, `The account alias ${alias} cannot be found.`)

export const aliasExists = (alias: string) =>
  new ServiceError('EntityAlreadyExists', 409, `The account alias ${alias} already exists.`)

export const noSuchAccessKey = (accessKeyId: string) =>
  new ServiceError('NoSuchEntity', 404, `The Access Key with id ${accessKeyId} cannot be found.`)

export const noSuchPolicy = (arn: string) =>
  new ServiceError('NoSuchEntity', 404, `Policy ${arn} does not exist or is not attachable.`)

export const noSuchBoundary = (arn: string) =>
  new ServiceError('NoSuchEntity', 404, `Scope ARN: ${arn} does not exist or is not attachable.`)

export const policyNotFound = (arn: string) => new ServiceError('NoSuchEntity', 404, `Policy ${arn} was not found.`)

export const invalidArn = (arn: string) => new ServiceError('InvalidInput', 400, `ARN ${arn} is not valid.`)

export const noSuchPolicyVersion = (arn: string, versionId: string) =>
  new ServiceError('NoSuchEntity', 404, `Policy ${arn} version ${versionId} does not exist or is not attachable.`)

export const roleExists = (roleName: string) =>
  new ServiceError('EntityAlreadyExists', 409, `Role with name ${roleName} already exists.`)

export const serviceRolePath = (path: string) =>
  new ServiceError('InvalidInput', 400, `Path prefix '${path}' can only be used for AWS Service linked Roles`)

export const serviceRoleExists = (roleName: string) =>
  new ServiceError(
    'InvalidInput',
    400,
    `Service role name ${roleName} has been taken in this account, please try a different suffix.`,
  )

export const customSuffix = (service: string) =>
  new ServiceError('InvalidInput', 400, `Custom suffix is not allowed for ${service}`)

export const notLinkedService = (service: string) =>
  new ServiceError('InvalidInput', 400, `${service} has no service-linked role on this server.`)

export const protectedRole = (roleName: string) =>
  new ServiceError(
    'UnmodifiableEntity',
    400,
    `Cannot perform the operation on the protected role '${roleName}' - this role is only modifiable by AWS`,
  )

export const noSuchDeletion = (taskId: string) =>
  new ServiceError('NoSuchEntity', 404, `The deletion task ${taskId} cannot be found.`)

export const invalidDeletion = () => new ServiceError('InvalidInput', 400, 'The DeletionTaskId is not valid.')

export const policyNotAttachable = () =>
  new ServiceError('PolicyNotAttachable', 400, 'Cannot attach a Service Role Policy to a customer role.')

export const invalidPrincipal = (principal: string) =>
  malformedPolicy(`Invalid principal in policy: "AWS":"${principal}"`)

export const policyAttached = () =>
  new ServiceError('DeleteConflict', 409, 'Cannot delete a policy attached to entities.')

export const policyHasVersions = () =>
  new ServiceError(
    'DeleteConflict',
    409,
    "This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.",
  )

export const defaultVersion = () =>
  new ServiceError('DeleteConflict', 409, 'Cannot delete the default version of a policy.')

export const tooManyVersions = (max: number) =>
  new ServiceError(
    'LimitExceeded',
    409,
    `A managed policy can have up to ${max} versions. Before you create a new version, you must delete an existing version.`,
  )

export const userExists = (userName: string) =>
  new ServiceError('EntityAlreadyExists', 409, `User with name ${userName} already exists.`)

export const groupExists = (groupName: string) =>
  new ServiceError('EntityAlreadyExists', 409, `Group with name ${groupName} already exists.`)

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

export const noSuchOidcProvider = (arn: string) =>
  new ServiceError('NoSuchEntity', 404, `OpenIDConnect Provider not found for arn ${arn}`)

export const oidcProviderExists = (url: string) =>
  new ServiceError('EntityAlreadyExists', 409, `Provider with url https://${url} already exists.`)

export const invalidProviderUrl = () => new ServiceError('ValidationError', 400, 'Invalid Open ID Connect Provider URL')

export const invalidThumbprint = () =>
  new ServiceError('InvalidInput', 400, 'Thumbprints must be 40 hexadecimal digits.')

/** Strongroom's own: on AWS nobody uploads keys. */
export const invalidProviderKeys = (reason: string) =>
  new ServiceError('InvalidParameterException', 400, `Keys must be a JWK Set in JSON (RFC 7517): ${reason}.`)

export const podIdentityExists = (associationId: string) =>
  new ServiceError('ResourceInUseException', 409, `Association already exists: ${associationId}`)

export const noSuchPodIdentity = () =>
  new ServiceError('ResourceNotFoundException', 404, 'The association cannot be found.')

export const tooManyPodIdentities = (max: number) =>
  new ServiceError('ResourceLimitExceededException', 400, `An account can have at most ${max} associations.`)

export const notAnOwnRole = () =>
  new ServiceError('InvalidParameterException', 400, 'roleArn must be that of a role of the account.')

export const notSimulated = (member: string) =>
  new ServiceError('InvalidInput', 400, `${member} is not simulated by this server.`)

export const invalidPolicyInput = (reason: string) => new ServiceError('InvalidInput', 400, reason)

export const oneBoundary = () =>
  new ServiceError('InvalidInput', 400, 'A principal has at most one permissions boundary.')

export const notAnAction = (action: string) =>
  new ServiceError('InvalidInput', 400, `Invalid action name: ${action.slice(0, 128)}`)

export const noSuchSource = (arn: string) => new ServiceError('NoSuchEntity', 404, `${arn} cannot be found.`)

/** `first` is what must be done before: `detach all policies`. */
export const deleteConflict = (first: string) =>
  new ServiceError('DeleteConflict', 409, `Cannot delete entity, must ${first} first.`)

export const quotaExceeded = (quota: string, max: number) =>
  new ServiceError('LimitExceeded', 409, `Cannot exceed quota for ${quota}: ${max}`)

export const inlinePoliciesTooLong = (kind: string, name: string, max: number) =>
  new ServiceError('LimitExceeded', 409, `Maximum policy size of ${max} bytes exceeded for ${kind} ${name}`)

export const noSuchInlinePolicy = (kind: string, policyName: string) =>
  new ServiceError('NoSuchEntity', 404, `The ${kind} policy with name ${policyName} cannot be found.`)

export const malformedPolicy = (reason: string) => new ServiceError('MalformedPolicyDocument', 400, reason)

/** That it is refused, and with this code, is documented; AWS's words for it are not. */
export const openIssuer = (issuer: string, keys: readonly string[]) =>
  malformedPolicy(
    `The identity provider ${issuer} is shared by many organizations: the trust policy must evaluate ${keys.join(' or ')} in a condition that is not only a wildcard.`,
  )

export const noUserOfOwn = () =>
  new ServiceError('ValidationError', 400, 'Must specify userName when calling with non-User credentials')

export const oneUserOrAll = () =>
  new ServiceError('InvalidInput', 400, 'UserName and AllUsers cannot be specified together.')

export const notSupportedService = (service: string) =>
  new ServiceError('NotSupportedService', 404, `Service ${service} has no service-specific credentials on this server.`)

export const reportNotPresent = () => new ServiceError('ReportNotPresent', 410, 'No report exists.')

export const reportInProgress = () => new ServiceError('ReportInProgress', 404, 'Report generation is in progress.')

export const reportExpired = () => new ServiceError('ReportExpired', 410, 'The report is older than four hours.')

export const cannotExpire = () =>
  new ServiceError('InvalidInput', 400, 'The status of an access key can be set to Active or Inactive.')

export const invalidMarker = () => new ServiceError('ValidationError', 400, 'Invalid Marker.')

export const duplicateTagKeys = () =>
  new ServiceError('InvalidInput', 400, 'Duplicate tag keys found. Please note that Tag keys are case insensitive.')

export const reservedTagKey = () =>
  new ServiceError('InvalidInput', 400, 'Tag keys that begin with aws: are reserved for system use.')

export const mfaDeviceExists = () =>
  new ServiceError('EntityAlreadyExists', 409, 'MFADevice entity at the same path and name already exists.')

export const noSuchMfaDevice = (serialNumber: string) =>
  new ServiceError('NoSuchEntity', 404, `VirtualMFADevice with serial number ${serialNumber} does not exist.`)

export const mfaDeviceNotOfUser = () => new ServiceError('NoSuchEntity', 404, 'MFA Device invalid for user.')

export const mfaDeviceInUse = () => new ServiceError('EntityAlreadyExists', 409, 'MFA Device is already in use.')

export const mfaDeviceStillInUse = () =>
  new ServiceError('DeleteConflict', 409, 'MFA VirtualDevice in use. Must deactivate first.')

export const mfaDeviceNameTooLong = (max: number) =>
  new ServiceError('InvalidInput', 400, `The serial number of an MFA device must have at most ${max} characters.`)

export const invalidAuthenticationCode = () =>
  new ServiceError('InvalidAuthenticationCode', 403, 'Authentication code for device is not valid.')

export const noLoginProfile = (userName: string) =>
  new ServiceError('NoSuchEntity', 404, `Login Profile for User ${userName} cannot be found.`)

export const loginProfileExists = (userName: string) =>
  new ServiceError('EntityAlreadyExists', 409, `Login Profile for User ${userName} already exists.`)

export const loginProfileChanging = (userName: string) =>
  new ServiceError(
    'EntityTemporarilyUnmodifiable',
    409,
    `Login Profile for User ${userName} was changed by another request. Try again.`,
  )

export const passwordMissing = () =>
  new ServiceError(
    'ValidationError',
    400,
    "1 validation error detected: Value null at 'password' failed to satisfy constraint: Member must not be null",
  )

export const passwordPolicyViolation = (reason: string) => new ServiceError('PasswordPolicyViolation', 400, reason)

export const wrongPassword = () => new ServiceError('AccessDenied', 403, 'The old password was incorrect.')

export const notAUser = () => new ServiceError('InvalidUserType', 400, 'Only IAM Users can change their own password')

export const noPasswordPolicy = (account: string) =>
  new ServiceError('NoSuchEntity', 404, `The Password Policy with domain name ${account} cannot be found.`)

/** Strongroom's own: AWS has no list of sessions. */
export const tooManyRevokedSessions = (max: number) =>
  new ServiceError(
    'LimitExceededException',
    400,
    `An account can have at most ${max} revoked sessions. Deny the sessions of a role by aws:TokenIssueTime instead.`,
  )
