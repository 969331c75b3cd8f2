// Policies of functions: what AddPermission writes, whom it lets in, and whom not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createCaller } from '../../secretsmanager/testing.ts'
import { mayInvoke } from '../port.ts'
import { refusal, startLambda } from '../testing.ts'

const invalid = (message: string | RegExp) => refusal('InvalidParameterValueException', 400, message)
const INVOKE = { FunctionName: 'fn', Action: 'lambda:InvokeFunction' }

test('statements are written in the form in which Lambda writes them, shown, and taken out again', async (t) => {
  const { server, create, call } = await startLambda(t)
  const { FunctionArn: arn } = await create()
  const service = await call('AddPermission', {
    ...INVOKE,
    StatementId: 'rotation',
    Principal: 'secretsmanager.amazonaws.com',
    SourceArn: `arn:aws:secretsmanager:${server.region}:${server.accountId}:secret:a-*`,
    SourceAccount: server.accountId,
  })
  assert.equal(service.$metadata.httpStatusCode, 201)
  const rotation = {
    Sid: 'rotation',
    Effect: 'Allow',
    Principal: { Service: 'secretsmanager.amazonaws.com' },
    Action: 'lambda:InvokeFunction',
    Resource: arn,
    Condition: {
      StringEquals: { 'AWS:SourceAccount': server.accountId },
      ArnLike: { 'AWS:SourceArn': `arn:aws:secretsmanager:${server.region}:${server.accountId}:secret:a-*` },
    },
  }
  assert.deepEqual(JSON.parse(service.Statement), rotation)
  const organization = await call('AddPermission', {
    ...INVOKE,
    StatementId: 'organization',
    Principal: '*',
    PrincipalOrgID: 'o-a1b2c3d4e5',
  })
  const account = await call('AddPermission', { ...INVOKE, StatementId: 'account', Principal: server.accountId })
  assert.deepEqual(JSON.parse(account.Statement).Principal, { AWS: `arn:aws:iam::${server.accountId}:root` })
  const { Policy, RevisionId } = await call('GetPolicy', { FunctionName: 'fn' })
  assert.deepEqual(JSON.parse(Policy), {
    Version: '2012-10-17',
    Id: 'default',
    Statement: [rotation, JSON.parse(organization.Statement), JSON.parse(account.Statement)],
  })
  const again = { ...INVOKE, StatementId: 'account', Principal: server.accountId }
  await assert.rejects(
    call('AddPermission', again),
    refusal('ResourceConflictException', 409, /\(account\) provided already exists/),
  )
  const remove = (input: object) => call('RemovePermission', { FunctionName: 'fn', ...input })
  await assert.rejects(
    remove({ StatementId: 'none' }),
    refusal('ResourceNotFoundException', 404, /Statement none is not found/),
  )
  const stale = { StatementId: 'account', RevisionId: 'stale' }
  await assert.rejects(remove(stale), refusal('PreconditionFailedException', 412, /Revision/))
  assert.equal((await remove({ StatementId: 'account', RevisionId })).$metadata.httpStatusCode, 204)
  await remove({ StatementId: 'rotation' })
  await remove({ StatementId: 'organization' })
  await assert.rejects(
    call('GetPolicy', { FunctionName: 'fn' }),
    refusal('ResourceNotFoundException', 404, /does not exist/),
  )
})

test('a policy lets nobody in who is not there, not everyone, and is not too long', async (t) => {
  const { server, create, call } = await startLambda(t)
  await create()
  const add = (input: object) =>
    call('AddPermission', { ...INVOKE, StatementId: 's', Principal: server.accountId, ...input })
  await assert.rejects(add({ Principal: '*' }), refusal('PublicPolicyException', 400, /public access/))
  await assert.rejects(add({ Principal: '111122223333' }), invalid(/principal was invalid/))
  await assert.rejects(
    add({ Principal: `arn:aws:iam::${server.accountId}:user/none` }),
    invalid(/principal was invalid/),
  )
  await assert.rejects(add({ Principal: 'nobody' }), invalid(/principal was invalid/))
  await assert.rejects(
    add({ Qualifier: '$LATEST' }),
    invalid('We currently do not support adding policies for $LATEST.'),
  )
  await assert.rejects(add({ Qualifier: 'none' }), refusal('ResourceNotFoundException', 404, /:fn:none$/))
  await assert.rejects(add({ Action: 's3:GetObject' }), refusal('ValidationException', 400, /action/))
  await assert.rejects(add({ FunctionUrlAuthType: 'NONE' }), invalid(/no function URLs/))
  const long = async (): Promise<void> => {
    for (let at = 0; at < 40; at++) {
      await add({
        StatementId: `s${at}`,
        SourceArn: `arn:aws:secretsmanager:eu-central-1:111122223333:${'x'.repeat(900)}`,
      })
    }
  }
  await assert.rejects(long(), refusal('PolicyLengthExceededException', 400, /bigger than the limit \(20480\)/))
})

