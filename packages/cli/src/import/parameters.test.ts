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

test('two imports at once end in the same as one, and so does an answer that was lost', async (t) => {
  const [source, target, fresh] = await Promise.all([startEnd(t), startEnd(t), startEnd(t)])
  const names = ['/app/a', '/app/b', '/app/c', '/app/d']
  for (const name of names) {
    for (const value of ['1', '2', '2', '3', '4']) await put(source, name, value, { Overwrite: value !== '1' })
    await source.ssm.send(new LabelParameterVersionCommand({ Name: name, ParameterVersion: 3, Labels: ['blue'] }))
  }
  const told = await Promise.all([1, 2, 3].map(() => carryFrom(source, target, { selection })))
  for (const name of names) assert.deepEqual(await historyOf(target, name), await historyOf(source, name), name)
  assert.deepEqual(new Set(told.flat().map(({ action }) => action)).has('fail'), false, JSON.stringify(told))

  const [lost] = await carryFrom(source, losing(fresh), { selection })
  assert.deepEqual(lost, { name: '/app/a', action: 'create', details: '5 versions' })
  for (const name of names) assert.deepEqual(await historyOf(fresh, name), await historyOf(source, name), name)
})

/** The target, whose client gets no answer the first time that it makes a version, and asks again. */
function losing({ server, secrets }: End): Target {
  const { url, region, credentials } = server
  const ssm = new SSMClient({ endpoint: url, region, credentials: { ...credentials }, maxAttempts: 2 })
  ssm.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        const { headers } = args.request as { headers: { [name: string]: string } }
        const answer = await next(args)
        if (commandName !== 'PutParameterCommand' || !headers['amz-sdk-request']?.startsWith('attempt=1')) return answer
        throw Object.assign(new Error('the connection broke'), { code: 'ECONNRESET' })
      },
    { step: 'deserialize' },
  )
  return { secrets, ssm }
}

test('what others write meanwhile is not written over', async (t) => {
  const [source, target] = await both(t)
  await put(source, '/app/n', '1')
  await put(source, '/app/n', '2', { Overwrite: true })
  let writes = 0
  const { url, region, credentials } = target.server
  const ssm = new SSMClient({ endpoint: url, region, credentials: { ...credentials }, maxAttempts: 1 })
  ssm.middlewareStack.add(
    (next, { commandName = '' }) =>
      async (args) => {
        if (commandName === 'PutParameterCommand' && ++writes === 2)
          await put(target, '/app/n', 'own', { Overwrite: true })
        return next(args)
      },
    { step: 'initialize' },
  )
  const [told] = await carryFrom(source, { ...target, ssm }, { selection })
  assert.equal(told!.details, 'it has another value: --overwrite adds the one of the source')
  assert.deepEqual(
    (await historyOf(target, '/app/n')).map(({ Value }) => Value),
    ['1', 'own'],
  )
})

test('versions that the source has dropped are told, and why a copy does not go on behind them', async (t) => {
  const [source, target] = await both(t)
  const puts = async (from: number, to: number) => {
    for (let n = from; n <= to; n++) await put(source, '/app/n', `${n}`, { Overwrite: true })
  }
  await puts(1, 100)
  const details = async (given: object = {}) => (await carryFrom(source, target, { selection, ...given }))[0]!.details
  assert.equal(await details(), '100 versions')
  await puts(101, 102)
  const dropped = 'the source has dropped its versions before 3'
  assert.equal(await details(), `it has another value: --overwrite adds the one of the source; ${dropped}`)
  assert.equal(await details({ overwrite: true }), `1 version; ${dropped}`)
  assert.equal(await details(), `it has the same value; ${dropped}`)
})

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
