// Requests for property tests, for which testing-policies.ts makes the policies. There are few names and few values, so that policies often
// meet them. Test code only.

// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of policies

import fc, { type Arbitrary } from 'fast-check'
import type { Context, PolicyPrincipal, PrincipalIds } from './engine.ts'
import type { PolicyRequest } from './testing-oracle.ts'

/** What is asked, before any policy. */
export type Ask = Pick<PolicyRequest, 'principal' | 'action' | 'resource' | 'resourceAccount' | 'context'>

export const HERE = '111122223333'
const THERE = '444455556666'

/** As often as its weight, one of the values. */
export const weighed = <Value>(...choices: readonly (readonly [weight: number, values: readonly Value[]])[]) =>
  fc.oneof(...choices.map(([weight, values]) => ({ weight, arbitrary: fc.constantFrom(...values) })))

/** True as often as that in a hundred. */
export const percent = (often: number): Arbitrary<boolean> =>
  fc.oneof({ weight: 100 - often, arbitrary: fc.constant(false) }, { weight: often, arbitrary: fc.constant(true) })

/** Undefined but as often as that in a hundred. */
export const maybe = <Value>(often: number, arbitrary: Arbitrary<Value>): Arbitrary<Value | undefined> =>
  fc.oneof({ weight: 100 - often, arbitrary: fc.constant(undefined) }, { weight: often, arbitrary })

// Who asks.

function user(account: string, path: string, userId: string): PolicyPrincipal {
  return { kind: 'user', arn: `arn:aws:iam::${account}:user/${path}`, account, userId }
}

function roleSession(account: string, role: string, roleId: string, name: string): PolicyPrincipal {
  return {
    kind: 'role-session',
    arn: `arn:aws:sts::${account}:assumed-role/${role}/${name}`,
    account,
    userId: `${roleId}:${name}`,
    role: { arn: `arn:aws:iam::${account}:role/${role}`, roleId },
  }
}

function federatedUser(account: string, name: string): PolicyPrincipal {
  const arn = `arn:aws:sts::${account}:federated-user/${name}`
  return { kind: 'federated-user', arn, account, userId: `${account}:${name}` }
}

const root = (account: string): PolicyPrincipal => ({
  kind: 'root',
  arn: `arn:aws:iam::${account}:root`,
  account,
  userId: account,
})

const outsider = (kind: 'service' | 'federated', arn: string): PolicyPrincipal => ({
  kind,
  arn,
  account: '',
  userId: '',
})

export const USERS = [user(HERE, 'alice', 'AIDAALICE00000000001'), user(THERE, 'team/bob', 'AIDABOB0000000000002')]
export const SESSIONS = [
  roleSession(HERE, 'reader', 'AROAREADER0000000001', 'one'),
  roleSession(HERE, 'reader', 'AROAREADER0000000001', 'two'),
  roleSession(THERE, 'writer', 'AROAWRITER0000000002', 'one'),
]
export const FEDERATED_USERS = [federatedUser(HERE, 'fran'), federatedUser(THERE, 'fran')]
export const ROOTS = [root(HERE), root(THERE)]
export const SERVICES = [
  outsider('service', 'secretsmanager.amazonaws.com'),
  outsider('service', 'lambda.amazonaws.com'),
]
export const PROVIDERS = [
  outsider('federated', `arn:aws:iam::${HERE}:oidc-provider/issuer.example`),
  outsider('federated', `arn:aws:iam::${THERE}:oidc-provider/issuer.example`),
]

const principal = weighed<PolicyPrincipal>(
  [6, USERS],
  [7, SESSIONS],
  [2, FEDERATED_USERS],
  [2, ROOTS],
  [1, SERVICES],
  [1, PROVIDERS],
)

const IDS: readonly (readonly [arn: string, id: string])[] = [
  ...USERS.map(({ arn, userId }) => [arn, userId] as const),
  ...SESSIONS.map(({ arn, userId }) => [arn, userId] as const),
  ...SESSIONS.slice(1).map(({ role }) => [role!.arn, role!.roleId] as const),
]
const staleIds: Arbitrary<PrincipalIds> = fc
  .tuple(...IDS.map(() => fc.constantFrom('now', 'before', 'never')))
  .map((when) =>
    IDS.map(([arn, id], at) => [arn, when[at] === 'before' ? id.replace(/\d/, '9') : id, when[at]] as const),
  )
  .map((all) => Object.fromEntries(all.filter(([, , when]) => when !== 'never').map(([arn, id]) => [arn, id])))
/** What a stored policy knows: nothing, all as they are now, or stale ids, where some were made again since and some were not there. */
export const principalIds: Arbitrary<PrincipalIds | undefined> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(undefined, Object.fromEntries(IDS)) },
  { weight: 2, arbitrary: staleIds },
)

// What is asked for.

