// Two processes on one database: what ends a session, or narrows it, holds for the very next request on either of them.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { IAM } from '@aws-sdk/client-iam'
import { CreateSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts'
import { COMMAND, type Credentials, clientOf, makeHome, REGION, startProcess } from './server-process.ts'

const run = promisify(execFile)

/** Each on a connection of its own, so that it is as likely as not to meet the other process. */
const CALLS = 12

const EVERYTHING = { Effect: 'Allow', Action: '*', Resource: '*' }
const policy = (...Statement: readonly object[]): string => JSON.stringify({ Version: '2012-10-17', Statement })

async function startTwo(t: TestContext) {
  const server = await startProcess(await makeHome(t), '--workers', '2')
  const iam = new IAM({ endpoint: server.url, region: REGION, credentials: { ...server.credentials }, maxAttempts: 1 })
  t.after(() => iam.destroy())
  const client = clientOf(server)
  await client.send(new CreateSecretCommand({ Name: 'a', SecretString: 'x' }))
  client.destroy()
  const account = (await iam.getUser({})).User!.Arn!.split(':')[4]!
  const RoleName = 'Reader'
  const AssumeRolePolicyDocument = policy({ Effect: 'Allow', Principal: { AWS: account }, Action: 'sts:AssumeRole' })
  const makeRole = async (): Promise<string> => {
    const { Role } = await iam.createRole({ RoleName, AssumeRolePolicyDocument })
    await iam.putRolePolicy({ RoleName, PolicyName: 'all', PolicyDocument: policy(EVERYTHING) })
    return Role!.Arn!
  }
  const RoleArn = await makeRole()

  const newSession = async (): Promise<Credentials & { readonly sessionToken: string }> => {
    const sts = new STSClient({ endpoint: server.url, region: REGION, credentials: { ...server.credentials } })
    const { Credentials } = await sts.send(new AssumeRoleCommand({ RoleArn, RoleSessionName: 'session' }))
    sts.destroy()
    return {
      accessKeyId: Credentials!.AccessKeyId!,
      secretAccessKey: Credentials!.SecretAccessKey!,
      sessionToken: Credentials!.SessionToken!,
    }
  }

  /** What the reads answer: each the value, or the name of the refusal. */
  const read = async (credentials: Credentials): Promise<readonly string[]> => {
    const answers: string[] = []
    for (let call = 0; call < CALLS; call++) {
      const client = clientOf({ url: server.url, credentials })
      const answer = client.send(new GetSecretValueCommand({ SecretId: 'a' }))
      answers.push(
        await answer.then(
          ({ SecretString }) => SecretString!,
          ({ name }) => name,
        ),
      )
      client.destroy()
    }
    return answers
  }
  return { server, iam, RoleName, makeRole, newSession, read }
}

const all = (answer: string): readonly string[] => Array(CALLS).fill(answer)

test('a session that was revoked, a new Deny and a deleted role hold for the very next request of every process', async (t) => {
  const { server, iam, RoleName, makeRole, newSession, read } = await startTwo(t)
  const [one, two] = [await newSession(), await newSession()]
  assert.deepEqual([await read(one), await read(two)], [all('x'), all('x')], 'a token opens in either process')

  const args = ['session', 'revoke', one.accessKeyId, '--endpoint-url', server.url, '--data-dir', server.dataDir]
  const { stdout } = await run(process.execPath, [COMMAND, ...args])
  assert.equal(JSON.parse(stdout).AccessKeyId, one.accessKeyId)
  assert.deepEqual([await read(one), await read(two)], [all('UnrecognizedClientException'), all('x')])

  const deny = policy({ ...EVERYTHING, Effect: 'Deny' })
  await iam.putRolePolicy({ RoleName, PolicyName: 'deny', PolicyDocument: deny })
  assert.deepEqual(await read(two), all('AccessDeniedException'))
  await iam.deleteRolePolicy({ RoleName, PolicyName: 'deny' })
  assert.deepEqual(await read(two), all('x'))

  await iam.deleteRolePolicy({ RoleName, PolicyName: 'all' })
  await iam.deleteRole({ RoleName })
  assert.deepEqual(await read(two), all('UnrecognizedClientException'))
  await makeRole()
  assert.deepEqual(await read(two), all('UnrecognizedClientException'), 'a role of the same name is another')
  assert.deepEqual(await read(await newSession()), all('x'))
})

test('strongroom session revoke says what is wrong in one line', async (t) => {
  const { server } = await startTwo(t)
  const revoke = (...args: readonly string[]) =>
    run(process.execPath, [COMMAND, 'session', 'revoke', ...args, '--data-dir', server.dataDir])
  await assert.rejects(revoke('AKIAIOSFODNN7EXAMPLE', '--endpoint-url', server.url), {
    code: 1,
    stderr: /^strongroom: AccessKeyId must be that of a session of account \d{12}: it begins with ASIA\.\n$/,
  })
  await assert.rejects(revoke('ASIAIOSFODNN7EXAMPLE', '--endpoint-url', 'http://127.0.0.1:1'), {
    code: 1,
    stderr: /^strongroom: no server answers at http:\/\/127\.0\.0\.1:1 /,
  })
})
