// Who may use a KMS key: key policy, identity policy, grants, permissions boundary and session policy together, within one account and across
// two, asked directly and through Secrets Manager. Every row is a real request; what is expected comes from AWS's documentation, written down
// here a second time, and not from the engine. ExplainAccess must say of each row what the request got.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { IAM } from '@aws-sdk/client-iam'
import { iamClient, policyDocument } from '../packages/server/src/services/iam/testing.ts'
import { allow, base64, call as kms, newKey } from '../packages/server/src/services/kms/testing.ts'
import { type Caller, createCaller, token } from '../packages/server/src/services/secretsmanager/testing.ts'
import { EVERYTHING, newRole, newUser, sessionOf, trusting } from '../packages/server/src/services/sts/testing.ts'
import { signedCall, startTestServer, type TestCredentials, type TestServer } from '../packages/server/src/testing.ts'
import { SOAK, seed } from '../packages/server/src/testing-sample.ts'

const DIMENSIONS = {
  account: ['same', 'cross'],
  caller: ['user', 'role'],
  /** `delegates`: to the caller's account, as the default key policy does to its own. */
  keyPolicy: ['delegates', 'names the caller', 'names the role', 'names nobody of it', 'denies the caller'],
  /** Of the statement of the key policy that is about the caller. */
  condition: ['none', 'via fits', 'via not', 'account fits', 'account not', 'context fits', 'context not'],
  identity: ['allow', 'none', 'deny'],
  grant: ['none', 'fits', 'constraint fits', 'constraint not', 'retired', 'revoked', 'other operation'],
  through: ['direct', 'secretsmanager'],
  boundary: ['absent', 'allow', 'none', 'deny'],
  session: ['absent', 'allow', 'none', 'deny'],
} as const

type Row = { readonly [name in keyof typeof DIMENSIONS]: (typeof DIMENSIONS)[name][number] }

/** Rows that there can be: only roles have sessions, and only a session has a role to be named by. */
const isPossible = ({ caller, keyPolicy, session }: Row): boolean =>
  caller === 'role' || (session === 'absent' && keyPolicy !== 'names the role')

function allRows(): readonly Row[] {
  let rows: readonly object[] = [{}]
  for (const [name, values] of Object.entries(DIMENSIONS))
    rows = rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value })))
  return (rows as readonly Row[]).filter(isPossible)
}

/**
 * What AWS documents:
 * 1. An explicit deny anywhere ends it, in grants' company too.
 *    https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 * 2. Nobody may use a key whom neither its policy nor a grant lets, and a policy that names the account leaves it to the account's IAM
 *    policies. https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html
 * 3. A statement that names a user or a session gives by itself; implicit denies of a boundary or a session policy do not limit it. One that
 *    names a role is limited by both. https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
 *    https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies.html#policies_session
 * 4. Across accounts the key policy and an IAM policy of the caller's account must both allow.
 *    https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-modifying-external-accounts.html
 * 5. A grant gives its operation, under its constraints, without the key policy or an IAM policy, until it is retired or revoked.
 *    https://docs.aws.amazon.com/kms/latest/developerguide/grants.html
 *    How a grant to a role meets the boundary and session policy of its session is not documented; docs/policies.md says that they limit it.
 */
function expected(row: Row): boolean {
  const holds = conditionHolds(row)
  const denied = [row.identity, row.boundary, row.session].includes('deny')
  if (denied || (row.keyPolicy === 'denies the caller' && holds)) return false

  const isGranted = row.grant === 'fits' || row.grant === 'constraint fits'
  const isLimited = row.boundary === 'none' || row.session === 'none'
  // One way in among others: a key policy that names the session itself is not limited.
  if (isGranted && (row.caller === 'user' || !isLimited)) return true

  // The policy that denies is one that delegates too.
  const delegates = row.keyPolicy === 'delegates' ? holds : row.keyPolicy === 'denies the caller'
  const namesCaller = row.keyPolicy === 'names the caller' && holds
  const namesRole = row.keyPolicy === 'names the role' && holds
  if (!delegates && !namesCaller && !namesRole) return false
  if (row.account === 'cross') return row.identity === 'allow' && !isLimited
  if (namesCaller) return true
  return (row.identity === 'allow' || namesRole) && !isLimited
}

function conditionHolds({ condition, through }: Row): boolean {
  if (condition === 'via fits') return through === 'secretsmanager'
  return condition === 'none' || condition.endsWith(' fits')
}

// What the rows stand on, made when a row first needs it.

type World = {
  readonly t: TestContext
  readonly server: TestServer
  /** An administrator of each account, and its own client. */
  readonly administrators: { readonly [account in Row['account']]: Caller & { readonly iam: IAM } }
  readonly made: Map<string, Promise<unknown>>
}

function once<Made>({ made }: World, name: string, make: () => Promise<Made>): Promise<Made> {
  if (!made.has(name)) made.set(name, make())
  return made.get(name) as Promise<Made>
}

