// What Lambda answers where it refuses, in AWS's words. Where AWS's words are not known, the type is AWS's and the text ours.
// https://docs.aws.amazon.com/lambda/latest/api/CommonErrors.html

import { ServiceError } from '../../errors.ts'

/** Of Lambda's errors some say `message` and some `Message`. */
const LOWER = { messageKey: 'message' } as const

const invalid = (message: string) => new ServiceError('InvalidParameterValueException', 400, message, LOWER)
const notFound = (message: string) => new ServiceError('ResourceNotFoundException', 404, message)
const conflict = (message: string) => new ServiceError('ResourceConflictException', 409, message, LOWER)
const failed = (message: string, cause?: unknown) => new ServiceError('ServiceException', 500, message, { cause })
const throttled = (message: string, reason: string) =>
  new ServiceError('TooManyRequestsException', 429, message, { ...LOWER, reason })

// Functions and their names.

export const functionNotFound = (arn: string) => notFound(`Function not found: ${arn}`)
export const functionExists = (name: string) => conflict(`Function already exist: ${name}`)
export const otherRegion = (region: string, here: string) =>
  notFound(`Functions from '${region}' are not reachable in this region ('${here}')`)
export const qualifiersDiffer = () =>
  invalid('The derived qualifier from the function name does not match the specified qualifier.')
export const nameTooLong = (max: number) =>
  invalid(`The function name may have at most ${max} characters, without the rest of an ARN.`)
export const nameQualified = () => invalid('The function name of this operation takes no qualifier.')
export const reservedName = (prefix: string) => invalid(`Function names that start with ${prefix} are reserved.`)
export const tooManyFunctions = (quota: number) => invalid(`You've reached the quota of ${quota} functions.`)
export const tooManyVersions = (quota: number) => conflict(`A function can have at most ${quota} versions.`)
export const latestStays = () => invalid('$LATEST version cannot be deleted without deleting the function.')
export const aliasesAreDeletedElsewhere = () => invalid('Deletion of aliases is not currently supported.')
export const versionHasAliases = (aliases: readonly string[]) =>
  conflict(`Unable to delete version because the following aliases reference it: [${aliases.join(', ')}]`)
export const revisionDiffers = () =>
  new ServiceError(
    'PreconditionFailedException',
    412,
    'The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id',
    LOWER,
  )

// Configuration.

export const runtimeAndHandler = () =>
  invalid('Runtime and Handler are mandatory parameters for functions created with deployment packages.')
/** AWS's enumeration, with those that there are here. */
export const unknownRuntime = (runtime: string, known: readonly string[]) =>
  invalid(
    `Value ${runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [${known.join(', ')}] or be a valid ARN`,
  )
export const runtimeUnavailable = (runtime: string, reason: string) =>
  invalid(`The runtime ${runtime} is not available on this server: ${reason}`)
export const notSupported = (member: string, accepted: string) =>
  invalid(`${member} is not supported by this server: ${accepted}.`)
export const roleNotAssumable = () => invalid('The role defined for the function cannot be assumed by Lambda.')
export const crossAccountRole = () =>
  new ServiceError('AccessDeniedException', 403, 'Cross-account pass role is not allowed.')
export const otherArchitecture = (asked: string, here: string) =>
  invalid(`The architecture ${asked} is not that of this server, which is ${here}.`)
export const variableName = () =>
  invalid(
    'The name of an environment variable must begin with a letter, have two characters or more, and only letters, digits and _.',
  )
export const reservedVariables = (names: readonly string[]) =>
  invalid(
    `Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: ${names.join(', ')}`,
  )
/** AWS repeats the variables here, whose values may be secrets. */
export const environmentTooLarge = () =>
  invalid(
    'Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit.',
  )
export const variableCharacters = () => invalid('The value of an environment variable may not hold NUL.')

// Code.

export const noCode = () => invalid('Please provide a source for function code.')
export const zipUnreadable = (cause?: unknown) =>
  new ServiceError(
    'InvalidParameterValueException',
    400,
    'Could not unzip uploaded file. Please check your file, then try to upload again.',
    { ...LOWER, cause },
  )