export const ACTIONS = [
  'secretsmanager:GetSecretValue',
  'secretsmanager:PutSecretValue',
  'secretsmanager:ListSecrets',
  'kms:Decrypt',
  'iam:GetUser',
  'sts:AssumeRole',
]

const secret = (account: string, name: string) => `arn:aws:secretsmanager:eu-west-1:${account}:secret:${name}-AbCdEf`
export const ARNS = [
  secret(HERE, 'alice/db'),
  secret(HERE, 'blue/db'),
  secret(HERE, 'odd*name?'),
  secret(HERE, '${aws:username}/db'),
  secret(THERE, 'alice/db'),
  `arn:aws:kms:eu-west-1:${HERE}:key/0f1e`,
  `arn:aws:iam::${HERE}:role/reader`,
]
const NO_ARNS = ['*', 'prod/unknown', 'arn:aws:kms']

export const TYPES = ['string', 'number', 'date', 'boolean', 'binary', 'address', 'arn'] as const
export type Type = (typeof TYPES)[number]

export const KEYS: readonly (readonly [key: string, type: Type])[] = [
  ['aws:username', 'string'],
  ['aws:PrincipalTag/Team', 'string'],
  ['aws:TagKeys', 'string'],
  ['aws:MultiFactorAuthAge', 'number'],
  ['aws:CurrentTime', 'date'],
  ['aws:SecureTransport', 'boolean'],
  ['test:Digest', 'binary'],
  ['aws:SourceIp', 'address'],
  ['aws:PrincipalArn', 'arn'],
]

/** Values that a request may have and a policy may ask for. */
export const VALUES: { readonly [type in Type]: readonly string[] } = {
  string: ['alice', 'blue', 'red', 'Blue', 'blues', 'a-alice', 'b*', '*', '${aws:username}', HERE, '7', 'true', ''],
  number: ['0', '7', '+7.0', '007', '7.5', '8', '-3.5', '30', '100000'],
  date: [
    '2026-03-01T12:00:00Z',
    '2026-03-01T13:30+01:30',
    '1772366400',
    '2026-03-01T10:30:00.500-01:30',
    '2026-03-01',
    '2026-03',
    '2026',
  ],
  boolean: ['true', 'false', 'True'],
  binary: ['AQID', 'AQ==', 'aqid', 'AQI='],
  address: ['192.0.2.1', '192.0.2.200', '::ffff:192.0.2.1', '2001:db8::1', '2001:DB8:0:0:0:0:0:1', '10.0.0.1'],
  arn: [...ARNS, ...[...USERS, ...SESSIONS].map(({ arn }) => arn)],
}

/** Values that only a request may have, and that are none of the type. */
const BROKEN: { readonly [type in Type]: readonly string[] } = {
  string: ['none'],
  number: ['', '7x', '1e1', '.5', ' 7', '0x7', '7'.repeat(33)],
  date: ['', 'today', '2026-13', '2026-02-30', '2026-03-01T12:00:00', '2026-03-01T25:00Z', '-86400'],
  boolean: ['', 'yes', '1'],
  binary: ['%', 'AQ=', 'A'],
  address: ['', '192.0.2', '192.0.2.256', '2001:db8::1::', 'localhost'],
  arn: ['', 'arn', 'arn:aws:iam::', 'reader'],
}

function contextEntry(key: string, type: Type): Arbitrary<Context> {
  const value = weighed([4, VALUES[type]], [1, BROKEN[type]])
  const values = fc.oneof(
    { weight: 8, arbitrary: value },
    { weight: 1, arbitrary: fc.tuple(value) },
    { weight: 3, arbitrary: fc.array(value, { minLength: 2, maxLength: 3 }) },
    { weight: 1, arbitrary: fc.constantFrom(undefined, []) },
  )
  // Mostly one entry; or two that are the same key.
  const names = weighed([8, [[key]]], [1, [[key.toUpperCase()]]], [1, [[key, key.toLowerCase()]]])
  return fc
    .tuple(names, values, values)
    .map(([spelled, ...given]) => Object.fromEntries(spelled.map((name, at) => [name, given[at]])))
}

const context: Arbitrary<Context> = fc
  .tuple(...KEYS.map(([key, type]) => maybe(65, contextEntry(key, type))))
  .map((entries) => Object.assign({}, ...entries.filter((entry) => entry !== undefined)))

export const ask: Arbitrary<Ask> = fc
  .record({
    principal,
    action: fc.constantFrom(...ACTIONS, 'KMS:decrypt'),
    resource: weighed([9, ARNS], [2, NO_ARNS]),
    account: weighed([3, ['own']], [1, [HERE, THERE]]),
    context,
  })
  .map(({ account, ...rest }) => {
    const other = account === 'own' ? rest.principal.account || HERE : account
    return { ...rest, resourceAccount: rest.resource.split(':')[4] ?? other }
  })
