// What KMS answers when a call fails, each code once. HTTP status 400 for every fault of the caller, as the service sends it.
// https://docs.aws.amazon.com/kms/latest/APIReference/CommonErrors.html

import { ServiceError } from '../../errors.ts'

const kmsError = (code: string, message: string): ServiceError =>
  new ServiceError(code, 400, message, { messageKey: 'message' })

export const keyNotFound = (arn: string) => kmsError('NotFoundException', `Key '${arn}' does not exist`)

export const aliasNotFound = (arn: string) => kmsError('NotFoundException', `Alias ${arn} is not found.`)

export const invalidKeyId = (keyId: string) => kmsError('NotFoundException', `Invalid keyId '${keyId}'`)

/** An ARN of another region: KMS names the region and nothing else. */
export const otherRegion = (region: string) => kmsError('NotFoundException', `Invalid arn ${region}`)

export const keyDisabled = (arn: string) => kmsError('DisabledException', `${arn} is disabled.`)

export const keyInvalidState = (arn: string, state: string) =>
  kmsError('KMSInvalidStateException', `${arn} is ${state}.`)

/** Whatever was wrong with blob, context or tag: always this, with no words. */
export const invalidCiphertext = () => kmsError('InvalidCiphertextException', '')

/** One text for keys of other accounts, whether they exist or not. */
export const notAuthorized = (principal: string, action: string) =>
  kmsError(
    'AccessDeniedException',
    `User: ${principal} is not authorized to perform: ${action} on this resource because the resource does not exist in this Region, no resource-based policies allow access, or a resource-based policy explicitly denies access`,
  )

export const explicitlyDenied = (principal: string, action: string, arn: string) =>
  kmsError(
    'AccessDeniedException',
    `User: ${principal} is not authorized to perform: ${action} on resource: ${arn} with an explicit deny in an identity-based policy`,
  )

export const ciphertextNotAuthorized = () =>
  kmsError(
    'AccessDeniedException',
    'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.',
  )