/** What is wrong with an archive that can be read. */
export const zipRefused = (reason: string) => invalid(`The deployment package is not accepted: ${reason}.`)
export const unzippedTooLarge = (max: number) => invalid(`Unzipped size must be smaller than ${max} bytes`)
export const zipTooLarge = (max: number) => invalid(`The deployment package may have at most ${max} bytes.`)
export const codeStorageExceeded = () =>
  new ServiceError('CodeStorageExceededException', 400, 'Code storage limit exceeded.', LOWER)
export const codeDiffers = (given: string, latest: string) =>
  invalid(
    `CodeSHA256 (${given}) is different from current CodeSHA256 in $LATEST (${latest}). Please try again with the CodeSHA256 in $LATEST.`,
  )

// Aliases.

export const aliasNotFound = (arn: string) => notFound(`Cannot find alias arn: ${arn}`)
export const aliasExists = (arn: string) => conflict(`Alias already exists: ${arn}`)
export const tooManyAliases = (quota: number) =>
  new ServiceError('AliasLimitExceededException', 400, `A function can have at most ${quota} aliases.`, LOWER)

// Policies.

export const policyNotFound = () => notFound('The resource you requested does not exist.')
export const statementNotFound = (sid: string) => notFound(`Statement ${sid} is not found in resource policy.`)
export const statementExists = (sid: string) =>
  conflict(
    `The statement id (${sid}) provided already exists. Please provide a new statement id, or remove the existing statement.`,
  )
export const policyOfLatest = () => invalid('We currently do not support adding policies for $LATEST.')
export const policyTooLong = (bytes: number, max: number) =>
  new ServiceError(
    'PolicyLengthExceededException',
    400,
    `The final policy size (${bytes}) is bigger than the limit (${max}).`,
    LOWER,
  )
export const policyPrincipal = () =>
  invalid('The provided principal was invalid. Please check the principal and try again.')
export const policyPublic = () =>
  new ServiceError(
    'PublicPolicyException',
    400,
    'Lambda prevented your policy from being created because it would grant public access to your function.',
  )

// Tags.

export const tooManyTags = (max: number) => invalid(`A function can have at most ${max} tags.`)
export const tagInvalid = () =>
  invalid('A tag key has 1 to 128 characters and a tag value at most 256: letters, digits, spaces and _.:/=+-@.')
export const reservedTagKey = () => invalid('Tag keys that start with aws: are reserved.')
export const notTaggable = () => invalid('Only functions have tags here, without a version or an alias.')

// Invocation.

export const clientContextInvalid = () =>
  new ServiceError(
    'InvalidRequestContentException',
    400,
    'Client context must be a valid Base64-encoded JSON object.',
    LOWER,
  )

export const requestTooLarge = (message: string) => new ServiceError('RequestTooLargeException', 413, message, LOWER)
export const payloadTooLarge = (bytes: number, max: number) =>
  requestTooLarge(`${bytes} byte payload is too large for the Event invocation type (limit ${max} bytes)`)
export const payloadNotJson = (cause?: unknown) =>
  new ServiceError(
    'InvalidRequestContentException',
    400,
    'Could not parse request body into json: the payload is not valid JSON in UTF-8.',
    { ...LOWER, cause },
  )
export const reservedConcurrency = () =>
  throttled('Rate Exceeded.', 'ReservedFunctionConcurrentInvocationLimitExceeded')
export const serverConcurrency = () => throttled('Rate Exceeded.', 'ConcurrentInvocationLimitExceeded')
export const functionsOff = (reason: string) => failed(`This server does not run functions: ${reason}`)
export const cannotRun = (cause: unknown) => failed('The function could not be run on this server.', cause)
export const stopped = () => failed('The invocation ended because the server stops.')
export const tooManyEvents = (quota: number) =>
  throttled(`${quota} events wait for this function already.`, 'ConcurrentInvocationLimitExceeded')

export const invalidMarker = () => invalid('The marker is not one of this list.')