test('another account invokes what the policy lets it, with its own permission, and is told nothing of the rest', async (t) => {
  const { server, create, call } = await startLambda(t)
  const { FunctionArn: arn = '' } = await create({ Publish: true })
  const whole = arn.slice(0, -2)
  const allow = [{ Effect: 'Allow', Action: 'lambda:*', Resource: '*' }]
  const may = await createCaller(server, 'may', allow, 'new')
  const mayNot = await createCaller(server, 'may-not', [], may.account)
  const denied = refusal(
    'AccessDeniedException',
    403,
    /no resource-based policy allows the lambda:InvokeFunction action$/,
  )
  const payload = { Payload: '7' }
  const invoke = (FunctionName: string, { credentials } = may) =>
    call('Invoke', { FunctionName, ...payload }, credentials).then(({ Payload }) => Buffer.from(Payload).toString())
  await assert.rejects(invoke(whole), denied)
  await assert.rejects(invoke(`${whole}-none`), denied)
  await call('AddPermission', { ...INVOKE, StatementId: 's', Principal: may.account })
  assert.equal(await invoke(whole), '7')
  await assert.rejects(invoke(`${whole}:1`), denied)
  await assert.rejects(invoke(whole, mayNot), refusal('AccessDeniedException', 403, /no identity-based policy/))
  await assert.rejects(
    call('GetFunction', { FunctionName: whole }, may.credentials),
    refusal('AccessDeniedException', 403, /GetFunction/),
  )
  await call('AddPermission', { ...INVOKE, StatementId: 's', Principal: may.account, Qualifier: '1' })
  assert.equal(await invoke(`${whole}:1`), '7')
  await call('RemovePermission', { FunctionName: 'fn', StatementId: 's' })
  await assert.rejects(invoke(whole), denied)
})

test('Secrets Manager may invoke a function for the secrets that its policy names', async (t) => {
  const { server, create, call } = await startLambda(t)
  const { FunctionArn: functionArn = '' } = await create({ Publish: true })
  const whole = functionArn.slice(0, -2)
  const sourceArn = `arn:aws:secretsmanager:${server.region}:${server.accountId}:secret:a-AbCdEf`
  const asked = { functionArn: whole, sourceArn, sourceAccount: server.accountId }
  const ask = (more: Partial<typeof asked> = {}) =>
    server.app.database.transaction('read', (tx) => mayInvoke({ app: server.app, tx }, { ...asked, ...more }))
  assert.equal(await ask(), 'refused')
  assert.equal(await ask({ functionArn: `${whole}-none` }), 'absent')
  assert.equal(await ask({ functionArn: `${whole}:9` }), 'absent')
  assert.equal(await ask({ functionArn: 'arn:aws:lambda:eu-central-1:111122223333:function:x' }), 'absent')
  assert.equal(await ask({ functionArn: 'arn:aws:iam::111122223333:user/x' }), 'absent')
  await call('AddPermission', {
    ...INVOKE,
    StatementId: 'rotation',
    Principal: 'secretsmanager.amazonaws.com',
    SourceArn: sourceArn.replace('AbCdEf', '*'),
    SourceAccount: server.accountId,
  })
  assert.equal(await ask(), 'allowed')
  assert.equal(await ask({ sourceArn: sourceArn.replace(':a-', ':b-') }), 'refused')
  assert.equal(await ask({ sourceAccount: '111122223333' }), 'refused')
  assert.equal(await ask({ functionArn: `${whole}:1` }), 'refused')
})
