// The one request header of ours: x-strongroom-if-version makes a write conditional on the version that is AWSCURRENT. AWS has no such
// thing; docs/conditional-writes.md tells how it is used. That it is signed and stands once is seen to by auth/, for every operation.

import { ServiceError } from '../errors.ts'
import { header, type WireRequest } from '../http/request.ts'
import type { AnyOperation, Protocol } from '../operation.ts'

export const IF_VERSION = 'x-strongroom-if-version'

/** A VersionId as a header can carry it: what else is text in a body does not survive the way of a header unchanged. */
const VERSION_ID = /^[\x21-\x7e]{32,64}$/

/**
 * The VersionId that a conditional write names; undefined where it has no such header.
 * @throws ServiceError InvalidParameterException (Query: ValidationError) where it is no VersionId, or the operation takes no condition:
 * whoever sends it relies on it.
 */
export function readIfVersion(
  { rawHeaders }: WireRequest,
  { name, conditional }: AnyOperation,
  protocol: Protocol,
): string | undefined {
  const versionId = header(rawHeaders, IF_VERSION)?.trim()
  if (versionId === undefined) return undefined
  const code = protocol === 'query' ? 'ValidationError' : 'InvalidParameterException'
  if (!conditional) throw new ServiceError(code, 400, `${name} takes no ${IF_VERSION} header.`)
  if (VERSION_ID.test(versionId)) return versionId
  throw new ServiceError(
    code,
    400,
    `The ${IF_VERSION} header must be a VersionId of 32 to 64 ASCII characters without spaces.`,
  )
}
