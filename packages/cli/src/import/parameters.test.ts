// Parameters from one server to another: history, labels, policies, and how an import goes on.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  DescribeParametersCommand,
  LabelParameterVersionCommand,
  ListTagsForResourceCommand,
  PutParameterCommand,
  SSMClient,
} from '@aws-sdk/client-ssm'
import { UsageError } from '../usage-error.ts'
import type { Target } from './carry.ts'
import { readHistory } from './parameter-source.ts'
import { carryFrom, type End, startEnd } from './testing.ts'

const selection = { secrets: false, parameters: '/app' }

const both = (t: TestContext) => Promise.all([startEnd(t), startEnd(t)])

const put = (end: End, Name: string, Value: string, given: object = {}) =>
  end.ssm.send(new PutParameterCommand({ Name, Value, Type: 'String', ...given }))

/** All that the history tells, but the moments, and the numbers where they may differ. */
const historyOf = async (end: Target, name: string) =>
  (await readHistory(end.ssm, name, 'source')).map(({ LastModifiedDate, LastModifiedUser, KeyId, ...told }) => told)

const tagsOf = async ({ ssm }: Target, ResourceId: string) =>
  (await ssm.send(new ListTagsForResourceCommand({ ResourceType: 'Parameter', ResourceId }))).TagList

test('parameters come with their history, labels, tags, tier, pattern and policies; a second run writes nothing', async (t) => {
  const [source, target] = await both(t)
  const Tags = [{ Key: 'team', Value: 'a' }]
  await put(source, '/app/host', 'db1', { Description: 'of the database', AllowedPattern: '^db\\d$', Tags })
  await put(source, '/app/host', 'db2', { Overwrite: true, Description: '', AllowedPattern: '^db[0-9]$' })
  await source.ssm.send(
    new LabelParameterVersionCommand({ Name: '/app/host', ParameterVersion: 1, Labels: ['blue', 'v1.0'] }),
  )
  const Policies = `[{"Type":"Expiration","Version":"1.0","Attributes":{"Timestamp":"2099-12-02T21:34:33.000Z"}}]`
  await put(source, '/app/deep/token', 'x'.repeat(5000), { Type: 'SecureString', Tier: 'Advanced', Policies })
  await put(source, '/app/list', 'a,b', { Type: 'StringList' })
  await put(source, '/apple', 'not below')
  await put(source, '/app', 'itself')

  const planned = await carryFrom(source, target, { selection, dryRun: true })
  assert.deepEqual(
    planned.map(({ name, action, details }) => `${action} ${name}: ${details}`),
    [
      'create /app/deep/token: 1 version',
      'create /app/host: 2 versions',
      'create /app/list: 1 version',
      'create /app: 1 version',
    ],
  )
  assert.deepEqual(await carryFrom(source, target, { selection }), planned)
  const names = ['/app/host', '/app/deep/token', '/app/list', '/app']
  for (const name of names) {
    assert.deepEqual(await historyOf(target, name), await historyOf(source, name))
    assert.deepEqual(await tagsOf(target, name), await tagsOf(source, name))
  }
  const { Parameters } = await target.ssm.send(new DescribeParametersCommand({}))
  assert.deepEqual(Parameters!.map(({ Name }) => Name).sort(), [...names].sort())
  const again = await carryFrom(source, target, { selection })
  assert.deepEqual(new Set(again.map(({ action }) => action)), new Set(['leave']))
})

test('an import of a parameter that ends at any of its writes goes on where it was, and so does the source', async (t) => {
  const [source, target] = await both(t)
  for (const value of ['1', '2', '2', '3']) await put(source, '/app/n', value, { Overwrite: value !== '1' })
  await source.ssm.send(new LabelParameterVersionCommand({ Name: '/app/n', ParameterVersion: 3, Labels: ['blue'] }))
  for (let run = 1; run <= 5; run++) {
    const [told] = await carryFrom(source, cutting(target, 1), { selection })
    assert.equal(told!.action, run < 5 ? 'fail' : 'update')
  }
  assert.deepEqual(await historyOf(target, '/app/n'), await historyOf(source, '/app/n'))
  await put(source, '/app/n', '4', { Overwrite: true })
  const told = await carryFrom(source, target, { selection })
  assert.deepEqual(told, [{ name: '/app/n', action: 'update', details: '1 version' }])
  assert.deepEqual(await historyOf(target, '/app/n'), await historyOf(source, '/app/n'))
})

test('of parameters that several imports carry at once each version is there once', async (t) => {
  const [source, target] = await both(t)
  const names = ['/app/a', '/app/b', '/app/c']
  for (const name of names) {
    for (let at = 1; at <= 6; at++) await put(source, name, `${at % 3}`, { Overwrite: at > 1 })
    await source.ssm.send(new LabelParameterVersionCommand({ Name: name, ParameterVersion: 2, Labels: ['blue'] }))
  }
  const runs = await Promise.all(Array.from({ length: 4 }, () => carryFrom(source, target, { selection })))
  for (const told of runs.flat()) assert.match(told.action, /^(create|update|leave)$/, told.details)
  for (const name of names) assert.deepEqual(await historyOf(target, name), await historyOf(source, name))
})

/** The target, whose client ends the import once so many writes are done. */
function cutting({ server, secrets }: End, writes: number): Target {
  const { url, region, credentials } = server
  const ssm = new SSMClient({ endpoint: url, region, credentials: { ...credentials }, maxAttempts: 1 })
  let left = writes
  ssm.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        if (/^(Put|Label)/.test(commandName) && --left < 0) throw new UsageError('the process was killed')
        return next(args)
      },
    { step: 'initialize' },
  )
  return { secrets, ssm }
}

test('what the target has of its own is left alone, and gets the value of the source with --overwrite', async (t) => {
  const [source, target] = await both(t)
  await put(source, '/app/a', 'theirs', { Tags: [{ Key: 'team', Value: 'a' }] })
  await put(target, '/app/a', 'own')
  await put(source, '/app/b', 'theirs')
  await put(target, '/app/b', 'own', { Type: 'SecureString' })
  const left = await carryFrom(source, target, { selection })
  assert.deepEqual(
    left.map(({ action, details }) => `${action}: ${details}`),
    [
      'leave: it has another value: --overwrite adds the one of the source',
      'refuse: it is a SecureString at the target, and cannot become a String',
    ],
  )
  await carryFrom(source, target, { selection, overwrite: true })
  assert.deepEqual(
    (await historyOf(target, '/app/a')).map(({ Value }) => Value),
    ['own', 'theirs'],
  )
  assert.deepEqual(await tagsOf(target, '/app/a'), [{ Key: 'team', Value: 'a' }])
  const [same] = await carryFrom(source, target, { selection, overwrite: true })
  assert.equal(same!.details, 'it has the same value')
  assert.equal((await carryFrom(source, source, { selection }))[0]!.details, 'it is the same')
})
