// Sessions of roles as the identity store sees them. A session token says who was let in and to what it was narrowed; whether that still
// holds, and which policies hold, is read from the rows at each request.

import { unrecognized } from '../../auth/errors.ts'
import type { Identity, Principal, SessionFacts } from '../../call.ts'
import { compilePolicy } from '../../policy/compile.ts'
import type { CompiledPolicy, NamedPolicy } from '../../policy/engine.ts'
import type { Transaction } from '../../storage/database.ts'
import * as errors from './errors.ts'
import {
  type AccountBody,
  type RevokedSession,
  type RoleBody,
  roleArn,
  type Tag,
  type UserBody,
  userArn,
} from './model.ts'
import { compileNaming } from './principals.ts'
import type { Found } from './remembered.ts'
import {
  ACCOUNT,
  cachesOf,
  findByName,
  findManagedOrOwn,
  findPolicies,
  findRow,
  type IamReader,
  isSuspended,
  ROLE,
  replaceRow,
  type Stored,
  USER,
} from './store.ts'

/** Whether a session holds in this transaction: its account is not suspended, its role is there, and nobody revoked it. */
export async function sessionHolds(app: IamReader, tx: Transaction, identity: Identity): Promise<boolean> {
  const holds = await cachesOf(app).sessions.read(tx, identity.session!, async () => {
    const holder = await findSessionHolder(app, tx, identity)
    return holder && { sources: [holder.body], make: () => true }
  })
  return holds === true
}

/**
 * The identity of a session with the policies of its role, and what narrows it, as they are in this transaction.
 * @throws SignatureError where the session no longer holds.
 * @throws IntegrityError where rows were altered, or policies of the role are missing.
 */
export async function readSessionPrincipal(app: IamReader, tx: Transaction, identity: Identity): Promise<Principal> {
  const principal = await cachesOf(app).sessionPrincipals.read(tx, identity.session!, () =>
    findSessionPrincipal(app, tx, identity),
  )
  if (principal === undefined) throw unrecognized()
  return principal
}

/** The same, not remembered; undefined where the session no longer holds. @throws IntegrityError */
export async function findSessionPrincipal(
  app: IamReader,
  tx: Transaction,
  identity: Identity,
): Promise<Found<Principal> | undefined> {
  const session = identity.session!
  const holder = await findSessionHolder(app, tx, identity)
  if (holder === undefined) return undefined
  const { body } = holder
  const isRoot = !('inlinePolicies' in body)
  const { sources, compile } = isRoot
    ? { sources: [body], compile: () => ({ policies: [ROOT] }) }
    : await findPolicies(app, tx, identity.account, body)
  const passed = await readPassedPolicies(app, tx, identity.account, session.policyArns ?? [])
  // A federated user may do nothing but what its session policies say.
  const federated = identity.kind === 'federated-user'
  const narrowed = federated || session.policies !== undefined || session.policyArns !== undefined
  const userName = 'userName' in body && !federated ? body.userName : undefined
  const arn = userName === undefined ? identity.arn : userArn(app.partition, identity.account, body as UserBody)
  return {
    sources: [...sources, ...passed],
    make: () => ({
      identity: userName === undefined ? identity : { ...identity, userName, arn },
      kind: identity.kind,
      arn,
      account: identity.account,
      userId: identity.userId,
      ...(session.role && { role: session.role }),
      ...compile(),
      ...(narrowed && { sessionPolicies: [...documentPolicies(session), ...passed] }),
      tags: sessionTags(isRoot || federated ? [] : (body.tags ?? []), session.tags),
    }),
  }
}

/**
 * The role, user or account of a session that holds. One made again under the same name is another: it is found by its unique id.
 */
async function findSessionHolder(
  app: IamReader,
  tx: Transaction,
  identity: Identity,
): Promise<Stored<RoleBody | UserBody | AccountBody> | undefined> {
  const { role, user } = identity.session!
  const [account, holder] = await Promise.all([
    findRow(app, tx, ACCOUNT, [identity.account]),
    role !== undefined
      ? findRow(app, tx, ROLE, [identity.account, role.roleId])
      : user !== undefined
        ? findRow(app, tx, USER, [identity.account, user.userId])
        : findRow<AccountBody>(app, tx, ACCOUNT, [identity.account]),
  ])
  if (account === undefined || isSuspended(account)) return undefined
  const revoked = account.body.revokedSessions?.some(({ accessKeyId }) => accessKeyId === identity.accessKeyId)
  return revoked ? undefined : holder
}

