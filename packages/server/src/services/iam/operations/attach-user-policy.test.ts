import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createPolicy } from '../policies.ts'
import { noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'

const managed = (name: string) => `arn:aws:iam::aws:policy/${name}`

test('what an attached policy allows holds at the next request; attaching twice is attaching once', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const alice = await clientOf('alice', { Effect: 'Deny', Action: 's3:*', Resource: '*' })
  await assert.rejects(alice.listUsers({}), { name: 'AccessDenied' })
  for (let i = 0; i < 2; i++) await iam.attachUserPolicy({ UserName: 'alice', PolicyArn: managed('IAMReadOnlyAccess') })
  await alice.listUsers({})
  const { AttachedPolicies } = await iam.listAttachedUserPolicies({ UserName: 'alice' })
  assert.equal(AttachedPolicies!.length, 1)
})

test('ten policies at most; none that does not exist, is of another account or is no policy', async (t) => {
  const { server, account, iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  const { app } = server
  const document = JSON.stringify({ Version: '2012-10-17', Statement: { Effect: 'Deny', Action: '*', Resource: '*' } })
  const arns = await app.database.transaction('write', async (tx) => {
    const arns: string[] = []
    for (let i = 0; i < 11; i++) {
      arns.push(await createPolicy(app, tx, account, { policyName: `p${i}`, document, now: app.now() }))
    }
    return arns
  })
  const attach = (PolicyArn: string) => iam.attachUserPolicy({ UserName: 'alice', PolicyArn })
  for (const arn of arns.slice(0, 10)) await attach(arn)
  const quota = refusal('LimitExceeded', 409, 'Cannot exceed quota for PoliciesPerUser: 10')
  await assert.rejects(attach(arns[10]!), quota)

  for (const arn of [
    managed('Nothing'),
    `arn:aws:iam::${account}:policy/absent`,
    'arn:aws:iam::999999999999:policy/p0',
  ]) {
    await assert.rejects(attach(arn), noSuchEntity(`Policy ${arn} does not exist or is not attachable.`))
  }
  const user = `arn:aws:iam::${account}:user/alice`
  await assert.rejects(attach(user), refusal('InvalidInput', 400, `ARN ${user} is not valid.`))
  const none = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.attachUserPolicy({ UserName: 'absent', PolicyArn: arns[0] }), none)
})

test('a policy may say which policies may be attached and under which boundary', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const readOnly = managed('ReadOnlyAccess')
  const attacher = await clientOf('attacher', {
    Effect: 'Allow',
    Action: 'iam:AttachUserPolicy',
    Resource: '*',
    Condition: { ArnEquals: { 'iam:PolicyARN': readOnly }, StringEquals: { 'iam:PermissionsBoundary': readOnly } },
  })
  await iam.createUser({ UserName: 'free' })
  await iam.createUser({ UserName: 'alice', PermissionsBoundary: readOnly })
  const refused = (name: string) =>
    notAllowed(`arn:aws:iam::${account}:user/attacher`, 'iam:AttachUserPolicy', `user ${name}`)
  await assert.rejects(attacher.attachUserPolicy({ UserName: 'free', PolicyArn: readOnly }), refused('free'))
  const PolicyArn = managed('AdministratorAccess')
  await assert.rejects(attacher.attachUserPolicy({ UserName: 'alice', PolicyArn }), refused('alice'))
  await attacher.attachUserPolicy({ UserName: 'alice', PolicyArn: readOnly })
})
