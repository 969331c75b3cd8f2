// What CreateGrant may ask for, and the grant that comes of it.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html

import type { Call } from '../../call.ts'
import * as errors from './errors.ts'
import { type Constraints, type Grant, type GrantOperation, granteeName, grantOperationsOf } from './grant.ts'
import { resolvePrincipal } from './grant-principals.ts'
import type { KmsKey } from './model.ts'
import type { EncryptionContext } from './port.ts'
import { bucketOf } from './store.ts'

export const GRANTS_MAX = 50_000
const PAIRS_MAX = 8
const ID_BYTES = 31

export type NewGrantInput = {
  readonly Operations: readonly string[]
  readonly GranteePrincipal?: string | undefined
  readonly RetiringPrincipal?: string | undefined
  readonly GranteeServicePrincipal?: string | undefined
  readonly RetiringServicePrincipal?: string | undefined
  readonly Constraints?:
    | {
        readonly EncryptionContextSubset?: EncryptionContext | undefined
        readonly EncryptionContextEquals?: EncryptionContext | undefined
        readonly SourceArn?: string | undefined
      }
    | undefined
  readonly Name?: string | undefined
}

/** The operations and constraints of a request, as a grant has them. */
export function scopeOf({ Operations, Constraints: given }: NewGrantInput): Pick<Grant, 'operations' | 'constraints'> {
  const constraints: Constraints = {
    ...(given?.EncryptionContextEquals && { equals: { ...given.EncryptionContextEquals } }),
    ...(given?.EncryptionContextSubset && { subset: { ...given.EncryptionContextSubset } }),
  }
  const operations = [...new Set(Operations)] as GrantOperation[]
  return { operations, ...(Object.keys(constraints).length > 0 && { constraints }) }
}

/** @throws ServiceError ValidationException, InvalidArnException, UnsupportedOperationException */
export async function newGrant(call: Call, key: KmsKey, input: NewGrantInput): Promise<Grant> {
  if (input.GranteeServicePrincipal !== undefined || input.RetiringServicePrincipal !== undefined)
    throw errors.unsupported('Grants to service principals are not supported: services act as their callers here.')
  if (input.Constraints?.SourceArn !== undefined)
    throw errors.unsupported('The SourceArn constraint is not supported: services act as their callers here.')
  if (input.GranteePrincipal === undefined) throw errors.invalidRequest('GranteePrincipal is required.')
  const { operations, constraints } = scopeOf(input)
  if (operations.length === 0) throw errors.invalidRequest('A grant has at least one operation.')
  const possible = grantOperationsOf(key.keySpec, key.keyUsage)
  const other = operations.find((operation) => !possible.includes(operation))
  if (other !== undefined)
    throw errors.invalidRequest(
      `Operation ${other} is not supported for key spec ${key.keySpec} and key usage ${key.keyUsage}.`,
    )
  if (constraints !== undefined) {
    if (key.keySpec !== 'SYMMETRIC_DEFAULT')
      throw errors.invalidRequest('Grant constraints are supported only for symmetric encryption KMS keys.')
    for (const pairs of [constraints.equals, constraints.subset]) {
      if (pairs !== undefined && Object.keys(pairs).length > PAIRS_MAX)
        throw errors.invalidRequest(`An encryption context constraint has at most ${PAIRS_MAX} pairs.`)
    }
  }
  const grantee = await resolvePrincipal(call, input.GranteePrincipal)
  const retiring =
    input.RetiringPrincipal === undefined ? undefined : await resolvePrincipal(call, input.RetiringPrincipal)
  const random = Buffer.from(call.app.randomBytes(ID_BYTES)).toString('hex')
  return {
    grantId: bucketOf(granteeName(grantee)) + random,
    ...(input.Name !== undefined && { name: input.Name }),
    createdAt: call.now,
    grantee,
    ...(retiring && { retiring }),
    issuingAccount: call.account,
    operations,
    ...(constraints && { constraints }),
  }
}

/** Whether a grant with a name is the one that is asked for again. */
export function isSameGrant(one: Grant, other: Grant): boolean {
  const { grantId: _, createdAt: __, ...a } = one
  const { grantId: ___, createdAt: ____, ...b } = other
  return canonical(a) === canonical(b)
}

const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, inner: unknown) =>
    typeof inner === 'object' && inner !== null && !Array.isArray(inner)
      ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)))
      : inner,
  )
