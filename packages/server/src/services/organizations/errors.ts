// What Organizations answers where it refuses, in AWS's words. Where they are not known, code and reason are AWS's and the text ours.
// https://docs.aws.amazon.com/organizations/latest/APIReference/CommonErrors.html

import { ServiceError } from '../../errors.ts'

const refused = (code: string, message: string) => new ServiceError(code, 400, message)
const invalidInput = (reason: string, message: string) =>
  new ServiceError('InvalidInputException', 400, message, { reason })
const constraintViolation = (reason: string, message: string) =>
  new ServiceError('ConstraintViolationException', 400, message, { reason })

/** The caller's account is not the one that manages the organization, whatever its policies allow. */
export const notManagementAccount = () =>
  refused('AccessDeniedException', "You don't have permissions to access this resource.")

export const accountNotFound = () => refused('AccountNotFoundException', "You specified an account that doesn't exist.")

export const accountAlreadyClosed = () => refused('AccountAlreadyClosedException', 'This account is already closed.')

export const requestNotFound = () =>
  refused('CreateAccountStatusNotFoundException', "You specified a create account request that doesn't exist.")

export const managementAccountStays = () =>
  constraintViolation('CANNOT_CLOSE_MANAGEMENT_ACCOUNT', "You can't close the management account of the organization.")

export const tooManyAccounts = () =>
  constraintViolation('ACCOUNT_NUMBER_LIMIT_EXCEEDED', 'You have exceeded the allowed number of AWS accounts.')

export const tooManyTags = () =>
  constraintViolation('MAX_TAG_LIMIT_EXCEEDED', 'You have exceeded the number of tags allowed on this resource.')

// Input.

export const invalidPattern = () =>
  invalidInput('INVALID_PATTERN', 'You provided a value that does not match the required pattern.')

export const tooLong = () =>
  invalidInput('MAX_LENGTH_EXCEEDED', 'You provided a string parameter that is longer than allowed.')

export const tooShort = () =>
  invalidInput('MIN_LENGTH_EXCEEDED', 'You provided a string parameter that is shorter than allowed.')

export const tooLarge = () =>
  invalidInput('MAX_VALUE_EXCEEDED', 'You provided a numeric parameter that has a larger value than allowed.')

export const tooSmall = () =>
  invalidInput('MIN_VALUE_EXCEEDED', 'You provided a numeric parameter that has a smaller value than allowed.')

export const invalidEnum = () => invalidInput('INVALID_ENUM', 'You specified an invalid value.')

export const reservedRoleName = () =>
  invalidInput(
    'INVALID_ROLE_NAME',
    "You provided a role name that isn't valid. A role name can't begin with the reserved prefix AWSServiceRoleFor.",
  )

export const invalidNextToken = () =>
  invalidInput(
    'INVALID_NEXT_TOKEN',
    'Get the value for the NextToken parameter from the response to a previous call of the operation.',
  )

export const duplicateTagKey = () =>
  invalidInput('DUPLICATE_TAG_KEY', 'Tag keys must be unique among the tags attached to the same entity.')

export const systemTag = () =>
  invalidInput(
    'INVALID_SYSTEM_TAGS_PARAMETER',
    "You specified a tag key that is a system tag. You can't add, edit, or delete system tag keys because they're reserved for AWS use.",
  )