/** What a root user may, for the federated users that it vouches for; a root user itself needs no policy. */
const ROOT: NamedPolicy = {
  name: 'the root user',
  policy: compilePolicy(
    '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}',
    'identity',
  ),
}

/** Compiled once for each session. */
const documentPoliciesOf = new WeakMap<SessionFacts, readonly NamedPolicy[]>()

function documentPolicies(session: SessionFacts): readonly NamedPolicy[] {
  const known = documentPoliciesOf.get(session)
  if (known !== undefined) return known
  const policies = (session.policies ?? []).map((document) => ({
    name: 'session policy',
    policy: compilePolicy(document, 'session'),
  }))
  documentPoliciesOf.set(session, policies)
  return policies
}

/** Stands in for a session policy that is gone, which may have been the one that denies. */
const GONE: NamedPolicy = {
  name: 'a session policy that was deleted',
  policy: compilePolicy(
    '{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}',
    'session',
  ),
}

async function readPassedPolicies(
  app: IamReader,
  tx: Transaction,
  account: string,
  arns: readonly string[],
): Promise<readonly NamedPolicy[]> {
  const policies: NamedPolicy[] = []
  for (const arn of arns) policies.push((await findManagedOrOwn(app, tx, account, arn)) ?? GONE)
  return policies
}

/** Keys are told apart without regard to case; those of the session win. */
function sessionTags(roleTags: readonly Tag[], passed: SessionFacts['tags']): Principal['tags'] {
  const keys = new Set(Object.keys(passed).map((key) => key.toLowerCase()))
  const others = roleTags.filter(({ key }) => !keys.has(key.toLowerCase()))
  return Object.fromEntries([...others.map(({ key, value }) => [key, value]), ...Object.entries(passed)])
}

/** A role as AssumeRole sees it. */
export type AssumableRole = Stored<RoleBody> & { readonly trust: CompiledPolicy }

/** The role of this very ARN, of whatever account; undefined where there is none, or its account is suspended. */
export async function findAssumableRole(
  app: IamReader,
  tx: Transaction,
  arn: string,
): Promise<AssumableRole | undefined> {
  const account = arn.split(':')[4] ?? ''
  const [owner, role] = await Promise.all([
    findRow(app, tx, ACCOUNT, [account]),
    findByName(app, tx, ROLE, account, arn.slice(arn.lastIndexOf('/') + 1)),
  ])
  if (owner === undefined || isSuspended(owner) || role === undefined) return undefined
  if (roleArn(app.partition, account, role.body) !== arn) return undefined
  return { ...role, trust: compileNaming(role.body.trustPolicy, 'trust') }
}

/** Whether a policy can be passed for a session of a role of the account. */
export const sessionPolicyExists = async (
  app: IamReader,
  tx: Transaction,
  account: string,
  arn: string,
): Promise<boolean> => (await findManagedOrOwn(app, tx, account, arn)) !== undefined

/** Sessions of one account that are refused before they expire. */
export const REVOKED_SESSIONS_MAX = 1_000

/**
 * From now on nobody takes the session for one. `wallNow` in milliseconds; what has expired by then is forgotten.
 * @throws ServiceError where the account has 1,000 already.
 */
export async function revokeSession(
  app: IamReader,
  tx: Transaction,
  account: string,
  session: RevokedSession,
  wallNow: number,
): Promise<void> {
  const stored = await findRow(app, tx, ACCOUNT, [account])
  if (stored === undefined) throw errors.noSuchAccount(account)
  const others = (stored.body.revokedSessions ?? []).filter(
    ({ accessKeyId, expiresAt }) => expiresAt > wallNow && accessKeyId !== session.accessKeyId,
  )
  if (others.length >= REVOKED_SESSIONS_MAX) throw errors.tooManyRevokedSessions(REVOKED_SESSIONS_MAX)
  await replaceRow(app, tx, ACCOUNT, stored, { ...stored.body, revokedSessions: [...others, session] })
}
