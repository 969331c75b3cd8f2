// The one request header of ours: x-strongroom-if-version makes a write conditional on the version that is AWSCURRENT, or the latest one of a
// parameter. AWS has no such thing; docs/conditional-writes.md tells how it is used. That it is signed and stands once is seen to by auth/, for
// every operation.

import { ServiceError } from '../errors.ts'
import { header, type WireRequest } from '../http/request.ts'
import type { AnyOperation, Protocol } from '../operation.ts'

export const IF_VERSION = 'x-strongroom-if-version'

const FORMS = {
  /** As a header can carry it: what else is text in a body does not survive the way of a header unchanged. */
  VersionId: { form: /^[\x21-\x7e]{32,64}$/, told: 'a VersionId of 32 to 64 ASCII characters without spaces' },
  Version: { form: /^[1-9][0-9]{0,14}$/, told: 'the Version of a parameter, a whole number' },
} as const

/**
 * The version that a conditional write names; undefined where it has no such header.
 * @throws ServiceError InvalidParameterException (Query: ValidationError) where it is no version, or the operation takes no condition:
 * whoever sends it relies on it.
 */
export function readIfVersion(
  { rawHeaders }: WireRequest,
  { name, conditional }: AnyOperation,
  protocol: Protocol,
): string | undefined {
  const version = header(rawHeaders, IF_VERSION)?.trim()
  if (version === undefined) return undefined
  const code = protocol === 'query' ? 'ValidationError' : 'InvalidParameterException'
  if (conditional === undefined) throw new ServiceError(code, 400, `${name} takes no ${IF_VERSION} header.`)
  const { form, told } = FORMS[conditional]
  if (form.test(version)) return version
  throw new ServiceError(code, 400, `The ${IF_VERSION} header must be ${told}.`)
}
