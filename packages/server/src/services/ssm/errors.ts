// What Parameter Store answers where it refuses, in AWS's words. Where AWS's words are not known, the type is AWS's and the text ours.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_PutParameter.html#API_PutParameter_Errors

import { ServiceError } from '../../errors.ts'

/** Most errors of SSM carry their text in `message`, a few in `Message`. */
const lower = (code: string, message: string, cause?: unknown) =>
  new ServiceError(code, 400, message, { messageKey: 'message', ...(cause !== undefined && { cause }) })
const upper = (code: string, message: string) => new ServiceError(code, 400, message)
const validation = (message: string) => lower('ValidationException', message)

// Names.

export const invalidName = () =>
  validation(
    'Parameter name: can\'t be prefixed with "ssm" (case-insensitive). If formed as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be formed as a mix of letters, numbers and the following 3 symbols .-_',
  )
export const nameNotQualified = () => validation('Parameter name must be a fully qualified name.')
export const nameTooLong = (max: number) =>
  validation(`The ARN of a parameter, which its name ends, can have at most ${max} characters.`)
export const tooManyLevels = (max: number) =>
  lower(
    'HierarchyLevelLimitExceededException',
    `A hierarchy can have a maximum of ${max} levels. For more information, see Requirements and constraints for parameter names in the AWS Systems Manager User Guide.`,
  )
export const reservedName = (name: string) =>
  lower('AccessDeniedException', `No access to reserved parameter name: ${name}.`)
export const invalidPath = () =>
  validation(
    'The parameter doesn\'t meet the parameter name requirements. The parameter name must begin with a forward slash "/". It can\'t be prefixed with "aws" or "ssm" (case-insensitive). It must use only letters, numbers, or the following symbols: . (period), - (hyphen), _ (underscore). Special characters are not allowed. All sub-paths, if specified, must use the forward slash symbol "/". Valid example: /get/parameters2-/by1./path0_.',
  )

// The parameter and its versions.

/** AWS sends no text. */
export const parameterNotFound = () => lower('ParameterNotFound', '')
export const versionNotFound = (version: number | string, name: string) =>
  lower(
    'ParameterVersionNotFound',
    `Systems Manager could not find version ${version} of ${name}. Verify the version and try again.`,
  )
export const labelNotFound = (label: string, name: string) =>
  lower(
    'ParameterVersionNotFound',
    `Systems Manager could not find label ${label} of ${name}. Verify the label and try again.`,
  )
export const alreadyExists = () =>
  lower(
    'ParameterAlreadyExists',
    'The parameter already exists. To overwrite this value, set the overwrite option in the request to true.',
  )
/** The condition of a conditional write. It does not say which version is the latest: the caller may not be allowed to know. */
export const versionNotLatest = () =>
  lower('PreconditionNotMetException', 'The version that x-strongroom-if-version names is not the latest one.')
export const oldestIsLabelled = (name: string, version: number) =>
  lower(
    'ParameterMaxVersionLimitExceeded',
    `You attempted to create a new version of ${name} by calling the PutParameter API with the overwrite flag. Version ${version}, the oldest version, can't be deleted because it has a label associated with it. Move the label to another version of the parameter, and try again.`,
  )
export const tooManyParameters = (max: number, tier: string) =>
  lower(
    'ParameterLimitExceeded',
    `You have exceeded the number of ${tier} parameters for this AWS account, which is ${max}. Delete one or more parameters and try again.`,
  )
export const tooManyLabels = () =>
  lower('ParameterVersionLabelLimitExceeded', 'A parameter version can have a maximum of ten labels.')

// PutParameter.

export const typeMissing = () => validation('A parameter type is required when you create a parameter.')
export const typeChanged = () =>
  lower(
    'HierarchyTypeMismatchException',
    "Parameter Store doesn't support changing a parameter type in a hierarchy. For example, you can't change a parameter from a String type to a SecureString type. You must create a new, unique parameter.",
  )
export const tagsWithOverwrite = () =>
  validation(
    "Invalid request: tags and overwrite can't be used together. To create a parameter with tags, please remove overwrite flag. To update tags for an existing parameter, please use AddTagsToResource or RemoveTagsFromResource.",
  )
export const keyOfPlainValue = () => validation('KeyId is required for SecureString type parameter only.')
export const valueNests = () =>
  validation('Parameter value can\'t nest another parameter. Do not use "{{}}" in the value.')
export const valueTooLong = (tier: 'Standard' | 'Advanced', max: number) =>
  validation(
    tier === 'Standard'
      ? `Standard tier parameters support a maximum parameter value of ${max} characters. To create a larger parameter value, upgrade the parameter to use the advanced-parameter tier. For more information, see https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html`
      : `The specified parameter value is too large. Advanced-tier parameters support a maximum parameter value of ${max} characters.`,
  )
export const tierDowngrade = () =>
  validation(
    "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from the advanced-parameter tier to the standard-parameter tier. If necessary, you can delete the advanced parameter and recreate it as a standard parameter.",
  )
export const unknownDataType = (dataType: string) =>
  validation(`The following data type is not supported: ${dataType} (Data type names are all lowercase.)`)
export const dataTypeOfString = (dataType: string) =>
  validation(`The data type ${dataType} is for parameters of type String only.`)
export const notAnImageId = () =>
  validation('The parameter value is not the id of an Amazon Machine Image, such as ami-12345abcdeEXAMPLE.')
