// The grants on keys as calls meet them: which one lets a caller in, and the tokens that name them.
// https://docs.aws.amazon.com/kms/latest/developerguide/grants.html

import type { Call } from '../../call.ts'
import type { Grant as GrantOfPermission, PolicyPrincipal } from '../../policy/engine.ts'
import type { Keyring } from '../../seal/keyring.ts'
import { invalidGrantToken } from './errors.ts'
import { allowsContext, type Grant, type GrantOperation, granteeNames, namesCaller } from './grant.ts'
import type { KmsKey } from './model.ts'
import type { EncryptionContext } from './port.ts'
import { bucketOf, readGrants, type Store, type StoredKey, updateKey, writeGrants } from './store.ts'

const WAYS = ['direct', 'role', 'account'] as const

/** What a grant must allow to count. */
export type Wanted = {
  readonly operation: GrantOperation
  /** Of the request, for the constraints; absent for operations that have none. */
  readonly context?: EncryptionContext | undefined
  readonly fits?: (grant: Grant) => boolean
}

/** The grant that lets a caller do something with a key, the strongest first. Costs nothing where the key has no grants. */
export async function findGrant(
  store: Store,
  caller: PolicyPrincipal,
  key: KmsKey,
  { operation, context, fits }: Wanted,
): Promise<GrantOfPermission | undefined> {
  if (key.grants === undefined) return undefined
  const found: GrantOfPermission[] = []
  for (const bucket of new Set(granteeNames(caller).map(bucketOf))) {
    for (const grant of (await readGrants(store, key, bucket)).grants) {
      const to = namesCaller(grant.grantee, caller)
      if (to === undefined || !grant.operations.includes(operation)) continue
      if (context !== undefined && !allowsContext(grant, context)) continue
      if (fits === undefined || fits(grant)) found.push({ name: grant.grantId, to })
    }
  }
  return WAYS.flatMap((way) => found.filter(({ to }) => to === way))[0]
}

const bucketOfId = (grantId: string): string => grantId.slice(0, 2)

export async function findGrantById(store: Store, key: KmsKey, grantId: string): Promise<Grant | undefined> {
  const { grants } = await readGrants(store, key, bucketOfId(grantId))
  return grants.find((grant) => grant.grantId === grantId)
}

/** The key with one grant more. */
export async function addGrant(store: Store, stored: StoredKey, grant: Grant): Promise<StoredKey> {
  const { key } = stored
  const before = await readGrants(store, key, bucketOfId(grant.grantId))
  const told = await writeGrants(store, key, bucketOfId(grant.grantId), before, [...before.grants, grant])
  return updateKey(store, stored, { ...key, ...told })
}

/** The key without a grant that it has. */
export async function removeGrant(store: Store, stored: StoredKey, grantId: string): Promise<StoredKey> {
  const { key } = stored
  const before = await readGrants(store, key, bucketOfId(grantId))
  const left = before.grants.filter((grant) => grant.grantId !== grantId)
  const { grants, grantCount } = await writeGrants(store, key, bucketOfId(grantId), before, left)
  const { grants: _, grantCount: __, ...others } = key
  return updateKey(store, stored, grantCount === 0 ? others : { ...others, grants: grants!, grantCount: grantCount! })
}

/** All grants of a key, bucket by bucket; a place is a grant id. */
export async function listGrants(
  store: Store,
  key: KmsKey,
  after: string,
  limit: number,
  wanted: (grant: Grant) => boolean,
): Promise<readonly Grant[]> {
  const found: Grant[] = []
  for (const bucket of Object.keys(key.grants ?? {}).sort()) {
    if (bucket < bucketOfId(after)) continue
    const { grants } = await readGrants(store, key, bucket)
    const sorted = grants.toSorted((a, b) => (a.grantId < b.grantId ? -1 : 1))
    for (const grant of sorted) {
      if (grant.grantId > after && wanted(grant)) found.push(grant)
      if (found.length === limit) return found
    }
  }
  return found
}

// Tokens: a grant's place under a MAC. Grants hold from the moment they are made, so a token adds nothing; but one that is not ours is refused.

const TOKEN_PURPOSE = 'kms:GrantToken'
const MAC_AT = 1
const FORMAT = 1

export type GrantTokenPlace = {
  readonly account: string
  readonly region: string
  readonly keyId: string
  readonly grantId: string
}

/** `u8 format ‖ u8 length of the MAC ‖ MAC ‖ JSON`, base64. */
export function sealGrantToken(keyring: Keyring, place: GrantTokenPlace): string {
  const body = Buffer.from(JSON.stringify(place))
  const mac = keyring.mac('token', TOKEN_PURPOSE, [body])
  return Buffer.concat([Buffer.of(FORMAT, mac.length), mac, body]).toString('base64')
}

/** @throws ServiceError InvalidGrantTokenException */
export function openGrantToken(keyring: Keyring, token: string): GrantTokenPlace {
  const bytes = Buffer.from(token, 'base64')
  const bodyAt = MAC_AT + 1 + (bytes[MAC_AT] ?? 0)
  if (bytes[0] !== FORMAT || bytes.length <= bodyAt || bytes.toString('base64') !== token) throw invalidGrantToken()
  const body = bytes.subarray(bodyAt)
  if (!keyring.verify('token', TOKEN_PURPOSE, bytes.subarray(MAC_AT + 1, bodyAt), [body])) throw invalidGrantToken()
  return JSON.parse(body.toString()) as GrantTokenPlace
}

/** @throws ServiceError InvalidGrantTokenException where one is not ours */
export function checkGrantTokens({ app }: Pick<Call, 'app'>, tokens: readonly string[] = []): void {
  for (const token of tokens) openGrantToken(app.keyring, token)
}
