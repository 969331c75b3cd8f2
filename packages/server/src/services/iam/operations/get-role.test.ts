import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, startIam, trusting } from '../testing.ts'
import { createAccount, createUser } from '../users.ts'

const trustOf = async (iam: Awaited<ReturnType<typeof startIam>>['iam'], RoleName: string) =>
  JSON.parse(decodeURIComponent((await iam.getRole({ RoleName })).Role!.AssumeRolePolicyDocument!))

test('a principal that is gone, or was made anew, is shown by its unique id; one that was renamed by its new ARN', async (t) => {
  const { iam, account } = await startIam(t)
  const arn = (rest: string) => `arn:aws:iam::${account}:${rest}`
  const { User: gone } = await iam.createUser({ UserName: 'gone' })
  const { User: anew } = await iam.createUser({ UserName: 'anew' })
  await iam.createUser({ UserName: 'old-name' })
  const AssumeRolePolicyDocument = trusting({ AWS: arn('root') })
  const { Role: helper } = await iam.createRole({ RoleName: 'helper', AssumeRolePolicyDocument })
  const session = `arn:aws:sts::${account}:assumed-role/helper/night`
  const named = [arn('user/gone'), arn('user/anew'), arn('user/old-name'), arn('role/helper'), session, account]
  // White space and order of what was put are kept while every principal is who it was.
  const document = `${trusting({ AWS: named, Service: 'lambda.amazonaws.com' })}\n`
  await iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument: document })
  assert.equal(decodeURIComponent((await iam.getRole({ RoleName: 'r' })).Role!.AssumeRolePolicyDocument!), document)

  await iam.deleteUser({ UserName: 'gone' })
  await iam.deleteUser({ UserName: 'anew' })
  await iam.createUser({ UserName: 'anew' })
  await iam.updateUser({ UserName: 'old-name', NewUserName: 'new-name', NewPath: '/team/' })
  assert.deepEqual((await trustOf(iam, 'r')).Statement[0].Principal, {
    AWS: [gone!.UserId, anew!.UserId, arn('user/team/new-name'), arn('role/helper'), session, account],
    Service: 'lambda.amazonaws.com',
  })

  await iam.deleteRole({ RoleName: 'helper' })
  await iam.createRole({ RoleName: 'helper', AssumeRolePolicyDocument })
  const { RoleId } = helper!
  assert.deepEqual((await trustOf(iam, 'r')).Statement[0].Principal.AWS.slice(3, 5), [RoleId, `${RoleId}:night`])
})

test('a role may trust a user of another account of this server', async (t) => {
  const { server, iam } = await startIam(t)
  const { app } = server
  const other = await app.database.transaction('write', async (tx) => {
    const id = await createAccount(app, tx, { name: 'other', now: app.now() })
    await createUser(app, tx, id, { userName: 'ann', now: app.now() })
    return id
  })
  const AssumeRolePolicyDocument = trusting({ AWS: [`arn:aws:iam::${other}:user/ann`, other] })
  await iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument })
  assert.equal(JSON.stringify(await trustOf(iam, 'r')), AssumeRolePolicyDocument)
})

test('a missing role, and a refusal that does not tell whether there is one', async (t) => {
  const { iam, account, clientOf } = await startIam(t)
  await iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument: trusting({ AWS: account }) })
  await assert.rejects(iam.getRole({ RoleName: 'none' }), noSuchEntity('The role with name none cannot be found.'))
  const nobody = await clientOf('nobody', { Effect: 'Allow', Action: 'iam:ListRoles', Resource: '*' })
  for (const RoleName of ['r', 'none']) {
    const refused = notAllowed(`arn:aws:iam::${account}:user/nobody`, 'iam:GetRole', `role ${RoleName}`)
    await assert.rejects(nobody.getRole({ RoleName }), refused)
  }
})

test('a policy may ask for the tags of the role', async (t) => {
  const { iam, account, clientOf } = await startIam(t)
  const AssumeRolePolicyDocument = trusting({ AWS: account })
  await iam.createRole({ RoleName: 'blue', AssumeRolePolicyDocument, Tags: [{ Key: 'Team', Value: 'blue' }] })
  await iam.createRole({ RoleName: 'red', AssumeRolePolicyDocument, Tags: [{ Key: 'Team', Value: 'red' }] })
  for (const key of ['aws:ResourceTag/Team', 'iam:ResourceTag/team']) {
    const Condition = { StringEquals: { [key]: 'blue' } }
    const reader = await clientOf(`by-${key.slice(0, 3)}`, {
      Effect: 'Allow',
      Action: 'iam:GetRole',
      Resource: '*',
      Condition,
    })
    assert.ok((await reader.getRole({ RoleName: 'blue' })).Role)
    await assert.rejects(reader.getRole({ RoleName: 'red' }), { name: 'AccessDenied' })
  }
})
