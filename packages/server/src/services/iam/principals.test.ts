import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PolicyGrammar, PolicyPrincipal } from '../../policy/engine.ts'
import { evaluate } from '../../policy/evaluate.ts'
import { openTestDatabase, type TestScope } from '../../storage/testing.ts'
import { userArn } from './model.ts'
import { compileNaming, resolvePrincipals, shownDocument, UnknownPrincipalError } from './principals.ts'
import { createRole, deleteRole } from './roles.ts'
import { deleteRow, findRow, ROLE, USER } from './store.ts'
import { iamOn, policyDocument, TRUSTS_LAMBDA } from './testing.ts'
import { createAccount, createUser, readUser, updateUser } from './users.ts'

const now = 1_700_000_000_000
const secret = 'arn:aws:secretsmanager:eu-west-1:111111111111:secret:s-AbCdEf'

/** Two accounts; users ann of the one and bob of the other, and a role of the other. */
async function withPrincipals(t: TestScope) {
  const iam = iamOn(await openTestDatabase(t))
  const { app, write } = iam
  const [one, two] = ['111111111111', '222222222222']
  await write(async (tx) => {
    for (const accountId of [one, two]) await createAccount(app, tx, { name: accountId, now, accountId })
    await createUser(app, tx, one, { userName: 'ann', now, path: '/team/' })
    await createUser(app, tx, two, { userName: 'bob', now })
    await createRole(app, tx, two, { roleName: 'night', path: '/ops/', trustPolicy: TRUSTS_LAMBDA, now })
  })
  const resolve = (Principal: object | string, grammar: PolicyGrammar = 'resource') =>
    write((tx) => resolvePrincipals(app, tx, allowing(Principal), grammar))
  const asUser = async (account: string, userName: string): Promise<PolicyPrincipal> => {
    const { key, body } = await write((tx) => readUser(app, tx, account, userName))
    return { kind: 'user', account, userId: key[1]!, arn: userArn('aws', account, body) }
  }
  return { ...iam, one, two, resolve, asUser }
}

const allowing = (Principal: object | string): string =>
  policyDocument({ Effect: 'Allow', Principal, Action: 'secretsmanager:GetSecretValue', Resource: '*' })

type Naming = Awaited<ReturnType<typeof resolvePrincipals>>

/** Whether a policy on the secret lets its caller in without any policy of the caller's own, who is of the secret's account. */
const letsIn = (naming: Naming, principal: PolicyPrincipal): boolean =>
  evaluate({
    principal,
    permission: {
      action: 'secretsmanager:GetSecretValue',
      resource: secret,
      resourceAccount: principal.account,
      resourcePolicy: { kind: 'normal', policy: { name: 'p', policy: compileNaming(naming, 'resource') } },
    },
    context: () => ({}),
    layers: { identity: [] },
  }).allow

test('users, roles and role sessions of any account get their ids; everybody else is words', async (t) => {
  const { write, app, one, two, resolve, asUser } = await withPrincipals(t)
  const ann = 'arn:aws:iam::111111111111:user/team/ann'
  const bob = 'arn:aws:iam::222222222222:user/bob'
  const night = 'arn:aws:iam::222222222222:role/ops/night'
  const session = 'arn:aws:sts::222222222222:assumed-role/night/job-1'
  const { userId: annId } = await asUser(one, 'ann')
  const { userId: bobId } = await asUser(two, 'bob')
  const AWS = ['*', one, `arn:aws:iam::${two}:root`, ann, bob, night, session, annId]
  const Federated = 'arn:aws:iam::111111111111:oidc-provider/id.example.com'
  const { principalIds, document } = await resolve({ AWS, Service: 'lambda.amazonaws.com', Federated }, 'key')
  assert.equal(document, allowing({ AWS, Service: 'lambda.amazonaws.com', Federated }))
  const nightId = principalIds[night]!
  assert.match(nightId, /^AROA[A-Z2-7]{17}$/)
  assert.deepEqual(principalIds, { [ann]: annId, [bob]: bobId, [night]: nightId, [session]: `${nightId}:job-1` })
  assert.ok(await write((tx) => findRow(app, tx, ROLE, [two, nightId])))
  assert.deepEqual((await resolve('*')).principalIds, {})
})

