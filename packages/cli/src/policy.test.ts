// `strongroom policy explain` as a process on a server as a process: why a call was refused, from the command line, the message and the trail.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam'
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { assertRefused, clientOptions, run, type ServerProcess, serve } from './testing.ts'

const at = ({ url, dataDir }: ServerProcess) => ['--endpoint-url', url, '--data-dir', dataDir]

async function explain(server: ServerProcess, ...args: readonly string[]): Promise<string> {
  const { code, stdout, stderr } = await run(['policy', 'explain', ...args, ...at(server)])
  assert.equal(code, 0, stderr)
  return stdout
}

async function start(t: TestContext) {
  const server = await serve(t)
  const iam = new IAMClient(clientOptions(server))
  const secrets = new SecretsManagerClient(clientOptions(server))
  t.after(() => {
    iam.destroy()
    secrets.destroy()
  })
  const { ARN } = await secrets.send(new CreateSecretCommand({ Name: 'prod/db', SecretString: 'x' }))
  const { User } = await iam.send(new CreateUserCommand({ UserName: 'alice' }))
  const allow = (Condition: object) =>
    iam.send(
      new PutUserPolicyCommand({
        UserName: 'alice',
        PolicyName: 'office',
        PolicyDocument: JSON.stringify({
          Version: '2012-10-17',
          Statement: { Sid: 'Office', Effect: 'Allow', Action: 'secretsmanager:Get*', Resource: '*', Condition },
        }),
      }),
    )
  await allow({ IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } })
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'alice' }))
  const credentials = { accessKeyId: AccessKey!.AccessKeyId!, secretAccessKey: AccessKey!.SecretAccessKey! }
  const alice = new SecretsManagerClient({ ...clientOptions(server), credentials })
  t.after(() => alice.destroy())
  return {
    server,
    allow,
    secret: ARN!,
    principal: User!.Arn!,
    read: () => alice.send(new GetSecretValueCommand({ SecretId: ARN! })),
  }
}

test('a refusal is told with its layer, its statement, the condition that fails and what to do', async (t) => {
  const { server, secret, principal } = await start(t)
  const asked = ['--principal', principal, '--action', 'secretsmanager:GetSecretValue', '--resource', secret]
  assert.equal(
    await explain(server, ...asked),
    `Not allowed, by the identity-based policies: secretsmanager:GetSecretValue
  principal  ${principal}
  resource   ${secret}

identity-based policies: no Allow
  does not apply  Allow  statement "Office" of office (user alice)
                  IpAddress aws:sourceip: wanted 10.0.0.0/8; the request has 127.0.0.1

Statement "Office" of office of user alice (identity-based policy) would allow it, but IpAddress on aws:sourceip wants "10.0.0.0/8" and the request has "127.0.0.1".
`,
  )
  const inside = JSON.parse(await explain(server, ...asked, '--context', 'aws:SourceIp=10.1.2.3', '--json'))
  assert.equal(inside.Decision, 'allowed')
  assert.match(
    await explain(server, '--action', 'kms:Decrypt'),
    /^Allowed, by the identity-based policies: kms:Decrypt\n/,
  )
  assertRefused(await run(['policy', 'explain', ...at(server)]), /^strongroom: give one of --action, --message/)
  assertRefused(
    await run(['policy', 'explain', '--action', 'a:B', '--context', 'x', ...at(server)]),
    /^strongroom: --context x is not KEY=VALUE\n/,
  )
  assertRefused(
    await run(['policy', 'explain', '--action', 'a:B', '--principal', `${principal}x`, ...at(server)]),
    /^strongroom: There is no principal /,
  )
})

test('a refused call is asked about by its message, its request id or its event, and what has changed is told', async (t) => {
  const { server, allow, read } = await start(t)
  const refusal = await read().then(
    () => assert.fail('let in'),
    (error) => error,
  )
  const requestId = refusal.$metadata.requestId
  const message = refusal.$response.headers['x-strongroom-authorization-message']
  for (const source of [
    ['--message', message],
    ['--request-id', requestId],
  ]) {
    const told = await explain(server, ...source)
    assert.match(told, /^Not allowed, by the identity-based policies: secretsmanager:GetSecretValue\n/, source[0])
    assert.match(told, /wanted 10.0.0.0\/8; the request has 127.0.0.1/)
  }
  const trail = await explain(server, '--request-id', requestId)
  assert.match(trail, /It was refused with: User: .* because no identity-based policy allows/)
  assert.match(trail, /Of the request the trail holds the address, the time, the user agent/)

  await allow({})
  const since = JSON.parse(await explain(server, '--request-id', requestId, '--json'))
  assert.equal(since.Decision, 'allowed')
  assert.match(
    await explain(server, '--message', message),
    /It would be allowed now: policies, tags or grants have changed/,
  )

  assertRefused(
    await run(['policy', 'explain', '--request-id', '0', ...at(server)]),
    /^strongroom: no request 0 is among the last 2000 events of this account in us-east-1\n/,
  )
  assertRefused(
    await run(['policy', 'explain', '--event', '0', ...at(server)]),
    /^strongroom: no event 0 is in the trail of this account in us-east-1\n/,
  )
  const { $metadata } = await read()
  assertRefused(
    await run(['policy', 'explain', '--request-id', $metadata.requestId!, ...at(server)]),
    /^strongroom: the trail does not hold enough to ask again about GetSecretValue of .*, which was not refused. Give --message/,
  )
  assertRefused(
    await run(['policy', 'explain', '--message', 'x', ...at(server)]),
    /^strongroom: The encoded message is not valid, or has expired.\n/,
  )
})