/** Whatever is said of KMS, the secret may be read. */
const SECRETS = { Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' }
const statements = (says: 'allow' | 'none' | 'deny') => [
  SECRETS,
  ...(says === 'none' ? [] : [{ Effect: says === 'allow' ? 'Allow' : 'Deny', Action: 'kms:*', Resource: '*' }]),
]

type Who = { readonly arn: string; readonly roleArn?: string; readonly credentials: TestCredentials }

/** The same name for every session policy: key policies name a session by it. */
const SESSION = 'worker'

const principalName = ({ account, caller, identity, boundary }: Row): string =>
  [account, caller, identity, boundary].join('-')

const principalArns = (account: string, name: string) => ({
  user: `arn:aws:iam::${account}:user/${name}`,
  role: `arn:aws:iam::${account}:role/${name}`,
  session: `arn:aws:sts::${account}:assumed-role/${name}/${SESSION}`,
})

async function callerOf(world: World, row: Row): Promise<Who> {
  const name = principalName(row)
  const { account, iam, credentials } = world.administrators[row.account]
  const made = await once(world, name, async () => {
    const own = { account, statements: statements(row.identity) }
    const isUser = row.caller === 'user'
    const keys = isUser ? await newUser(world.server, name, own) : undefined
    if (!isUser) await newRole(world.server, name, { ...own, trustPolicy: trusting(account) })
    if (row.boundary !== 'absent') {
      const PermissionsBoundary = await boundaryArn(world, row.account, row.boundary)
      if (isUser) await iam.putUserPermissionsBoundary({ UserName: name, PermissionsBoundary })
      else await iam.putRolePermissionsBoundary({ RoleName: name, PermissionsBoundary })
    }
    return keys
  })
  const arns = principalArns(account, name)
  if (made !== undefined) return { arn: arns.user, credentials: made }
  const session = await once(world, `${name} ${row.session}`, () =>
    sessionOf(world.t, world.server, credentials, arns.role, {
      RoleSessionName: SESSION,
      ...(row.session !== 'absent' && { Policy: policyDocument(...statements(row.session)) }),
    }),
  )
  return { arn: arns.session, roleArn: arns.role, credentials: session }
}

const boundaryArn = (world: World, account: Row['account'], says: 'allow' | 'none' | 'deny'): Promise<string> =>
  once(world, `boundary ${account} ${says}`, async () => {
    const { iam } = world.administrators[account]
    const PolicyDocument = policyDocument(...statements(says))
    return (await iam.createPolicy({ PolicyName: `bound-${says}`, PolicyDocument })).Policy!.Arn!
  })

type Used = { readonly arn: string; readonly secret: string; readonly blob: string }

/** A key for a caller, whose policy names it; its ciphertext, and a secret under it. */
const keyOf = (world: World, row: Row): Promise<Used> =>
  once(world, `key ${principalName(row)} ${row.keyPolicy} ${row.condition} ${row.through}`, async () => {
    const { server, administrators } = world
    const owner = administrators.same
    const { account } = administrators[row.account]
    await callerOf(world, row)
    const { arn } = await newKey(server, { Policy: policyDocument(allow(owner.arn)) }, owner)
    const EncryptionContext = { app: 'x' }
    const { CiphertextBlob } = await kms(
      server,
      'Encrypt',
      { KeyId: arn, Plaintext: base64('x'), EncryptionContext },
      owner,
    )
    const made = await server.call(
      'secretsmanager',
      'CreateSecret',
      { Name: token(), SecretString: 'x', KmsKeyId: arn, ClientRequestToken: token() },
      owner,
    )
    assert.equal(made.status, 200, JSON.stringify(made.body))
    const secret: string = made.body.ARN
    const ResourcePolicy = policyDocument(allow(account, 'secretsmanager:*'))
    await server.call('secretsmanager', 'PutResourcePolicy', { SecretId: secret, ResourcePolicy }, owner)
    const Policy = policyDocument(allow(owner.arn), ...aboutCaller(row, account, secret))
    await kms(server, 'PutKeyPolicy', { KeyId: arn, Policy }, owner)
    return { arn, secret, blob: CiphertextBlob }
  })

function aboutCaller(row: Row, account: string, secret: string): readonly object[] {
  const arns = principalArns(account, principalName(row))
  const own = row.caller === 'user' ? arns.user : arns.session
  const condition = conditionOf(row, account, secret)
  const more = condition === undefined ? {} : { Condition: { StringEquals: condition } }
  switch (row.keyPolicy) {
    case 'delegates':
      return [allow(`arn:aws:iam::${account}:root`, 'kms:*', more)]
    case 'names the caller':
      return [allow(own, 'kms:*', more)]
    case 'names the role':
      return [allow(arns.role, 'kms:*', more)]
    case 'names nobody of it':
      return []
    case 'denies the caller':
      return [allow(`arn:aws:iam::${account}:root`), { ...allow(own, 'kms:*', more), Effect: 'Deny' }]
  }
}

function conditionOf({ condition, through }: Row, account: string, secret: string): object | undefined {
  const [kind, says] = condition.split(' ')
  const fits = says === 'fits'
  switch (kind) {
    case 'via':
      return { 'kms:ViaService': `${fits ? 'secretsmanager' : 'ssm'}.eu-central-1.amazonaws.com` }
    case 'account':
      return { 'kms:CallerAccount': fits ? account : '999999999999' }
    case 'context': {
      const [key, value] = through === 'direct' ? ['app', 'x'] : ['SecretARN', secret]
      return { [`kms:EncryptionContext:${key}`]: fits ? value : 'other' }
    }
    default:
      return undefined
  }
}

/** Gives the grant of a row. @returns how it is taken back, where it still stands. */
async function giveGrant(world: World, row: Row, who: Who, { arn, secret }: Used): Promise<() => Promise<unknown>> {
  const { server, administrators } = world
  const owner = administrators.same
  if (row.grant === 'none') return async () => undefined
  const pair = row.through === 'direct' ? { app: 'x' } : { SecretARN: secret }
  const { GrantId } = await kms(
    server,
    'CreateGrant',
    {
      KeyId: arn,
      GranteePrincipal: who.roleArn ?? who.arn,
      RetiringPrincipal: owner.arn,
      Operations: [row.grant === 'other operation' ? 'Encrypt' : 'Decrypt'],
      ...(row.grant.startsWith('constraint') && {
        Constraints: {
          EncryptionContextSubset: row.grant === 'constraint fits' ? pair : { other: 'y' },
        },
      }),
    },
    owner,
  )
  const end = (operation: string) => kms(server, operation, { KeyId: arn, GrantId }, owner)
  if (row.grant === 'retired') await end('RetireGrant')
  if (row.grant === 'revoked') await end('RevokeGrant')
  return async () => (row.grant === 'retired' || row.grant === 'revoked' ? undefined : end('RevokeGrant'))
}

/** Whether the caller got what is encrypted. */
async function isLetIn({ server }: World, row: Row, who: Who, { arn, secret, blob }: Used): Promise<boolean> {
  const { status, body } =
    row.through === 'direct'
      ? await server.call('kms', 'Decrypt', { KeyId: arn, CiphertextBlob: blob, EncryptionContext: { app: 'x' } }, who)
      : await server.call('secretsmanager', 'GetSecretValue', { SecretId: secret }, who)
  if (status !== 200) assert.equal(body.__type, 'AccessDeniedException', JSON.stringify([row, body]))
  return status === 200
}

/** What ExplainAccess says to the administrator of the caller's account. */
async function isSaidToBeLetIn(world: World, row: Row, who: Who, { arn, secret }: Used): Promise<boolean> {
  const { server, administrators } = world
  const pair = row.through === 'direct' ? ['app', 'x'] : ['SecretARN', secret]
  const input = {
    PrincipalArn: who.arn,
    Action: 'kms:Decrypt',
    Resource: arn,
    Context: {
      [`kms:EncryptionContext:${pair[0]}`]: [pair[1]],
      ...(row.through === 'secretsmanager' && { 'kms:ViaService': ['secretsmanager.eu-central-1.amazonaws.com'] }),
    },
    ...(row.session !== 'absent' && { SessionPolicy: policyDocument(...statements(row.session)) }),
  }
  const { status, body } = await signedCall(
    `${server.url}/_strongroom/policy/explain`,
    'secretsmanager',
    undefined,
    input,
    {
      credentials: administrators[row.account].credentials,
      region: server.region,
    },
  )
  assert.equal(status, 200, JSON.stringify(body))
  return body.Decision === 'allowed'
}

const SAMPLED = 60

/** A sample by the seed; half of it of rows that should be let in, which are few. */
function sampled(rows: readonly Row[]): readonly Row[] {
  let state = seed()
  const next = (below: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
  const [allowed, refused] = [rows.filter(expected), rows.filter((row) => !expected(row))]
  return Array.from({ length: SAMPLED }, (_, at) =>
    at % 2 === 0 ? allowed[next(allowed.length)]! : refused[next(refused.length)]!,
  )
}

test('key policies, identity policies, grants, boundaries and session policies let in whom AWS documents', async (t) => {
  const server = await startTestServer(t)
  const administrator = async (name: string, account: 'first' | 'new') => {
    const caller = await createCaller(server, name, [EVERYTHING], account)
    return { ...caller, iam: iamClient(t, server, caller.credentials) }
  }
  const world: World = {
    t,
    server,
    administrators: { same: await administrator('owner', 'first'), cross: await administrator('guest', 'new') },
    made: new Map(),
  }
  const all = allRows()
  const rows = SOAK ? all : sampled(all)
  const wrong: object[] = []
  for (const row of rows) {
    const who = await callerOf(world, row)
    const key = await keyOf(world, row)
    const takeBack = await giveGrant(world, row, who, key)
    const [got, said] = [await isLetIn(world, row, who, key), await isSaidToBeLetIn(world, row, who, key)]
    await takeBack()
    if (got !== expected(row) || said !== got) wrong.push({ ...row, expected: expected(row), got, said })
  }
  assert.deepEqual(wrong, [], `seed ${seed()}`)
  t.diagnostic(`${rows.length} of ${all.length} rows, seed ${seed()}, ${rows.filter(expected).length} let in`)
})