/** `why` is what the engine says of the pattern. */
export const invalidPattern = (why: string) =>
  lower('InvalidAllowedPatternException', `The request does not meet the regular expression requirement. ${why}`)
export const patternMismatch = (pattern: string) =>
  lower('ParameterPatternMismatchException', `Parameter value, cannot be validated against allowedPattern: ${pattern}`)

// Policies.

export const policiesOfStandard = () =>
  validation('Parameter policies are supported for parameters of the advanced-parameter tier only.')
export const policiesNotJson = () => validation('Policies must be a JSON array of parameter policies.')
export const tooManyPolicies = (max: number) =>
  lower(
    'PoliciesLimitExceededException',
    `You specified more than the maximum number of allowed policies for the parameter. The maximum is ${max}.`,
  )
export const unknownPolicyType = () =>
  lower(
    'InvalidPolicyTypeException',
    "The policy type isn't supported. Parameter Store supports the following policy types: Expiration, ExpirationNotification, and NoChangeNotification.",
  )
/** `why` is a sentence. */
export const policyAttribute = (why: string) =>
  lower('InvalidPolicyAttributeException', `A policy attribute or its value is invalid. ${why}`)
export const incompatiblePolicies = (why: string) =>
  lower('IncompatiblePolicyException', `There is a conflict in the policies specified for this parameter. ${why}`)

// KMS on the caller's behalf: what it said, as AWS's services repeat it.

export const kmsAccessDenied = (message: string, cause: ServiceError) =>
  new ServiceError('AccessDeniedException', 400, message, {
    messageKey: 'message',
    cause,
    ...(cause.decision && { decision: cause.decision }),
  })
export const keyUnusable = (message: string, cause: unknown) => lower('InvalidKeyId', message, cause)

// Secrets by reference.

export const secretNeedsDecryption = () =>
  validation('WithDecryption flag must be True for retrieving a Secret Manager secret.')
export const secretNotFound = (name: string) =>
  lower(
    'ParameterNotFound',
    `An error occurred (ParameterNotFound) when referencing Secrets Manager: Secret ${name} not found.`,
  )
export const secretNotText = (name: string) =>
  validation(`The secret ${name} is binary: only secrets that are text can be referenced.`)

// Lists.

export const invalidNextToken = () => upper('InvalidNextToken', "The specified token isn't valid.")
export const invalidFilterKey = (key: string, valid: readonly string[]) =>
  lower(
    'InvalidFilterKey',
    `The following filter key is not valid: ${key}. Valid filter keys include: [${valid.join(', ')}].`,
  )
export const invalidFilterOption = (option: string, valid: readonly string[]) =>
  lower(
    'InvalidFilterOption',
    `The following filter option is not valid: ${option}. Valid options include: [${valid.join(', ')}].`,
  )
export const invalidFilterValue = (value: string, valid: readonly string[]) =>
  upper(
    'InvalidFilterValue',
    `The following filter value is not valid: ${value}. Valid values include: [${valid.join(', ')}].`,
  )
export const filterWithoutValues = (key: string) =>
  upper('InvalidFilterValue', `The filter ${key} must have at least one value.`)
export const filterPath = (path: string) =>
  upper('InvalidFilterValue', `The following path is not valid: ${path}. A path begins with a forward slash "/".`)
export const bothFilters = () => validation('You can use either Filters or ParameterFilters in a single request.')

// Tags.

export const invalidResourceType = () => lower('InvalidResourceType', '')
export const invalidResourceId = () => lower('InvalidResourceId', '')
export const tooManyTags = () => lower('TooManyTagsError', '')
export const duplicateTagKey = (key: string) => validation(`The tag key ${key} is given more than once.`)
export const reservedTagKey = () => validation('Tag keys starting with aws: are reserved for system use.')

// Resource policies.

const invalidPolicyParameter = (message: string) => upper('ResourcePolicyInvalidParameterException', message)

export const notAParameterArn = () =>
  invalidPolicyParameter(
    'ResourceArn is not the ARN of a parameter. This server has resource policies of parameters only.',
  )
export const sharedNotFound = () =>
  upper('ResourceNotFoundException', 'The specified parameter to be shared could not be found.')
export const sharingOfStandard = () =>
  invalidPolicyParameter('To share a parameter, it must be in the advanced parameter tier.')
export const policyIdAndHash = () =>
  invalidPolicyParameter('To update a policy, you must specify PolicyId and PolicyHash.')
export const policyLocksOut = () =>
  invalidPolicyParameter('This resource policy would not allow you to change it in the future.')
export const noFurtherPolicies = () => invalidPolicyParameter("The specified NextToken isn't valid.")
export const policyLimit = (max: number) =>
  upper('ResourcePolicyLimitExceededException', `A policy can't be greater than ${max} bytes in size.`)
export const onePolicy = () =>
  upper('ResourcePolicyLimitExceededException', 'Only one policy can be attached to a parameter.')
export const policyConflict = () =>
  upper('ResourcePolicyConflictException', "The hash provided in the call doesn't match the stored hash.")
export const policyNotFound = () =>
  upper('ResourcePolicyNotFoundException', 'No policies with the specified policy ID and hash could be found.')
/** `problem` is a sentence. */
export const malformedPolicy = (problem: string) =>
  upper('MalformedResourcePolicyDocumentException', `The specified policy document is malformed or invalid. ${problem}`)
