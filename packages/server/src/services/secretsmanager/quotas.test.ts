// Every quota at its edge, through the real server: AWS's own figures where they can be reached, and those of the operator.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestServer, type TestServer } from '../../testing.ts'
import { policyDocument } from '../iam/testing.ts'
import { assertRefused, call, token, versions } from './testing.ts'

const many = (count: number, prefix = 'l') => Array.from({ length: count }, (_, index) => `${prefix}${index}`)
const tags = (count: number, prefix?: string) => many(count, prefix).map((Key) => ({ Key }))
const policy = ({ accountId }: TestServer, length: number): string =>
  policyDocument({
    Effect: 'Allow',
    Principal: { AWS: accountId },
    Action: 'secretsmanager:GetSecretValue',
    Resource: '*',
  }).padEnd(length)

type Quotas = { readonly labels: number; readonly tags: number; readonly bytes: number; readonly versions: number }

/** Up to each quota everything goes; one more is refused, wherever it comes in. */
async function assertQuotas(server: TestServer, quotas: Quotas): Promise<void> {
  const create = (Name: string, input: object = {}) =>
    call(server, 'CreateSecret', { Name, ClientRequestToken: token(), SecretString: 'x', ...input })
  const refused = (operation: string, input: object, code: string, message: string) =>
    assertRefused(server, operation, { ClientRequestToken: token(), ...input }, code, message)

  const { bytes } = quotas
  const tooLong = `The secret value can't be longer than ${bytes} bytes.`
  const longest = { SecretBinary: Buffer.alloc(bytes, 1).toString('base64') }
  await create('bytes', { SecretString: 'é'.repeat(bytes / 2) })
  const SecretId = 'bytes'
  const value = { SecretString: `${'é'.repeat(bytes / 2)}x` }
  await refused('CreateSecret', { Name: 'bytes-2', ...value }, 'InvalidParameterException', tooLong)
  await refused('PutSecretValue', { SecretId, ...value }, 'InvalidParameterException', tooLong)
  await refused('UpdateSecret', { SecretId, ...value }, 'InvalidParameterException', tooLong)
  await call(server, 'PutSecretValue', { SecretId, ClientRequestToken: token(), ...longest })
  assert.deepEqual((await call(server, 'GetSecretValue', { SecretId })).SecretBinary, longest.SecretBinary)

  const tooManyTags = `A secret can have at most ${quotas.tags} tags.`
  await create('tags', { Tags: tags(quotas.tags) })
  const oneMore = { Name: 'tags-2', Tags: tags(quotas.tags + 1) }
  await refused('CreateSecret', oneMore, 'InvalidParameterException', tooManyTags)
  const another = { SecretId: 'tags', Tags: tags(1, 'other') }
  await refused('TagResource', another, 'InvalidParameterException', tooManyTags)
  await call(server, 'TagResource', { SecretId: 'tags', Tags: [{ Key: 'l0', Value: 'changed' }] })
  await call(server, 'UntagResource', { SecretId: 'tags', TagKeys: ['l0'] })
  await call(server, 'TagResource', another)

  const tooManyLabels = `A secret can have at most ${quotas.labels} staging labels across all its versions.`
  const { VersionId } = await create('labels')
  const stages = { SecretId: 'labels', SecretString: 'y' }
  const beyond = { ...stages, VersionStages: many(quotas.labels) }
  await refused('PutSecretValue', beyond, 'LimitExceededException', tooManyLabels)
  const edge = { ...stages, ClientRequestToken: token(), VersionStages: many(quotas.labels - 1) }
  await call(server, 'PutSecretValue', edge)
  const move = { SecretId: 'labels', MoveToVersionId: VersionId }
  await refused(
    'UpdateSecretVersionStage',
    { ...move, VersionStage: 'one-more' },
    'LimitExceededException',
    tooManyLabels,
  )
  const known = { ...move, VersionStage: 'l0', RemoveFromVersionId: edge.ClientRequestToken }
  await call(server, 'UpdateSecretVersionStage', known)

  const tooManyVersions = `The secret has reached the quota of ${quotas.versions} versions, and none is both without staging labels and older than 24 hours.`
  await create('versions')
  const put = (input: object = {}) => ({ SecretId: 'versions', SecretString: 'y', ...input })
  for (let count = 1; count < quotas.versions; count++) {
    await call(server, 'PutSecretValue', put({ ClientRequestToken: token() }))
  }
  for (const operation of ['PutSecretValue', 'UpdateSecret']) {
    await refused(operation, put(), 'LimitExceededException', tooManyVersions)
  }
  assert.equal((await versions(server, 'versions')).length, quotas.versions)
  server.clock.advance(86_400_001)
  await call(server, 'PutSecretValue', put({ ClientRequestToken: token() }))
  assert.equal((await versions(server, 'versions')).length, quotas.versions)
}

