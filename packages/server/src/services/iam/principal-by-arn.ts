// A principal of an ARN with the policies that hold for it now, as a request by it would have them: for who asks what policies would say. No
// access key and no session token is needed, so what only these tell (session tags, MFA) is not there.

import type { App } from '../../app.ts'
import type { Identity, Principal } from '../../call.ts'
import type { Transaction } from '../../storage/database.ts'
import { mustCompile } from './documents.ts'
import { type RoleBody, roleArn, rootArn, sessionArn, userArn } from './model.ts'
import { findSessionPrincipal } from './sessions.ts'
import { ACCOUNT, findByName, findOwnerPrincipal, findRow, type Owner, ROLE, type Stored, USER } from './store.ts'

export type AskedPrincipal = {
  readonly arn: string
  /** 12 digits; empty where the ARN is of none of these. */
  readonly account: string
  readonly kind: 'root' | 'user' | 'role' | 'role-session' | 'federated-user' | 'other'
}

/** What kind of principal an ARN names, by its form alone. */
export function parsePrincipalArn(arn: string): AskedPrincipal {
  const [, service, account = '', resource = ''] = /^arn:[a-z-]+:(iam|sts)::(\d{12}):(.+)$/.exec(arn) ?? []
  const form = `${service}:${resource.split('/')[0]}`
  return { arn, account, kind: Object.hasOwn(KINDS, form) ? KINDS[form]! : 'other' }
}

const KINDS: { readonly [form: string]: AskedPrincipal['kind'] } = {
  'iam:root': 'root',
  'iam:user': 'user',
  'iam:role': 'role',
  'sts:assumed-role': 'role-session',
  'sts:federated-user': 'federated-user',
}

/** Session policies, as they are passed for a session. */
export type Narrowing = { readonly policies: readonly string[]; readonly policyArns: readonly string[] }

/** The session that stands for a role of which only the role is named. */
const SESSION_NAME = 'explain'

/**
 * Undefined where there is none. A role is a session of it, by the name `explain`.
 * @throws ServiceError MalformedPolicyDocument for a session policy that is none
 * @throws IntegrityError where its rows or policies were altered or are missing
 */
export async function findPrincipalByArn(
  app: App,
  tx: Transaction,
  { arn, account, kind }: AskedPrincipal,
  narrowing: Narrowing,
): Promise<Principal | undefined> {
  if (kind === 'root' || kind === 'user') {
    const owner = await findOwner(app, tx, arn, account)
    return owner && (await findOwnerPrincipal(app, tx, owner, '')).make()
  }
  const role = await findRole(app, tx, arn, account, kind)
  if (role === undefined) return undefined
  for (const document of narrowing.policies) mustCompile(document, 'session')
  const sessionName = kind === 'role' ? SESSION_NAME : arn.slice(arn.lastIndexOf('/') + 1)
  return (await findSessionPrincipal(app, tx, sessionOf(app, account, role, sessionName, narrowing)))?.make()
}

/** The ARN of the role behind a session of it, for who is asked about one; undefined where there is none. */
export async function roleArnOfSession(
  app: App,
  tx: Transaction,
  { arn, account, kind }: AskedPrincipal,
): Promise<string | undefined> {
  const role = await findRole(app, tx, arn, account, kind)
  return role && roleArn(app.partition, account, role.body)
}

async function findOwner(app: App, tx: Transaction, arn: string, account: string): Promise<Owner | undefined> {
  if (arn === rootArn(app.partition, account)) return findRow(app, tx, ACCOUNT, [account])
  const user = await findByName(app, tx, USER, account, arn.slice(arn.lastIndexOf('/') + 1))
  return user && userArn(app.partition, account, user.body) === arn ? user : undefined
}

async function findRole(
  app: App,
  tx: Transaction,
  arn: string,
  account: string,
  kind: AskedPrincipal['kind'],
): Promise<Stored<RoleBody> | undefined> {
  const [, ...names] = arn.split('/')
  const role = await findByName(app, tx, ROLE, account, (kind === 'role' ? names.at(-1) : names[0]) ?? '')
  if (role === undefined) return undefined
  const own =
    kind === 'role'
      ? roleArn(app.partition, account, role.body)
      : sessionArn(app.partition, account, role.body, names[1] ?? '')
  return own === arn ? role : undefined
}

function sessionOf(
  app: App,
  account: string,
  { key, body }: Stored<RoleBody>,
  sessionName: string,
  { policies, policyArns }: Narrowing,
): Identity {
  const { roleName } = body
  const roleId = key[1]!
  const issuedAt = app.wallNow()
  return {
    accessKeyId: '',
    account,
    kind: 'role-session',
    userId: `${roleId}:${sessionName}`,
    arn: sessionArn(app.partition, account, body, sessionName),
    session: {
      issuedAt,
      expiresAt: issuedAt,
      role: { arn: roleArn(app.partition, account, body), roleId, roleName },
      ...(policies.length > 0 && { policies }),
      ...(policyArns.length > 0 && { policyArns }),
      tags: {},
      transitiveTagKeys: [],
      chain: 1,
      context: {
        'aws:TokenIssueTime': new Date(issuedAt).toISOString(),
        'aws:MultiFactorAuthPresent': 'false',
      },
    },
  }
}