test('what no principal of this server is called is refused by its name', async (t) => {
  const { resolve, two } = await withPrincipals(t)
  for (const principal of [
    'arn:aws:iam::333333333333:root',
    'arn:aws:iam::111111111111:user/ann',
    'arn:aws:iam::111111111111:user/team/Ann',
    'arn:aws:iam::222222222222:user/team/ann',
    'arn:aws-cn:iam::222222222222:user/bob',
    'arn:aws:iam::222222222222:role/night',
    'arn:aws:iam::222222222222:role/ops/bob',
    'arn:aws:sts::222222222222:assumed-role/Night/job',
    'arn:aws:sts::222222222222:assumed-role/night/x',
    'AIDAAAAAAAAAAAAAAAAAA',
  ]) {
    await assert.rejects(
      resolve({ AWS: [two, principal] }),
      (error) => error instanceof UnknownPrincipalError && error.principal === principal,
      principal,
    )
  }
  await assert.rejects(resolve({ AWS: 'words' }), { name: 'MalformedPolicyError' })
  await assert.rejects(resolve({ AWS: two }, 'trust'), { name: 'MalformedPolicyError' })
})

test('who was made again under the same name is another; who was renamed is the same', async (t) => {
  const { app, write, one, two, resolve, asUser } = await withPrincipals(t)
  const ann = 'arn:aws:iam::111111111111:user/team/ann'
  const bob = 'arn:aws:iam::222222222222:user/bob'
  const naming = await resolve({ AWS: [ann, bob] })
  const [firstAnn, firstBob] = [await asUser(one, 'ann'), await asUser(two, 'bob')]
  assert.deepEqual([letsIn(naming, firstAnn), letsIn(naming, firstBob)], [true, true])
  await write(async (tx) => {
    await deleteRow(tx, USER, [one, firstAnn.userId])
    await createUser(app, tx, one, { userName: 'ann', now, path: '/team/' })
    await updateUser(app, tx, await readUser(app, tx, two, 'bob'), { userName: 'robert' })
    await createUser(app, tx, two, { userName: 'bob', now })
  })
  const secondAnn = await asUser(one, 'ann')
  assert.equal(secondAnn.arn, firstAnn.arn)
  assert.equal(letsIn(naming, secondAnn), false)
  assert.deepEqual(
    [letsIn(naming, await asUser(two, 'robert')), letsIn(naming, await asUser(two, 'bob'))],
    [true, false],
  )
  const shown = JSON.parse(await write((tx) => shownDocument(app, tx, naming)))
  assert.deepEqual(shown.Statement[0].Principal, { AWS: [firstAnn.userId, 'arn:aws:iam::222222222222:user/robert'] })
  // What is shown of a principal that is gone cannot be put again.
  await assert.rejects(
    write((tx) => resolvePrincipals(app, tx, JSON.stringify(shown), 'resource')),
    { principal: firstAnn.userId },
  )
})

test('NotPrincipal and single statements are shown anew too, and nothing but principals', async (t) => {
  const { app, write, two } = await withPrincipals(t)
  const night = 'arn:aws:iam::222222222222:role/ops/night'
  const document = (principal: string) =>
    JSON.stringify({
      Version: '2012-10-17',
      Statement: {
        Effect: 'Deny',
        NotPrincipal: { AWS: principal },
        Action: '*',
        Resource: night,
        Condition: { ArnEquals: { 'aws:PrincipalArn': night } },
      },
    })
  const naming = await write((tx) => resolvePrincipals(app, tx, document(night), 'resource'))
  const id = naming.principalIds[night]!
  assert.equal(await write((tx) => shownDocument(app, tx, naming)), document(night))
  await write(async (tx) => deleteRole(tx, (await findRow(app, tx, ROLE, [two, id]))!))
  assert.equal(await write((tx) => shownDocument(app, tx, naming)), document(id))
})

test('a policy is compiled once for each row that holds it', async (t) => {
  const { app, write, two } = await withPrincipals(t)
  const naming = await write((tx) => resolvePrincipals(app, tx, allowing({ AWS: two }), 'resource'))
  assert.equal(compileNaming(naming, 'resource'), compileNaming(naming, 'resource'))
  assert.notEqual(compileNaming(naming, 'resource'), compileNaming({ ...naming }, 'resource'))
  assert.equal(compileNaming(naming, 'key').grammar, 'key')
})