test('the quotas of AWS', async (t) => {
  const server = await startTestServer(t)
  await assertQuotas(server, { labels: 20, tags: 50, bytes: 65_536, versions: 100 })
  // Those that are limits of the shapes too are ValidationExceptions.
  const longest = policy(server, 20_480)
  for (const [operation, input] of [
    ['PutResourcePolicy', { SecretId: 'bytes' }],
    ['ValidateResourcePolicy', {}],
  ] as const) {
    await call(server, operation, { ...input, ResourcePolicy: longest })
    const { body } = await server.call('secretsmanager', operation, { ...input, ResourcePolicy: `${longest} ` })
    assert.match(body.Message, /'resourcePolicy' failed .*less than or equal to 20480$/)
  }
  const { body } = await server.call('secretsmanager', 'CreateSecret', {
    Name: 'ascii',
    ClientRequestToken: token(),
    SecretString: 'x'.repeat(65_537),
  })
  assert.match(body.Message, /'secretString' failed .*less than or equal to 65536$/)
})

test('the quotas of the operator', async (t) => {
  const server = await startTestServer(t, {
    secretsPerRegion: '4',
    versionsPerSecret: '10',
    labelsPerSecret: '5',
    tagsPerSecret: '2',
    secretValueBytes: '100',
    resourcePolicyCharacters: '300',
  })
  await assertQuotas(server, { labels: 5, tags: 2, bytes: 100, versions: 10 })
  const binary = { SecretBinary: Buffer.alloc(101).toString('base64') }
  const put = { SecretId: 'bytes', ClientRequestToken: token(), ...binary }
  const tooLong = "The secret value can't be longer than 100 bytes."
  await assertRefused(server, 'PutSecretValue', put, 'InvalidParameterException', tooLong)

  const longest = policy(server, 300)
  const message = "The resource policy can't be longer than 300 characters."
  await call(server, 'PutResourcePolicy', { SecretId: 'bytes', ResourcePolicy: longest })
  const beyond = { SecretId: 'bytes', ResourcePolicy: `${longest} ` }
  await assertRefused(server, 'PutResourcePolicy', beyond, 'InvalidParameterException', message)
  assert.deepEqual(await call(server, 'ValidateResourcePolicy', beyond), {
    PolicyValidationPassed: false,
    ValidationErrors: [{ CheckName: 'SYNTAX', ErrorMessage: message }],
  })

  const full = "You've reached the quota of 4 secrets in this account and Region."
  const fifth = { Name: 'fifth' }
  await assertRefused(server, 'CreateSecret', fifth, 'LimitExceededException', full)
  // One that is scheduled for deletion still counts; one that is gone does not.
  await call(server, 'DeleteSecret', { SecretId: 'tags' })
  await assertRefused(server, 'CreateSecret', fifth, 'LimitExceededException', full)
  await call(server, 'DeleteSecret', { SecretId: 'tags', ForceDeleteWithoutRecovery: true })
  await call(server, 'CreateSecret', fifth)
  assert.equal(
    (await server.call('secretsmanager', 'CreateSecret', { Name: 'x' }, { region: 'eu-west-1' })).status,
    200,
  )
})
