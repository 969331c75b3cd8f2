// Calls about one thing at the same moment: each is answered as though they had come one after another, on every database.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { iamClient } from '../services/iam/testing.ts'
import { startTestServer, type TestServer } from '../testing.ts'

const AT_ONCE = 12

/** What each came to, sorted: `ok` or the code of its refusal. */
const race = async (call: (at: number) => Promise<string>): Promise<readonly string[]> =>
  (await Promise.all(Array.from({ length: AT_ONCE }, (_, at) => call(at)))).sort()

async function codeOf(server: TestServer, service: string, operation: string, input: object): Promise<string> {
  const { status, body } = await server.call(service, operation, input)
  return status === 200 ? 'ok' : body.__type
}

const all = (code: string) => Array<string>(AT_ONCE).fill(code)
const oneOf = (code: string) => [...all(code).slice(1), 'ok']

test('PutParameter with Overwrite: each has a version of its own', async (t) => {
  const server = await startTestServer(t)
  const versions = await Promise.all(
    Array.from({ length: AT_ONCE }, async (_, at) => {
      const put = { Name: '/n', Value: `${at}`, Type: 'String', Overwrite: true }
      return (await server.call('ssm', 'PutParameter', put)).body.Version
    }),
  )
  assert.deepEqual(
    versions.sort((a, b) => a - b),
    Array.from({ length: AT_ONCE }, (_, at) => at + 1),
  )
})

test('what may be made once is made once, and the others are told that it is there', async (t) => {
  const server = await startTestServer(t)
  const parameter = { Name: '/new', Value: 'x', Type: 'String' }
  assert.deepEqual(await race(() => codeOf(server, 'ssm', 'PutParameter', parameter)), oneOf('ParameterAlreadyExists'))
  const secret = (at: number) => ({ Name: 'new', SecretString: 'x', ClientRequestToken: `${at}`.padStart(32, 'x') })
  assert.deepEqual(
    await race((at) => codeOf(server, 'secretsmanager', 'CreateSecret', secret(at))),
    oneOf('ResourceExistsException'),
  )
  const { body } = await server.call('kms', 'CreateKey', {})
  const alias = { AliasName: 'alias/new', TargetKeyId: body.KeyMetadata.KeyId }
  assert.deepEqual(await race(() => codeOf(server, 'kms', 'CreateAlias', alias)), oneOf('AlreadyExistsException'))
  const iam = iamClient(t, server)
  const createUser = () =>
    iam.createUser({ UserName: 'new' }).then(
      () => 'ok',
      (error: Error) => error.name,
    )
  assert.deepEqual(await race(createUser), oneOf('EntityAlreadyExistsException'))
})

test('the same ClientRequestToken: the same value is written once and answered to all, other values are refused', async (t) => {
  const server = await startTestServer(t)
  const call = (operation: string, input: object) => codeOf(server, 'secretsmanager', operation, input)
  const create = { Name: 's', SecretString: '1', ClientRequestToken: '1'.repeat(32) }
  assert.deepEqual(await race(() => call('CreateSecret', create)), all('ok'))
  const same = { SecretId: 's', SecretString: '2', ClientRequestToken: '2'.repeat(32) }
  assert.deepEqual(await race(() => call('PutSecretValue', same)), all('ok'))
  const other = { SecretId: 's', ClientRequestToken: '3'.repeat(32) }
  assert.deepEqual(
    await race((at) => call('PutSecretValue', { ...other, SecretString: `${at}` })),
    oneOf('ResourceExistsException'),
  )
  const list = { SecretId: 's', IncludeDeprecated: true }
  const { body } = await server.call('secretsmanager', 'ListSecretVersionIds', list)
  assert.equal(body.Versions.length, 3)
})
