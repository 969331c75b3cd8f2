// Conditional writes through the real server: which version must be current, retries, what the header may say, and that no update is lost.

import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { GetSecretValueCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { sign, type Way } from '../../auth/testing.ts'
import { startTestServer, type TestServer } from '../../testing.ts'
import { call, events, labels, token } from './testing.ts'

const HEADER = 'x-strongroom-if-version'
const NOT_CURRENT = {
  __type: 'PreconditionNotMetException',
  Message: 'The version that x-strongroom-if-version names does not have staging label AWSCURRENT.',
}

test('a write that names a version happens only while that version is current', async (t) => {
  const server = await startTestServer(t)
  const create = async (name: string) => {
    const id = token(`${name}-1`)
    await call(server, 'CreateSecret', { Name: name, ClientRequestToken: id, SecretString: '1' })
    return id
  }
  /** With the value of its id, if that version is current. */
  const write = (operation: string, ifVersion: string, input: { SecretId: string; [member: string]: unknown }) =>
    server.call('secretsmanager', operation, input, { headers: { [HEADER]: ifVersion } })
  const put = (SecretId: string, ifVersion: string, id: string, more: object = {}) =>
    write('PutSecretValue', ifVersion, { SecretId, ClientRequestToken: id, SecretString: id, ...more })
  const update = (SecretId: string, ifVersion: string, more: object) =>
    write('UpdateSecret', ifVersion, { SecretId, ...more })
  const describe = (SecretId: string) => call(server, 'DescribeSecret', { SecretId })
  const valued = (id: string) => ({ ClientRequestToken: id, SecretString: id })

  await t.test('PutSecretValue, and its retries, whatever became of the labels', async () => {
    const one = await create('put')
    const [two, three, four] = [token('two'), token('three'), token('four')]
    const first = await put('put', one, two)
    assert.equal(first.status, 200)
    assert.deepEqual((await put('put', one, three)).body, NOT_CURRENT)
    assert.deepEqual(await put('put', one, two).then(({ status, body }) => ({ status, body })), {
      status: 200,
      body: first.body,
    })
    assert.equal((await put('put', two, four)).status, 200)
    const before = await describe('put')
    assert.deepEqual((await put('put', one, two)).body.VersionStages, ['AWSPREVIOUS'])
    assert.equal((await put('put', one, two, { SecretString: 'other' })).body.__type, 'ResourceExistsException')
    assert.deepEqual((await put('put', one, three)).body, NOT_CURRENT)
    assert.deepEqual(await describe('put'), before)
    assert.deepEqual(await labels(server, 'put'), { [two]: ['AWSPREVIOUS'], [four]: ['AWSCURRENT'] })
  })

  await t.test('PutSecretValue of other labels, and a version that is not the current one any more', async () => {
    const one = await create('labels')
    const [green, blue, two] = [token('green'), token('blue'), token('two')]
    assert.equal((await put('labels', one, green, { VersionStages: ['green'] })).status, 200)
    assert.equal((await put('labels', one, blue, { VersionStages: ['blue'] })).status, 200)
    assert.deepEqual((await put('labels', green, two)).body, NOT_CURRENT)
    await call(server, 'PutSecretValue', { SecretId: 'labels', ...valued(two) })
    assert.deepEqual((await put('labels', one, token('x'), { VersionStages: ['x'] })).body, NOT_CURRENT)
  })

  await t.test('UpdateSecret with and without a value; a retry applies nothing again', async () => {
    const one = await create('update')
    const [two, three] = [token('two'), token('three')]
    assert.equal((await update('update', one, { Description: 'a' })).status, 200)
    const asked = { ...valued(two), Description: 'mine' }
    const first = await update('update', one, asked)
    assert.equal(first.status, 200)
    assert.deepEqual((await update('update', one, { Description: 'late' })).body, NOT_CURRENT)
    assert.deepEqual((await update('update', one, { Description: 'late', ...valued(three) })).body, NOT_CURRENT)
    assert.equal((await update('update', two, { Description: 'theirs' })).status, 200)
    assert.deepEqual((await update('update', one, asked)).body, first.body)
    assert.equal((await describe('update')).Description, 'theirs')
    assert.equal(
      (await update('update', one, { ...asked, SecretString: 'other' })).body.__type,
      'ResourceExistsException',
    )
    assert.deepEqual(await labels(server, 'update'), { [one]: ['AWSPREVIOUS'], [two]: ['AWSCURRENT'] })
  })

  await t.test('never where nothing is current', async () => {
    await call(server, 'CreateSecret', { Name: 'empty' })
    assert.deepEqual((await put('empty', token('one'), token('one'))).body, NOT_CURRENT)
    assert.deepEqual((await update('empty', token('one'), { Description: 'x' })).body, NOT_CURRENT)
    assert.equal((await describe('empty')).VersionIdsToStages, undefined)
  })

  await t.test('and where the secret may not be written at all, that is what is told', async () => {
    const { body } = await put('none', token('one'), token('two'))
    assert.equal(body.__type, 'ResourceNotFoundException')
  })

  await t.test('the trail shows the condition of what happened and of what did not', async () => {
    const shown = (await events(server, 'UpdateSecret')).map(({ errorCode = '', additionalEventData }) => [
      errorCode,
      additionalEventData?.ifVersion,
    ])
    assert.ok(shown.some(([code, version]) => code === '' && version === token('update-1')))
    assert.ok(shown.some(([code]) => code === 'PreconditionNotMetException'))
    assert.deepEqual(
      (await events(server, 'CreateSecret')).filter(({ additionalEventData }) => additionalEventData),
      [],
    )
  })

  await t.test(
    'the header must be signed, stand once, and name a version, whether header or query signs it',
    async () => {
      const one = await create('refused')
      const invalid =
        'The x-strongroom-if-version header must be a VersionId of 32 to 64 ASCII characters without spaces.'
      const unsigned = "'X-Strongroom-If-Version' must be a 'SignedHeader' in the AWS Authorization."
      const twice = "Found more than one 'x-strongroom-if-version' HTTP header."
      const inQuery = "'X-Strongroom-If-Version' must be an HTTP header, not a query-string parameter."
      for (const way of ['header', 'query', 'header v4a'] as const) {
        const attempt = attemptOf(server, way)
        const write = (id: string) => ['PutSecretValue', { SecretId: 'refused', ...valued(id) }] as const
        const refused = async (answer: Promise<Attempted>, code: string, message: string) => {
          const { __type, message: lower, Message = lower } = (await answer).body
          assert.deepEqual({ __type, Message }, { __type: code, Message: message }, way)
        }
        const [operation, input] = write(token(`two by ${way}`.replaceAll(' ', '-')))
        for (const given of ['', 'short', 'x'.repeat(65), 'é'.repeat(32), `${'x'.repeat(20)} ${'x'.repeat(20)}`]) {
          await refused(attempt(operation, input, { [HEADER]: given }), 'InvalidParameterException', invalid)
        }
        await refused(
          attempt(operation, input, { [HEADER]: one }, { unsigned: [HEADER] }),
          'InvalidSignatureException',
          unsigned,
        )
        await refused(
          attempt(operation, input, { [HEADER]: one }, { again: [HEADER, one] }),
          'IncompleteSignatureException',
          twice,
        )
        await refused(
          attempt(operation, input, {}, { query: { 'X-Strongroom-If-Version': one } }),
          'IncompleteSignatureException',
          inQuery,
        )
        const others = [
          ['GetSecretValue', { SecretId: 'refused' }],
          ['UpdateSecretVersionStage', { SecretId: 'refused', VersionStage: 'x', MoveToVersionId: one }],
          ['CreateSecret', { Name: 'refused', ...valued(token('x')) }],
          ['ListSecrets', {}],
        ] as const
        for (const [other, input] of others) {
          const message = `${other} takes no x-strongroom-if-version header.`
          await refused(attempt(other, input, { [HEADER]: one }), 'InvalidParameterException', message)
        }
        assert.deepEqual(await labels(server, 'refused'), { [one]: ['AWSCURRENT'] })
      }
      const attempt = attemptOf(server, 'query')
      const two = token('two')
      assert.equal(
        (await attempt('PutSecretValue', { SecretId: 'refused', ...valued(two) }, { [HEADER]: one })).status,
        200,
      )
      assert.deepEqual(await labels(server, 'refused'), { [one]: ['AWSPREVIOUS'], [two]: ['AWSCURRENT'] })
    },
  )
})

test('16 clients that read, add one and write back under the version they read count right', async (t) => {
  const server = await startTestServer(t)
  const [clients, rounds] = [16, 4]
  await call(server, 'CreateSecret', { Name: 'counter', ClientRequestToken: token(), SecretString: '0' })
  let lost = 0
  const count = async (): Promise<void> => {
    const client = new SecretsManagerClient({
      endpoint: server.url,
      region: server.region,
      credentials: { ...server.credentials },
    })
    for (let done = 0; done < rounds; ) {
      const { SecretString, VersionId } = await client.send(new GetSecretValueCommand({ SecretId: 'counter' }))
      const put = new PutSecretValueCommand({ SecretId: 'counter', SecretString: String(Number(SecretString) + 1) })
      put.middlewareStack.add(
        (next) => (args) => {
          Object.assign((args.request as { headers: object }).headers, { [HEADER]: VersionId })
          return next(args)
        },
        { step: 'build', name: 'ifVersion' },
      )
      try {
        await client.send(put)
        done += 1
      } catch (error) {
        assert.equal((error as Error).name, 'PreconditionNotMetException')
        lost += 1
      }
    }
    client.destroy()
  }
  await Promise.all(Array.from({ length: clients }, count))
  const { SecretString } = await call(server, 'GetSecretValue', { SecretId: 'counter' })
  assert.equal(SecretString, String(clients * rounds))
  assert.ok(lost > 0, 'nobody came between')
})

// biome-ignore lint/suspicious/noExplicitAny: a test asserts on whatever came
type Attempted = { readonly status: number; readonly body: any }

type Spoilt = {
  readonly unsigned?: readonly string[]
  /** A header that is sent once more. */
  readonly again?: readonly [name: string, value: string]
  readonly query?: { readonly [name: string]: string }
}

/** A call signed that way, and spoilt afterwards. */
function attemptOf({ url, credentials }: TestServer, way: Way) {
  return async (
    operation: string,
    input: object,
    headers: { readonly [name: string]: string },
    { unsigned = [], again = ['x-note', ''], query = {} }: Spoilt = {},
  ): Promise<Attempted> => {
    const { hostname, port, host } = new URL(url)
    const signed = await sign(
      way,
      {
        method: 'POST',
        path: '/',
        query,
        headers: { host, 'x-amz-target': `secretsmanager.${operation}`, ...headers },
        body: JSON.stringify(input),
      },
      { accessKeyId: credentials.accessKeyId, secret: credentials.secretAccessKey, at: Date.now(), unsigned },
    )
    return new Promise((resolve, reject) => {
      const sent = httpRequest(
        {
          hostname,
          port,
          method: 'POST',
          path: signed.target,
          headers: [...signed.rawHeaders, ...again, 'content-length', String(signed.body.length)],
        },
        async (answer) => {
          const text = Buffer.concat(await answer.toArray()).toString()
          resolve({ status: answer.statusCode!, body: JSON.parse(text) })
        },
      )
      sent.on('error', reject)
      sent.end(signed.body)
    })
  }
}
