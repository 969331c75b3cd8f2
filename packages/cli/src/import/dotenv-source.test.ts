// dotenv files: what is read, what is told of the rest, and what becomes of it.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { UpdateSecretVersionStageCommand } from '@aws-sdk/client-secrets-manager'
import { GetParameterCommand } from '@aws-sdk/client-ssm'
import { type DotenvOptions, dotenvSource, parseDotenv } from './dotenv-source.ts'
import { carry, startEnd, versionsOf } from './testing.ts'

const TEXT = `# database
export DB_HOST=db.example.com # the primary
DB_PASSWORD='it"s $ecret'
DB_PORT: 5432
CERT="-----BEGIN-----
KEY=inside
-----END-----"
EMPTY=
`

function fileOf(t: TestContext, text: string | Buffer): string {
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, '.env')
  writeFileSync(file, text)
  return file
}

const sourceOf = (t: TestContext, text: string | Buffer, options: DotenvOptions) =>
  dotenvSource(fileOf(t, text), options)

test('a file is one JSON secret, or a secret or parameter for each variable; a second run writes nothing', async (t) => {
  const target = await startEnd(t)
  const one = () => sourceOf(t, TEXT, { secret: 'app/config' }).source
  assert.deepEqual(await carry(one(), target), [{ name: 'app/config', action: 'create', details: '1 version' }])
  const [{ value } = { value: '' }] = await versionsOf(target, 'app/config')
  const values = {
    DB_HOST: 'db.example.com',
    DB_PASSWORD: 'it"s $ecret',
    DB_PORT: '5432',
    CERT: '-----BEGIN-----\nKEY=inside\n-----END-----',
    EMPTY: '',
  }
  assert.deepEqual(JSON.parse(String(value)), values)
  assert.equal((await carry(one(), target))[0]!.details, 'it has the same current version')

  const secrets = () => sourceOf(t, TEXT, { each: 'secret', prefix: 'app/' }).source
  assert.deepEqual(
    (await carry(secrets(), target)).map(({ name, action }) => `${action} ${name}`),
    ['create app/DB_HOST', 'create app/DB_PASSWORD', 'create app/DB_PORT', 'create app/CERT', 'leave out app/EMPTY'],
  )
  assert.equal((await versionsOf(target, 'app/CERT'))[0]!.value, values.CERT)

  const parameters = () => sourceOf(t, TEXT, { each: 'parameter', prefix: '/app/' }).source
  for (const action of ['create', 'leave']) {
    assert.deepEqual(
      (await carry(parameters(), target)).map((told) => told.action),
      [...Array(4).fill(action), 'leave out'],
    )
  }
  const command = new GetParameterCommand({ Name: '/app/DB_PASSWORD', WithDecryption: true })
  const { Parameter } = await target.ssm.send(command)
  assert.deepEqual([Parameter!.Type, Parameter!.Value], ['SecureString', values.DB_PASSWORD])
})

test('of imports at once one writes, and the others find the same; of other values the first one stands', async (t) => {
  const target = await startEnd(t)
  const of = (text: string) => sourceOf(t, text, { each: 'secret' }).source
  const text = 'A=1\nB=2\nC=3\nD=4'
  const told = await Promise.all([1, 2, 3].map(() => carry(of(text), target)))
  assert.deepEqual(
    told.flat().filter(({ action }) => action === 'fail'),
    [],
  )
  for (const [name, value] of [...'ABCD'].map((name, at) => [name, `${at + 1}`] as const)) {
    assert.deepEqual(
      (await versionsOf(target, name)).map(({ value }) => value),
      [value],
    )
  }
  const changed = text.replaceAll('=', '=x')
  await Promise.all([1, 2, 3].map(() => carry(of(changed), target, { overwrite: true })))
  for (const name of 'ABCD') assert.equal((await versionsOf(target, name)).length, 2)

  const others = await Promise.all(['E=1', 'E=2', 'E=3'].map((text) => carry(of(text), target)))
  const actions = others.flat().map(({ action }) => action)
  assert.ok(
    actions.every((action) => action === 'create' || action === 'update' || action === 'leave'),
    `${actions}`,
  )
  assert.equal(actions.filter((action) => action === 'leave').length, 2)
  assert.equal((await versionsOf(target, 'E')).length, 1)
})

test('a version that was taken back is no hindrance to another one', async (t) => {
  const target = await startEnd(t)
  const of = (text: string) => sourceOf(t, text, { each: 'secret' }).source
  await carry(of('A=1'), target)
  await carry(of('A=2'), target, { overwrite: true })
  const [one, two] = await versionsOf(target, 'A')
  await target.secrets.send(
    new UpdateSecretVersionStageCommand({
      SecretId: 'A',
      VersionStage: 'AWSCURRENT',
      RemoveFromVersionId: two!.id,
      MoveToVersionId: one!.id,
    }),
  )
  const [told] = await carry(of('A=3'), target, { overwrite: true })
  assert.equal(told!.action, 'update', told!.details)
  assert.deepEqual(
    (await versionsOf(target, 'A')).map(({ value }) => value),
    ['1', '2', '3'],
  )
})

test('another value at the target is left alone, and becomes AWSPREVIOUS with --overwrite', async (t) => {
  const target = await startEnd(t)
  const of = (text: string) => sourceOf(t, text, { each: 'secret' }).source
  await carry(of('A=1'), target)
  const [left] = await carry(of('A=2'), target)
  assert.equal(left!.details, 'it has another value: --overwrite adds the current one of the source')
  const [told] = await carry(of('A=2'), target, { overwrite: true })
  assert.equal(told!.action, 'update')
  assert.deepEqual(
    (await versionsOf(target, 'A')).map(({ value, stages }) => [value, stages.join()]),
    [
      ['1', 'AWSPREVIOUS'],
      ['2', 'AWSCURRENT'],
    ],
  )
})

test('what several imports bring at once is there once, and one value after another with --overwrite', async (t) => {
  const target = await startEnd(t)
  const write = (value: string, overwrite: boolean) => {
    const { source } = sourceOf(t, `A=${value}\nB=${value}\n`, { each: 'secret' })
    return carry(source, target, { overwrite })
  }
  const first = await Promise.all(Array.from({ length: 4 }, () => write('one', false)))
  for (const told of first.flat()) assert.match(told.action, /^(create|update|leave)$/, told.details)
  for (const name of ['A', 'B'])
    assert.deepEqual(
      (await versionsOf(target, name)).map(({ value }) => value),
      ['one'],
    )
  const second = await Promise.all(['two', 'two', 'three'].map((value) => write(value, true)))
  for (const told of second.flat()) assert.match(told.action, /^(update|leave)$/, told.details)
  for (const name of ['A', 'B']) {
    const values = (await versionsOf(target, name)).map(({ value }) => value)
    assert.ok(values.length >= 2 && values.length <= 4, values.join())
    assert.equal(values[0], 'one')
    for (const [at, value] of values.entries()) assert.notEqual(value, values[at + 1])
  }
})

test('what is not understood, not closed, referred to or there twice is told by its line, without a word of it', () => {
  const warningsOf = (text: string) => parseDotenv(text, '.env').warnings
  assert.deepEqual(warningsOf(TEXT), [])
  assert.deepEqual(warningsOf('A=1\nhunter2\nB=2'), ['line 2 of .env is not understood, and not imported'])
  assert.deepEqual(warningsOf('A="x\ny"\nhunter2'), ['line 3 of .env is not understood, and not imported'])
  assert.deepEqual(warningsOf('A="open\nB=2'), [
    'line 1 of .env: the quotes of A do not close around its value, and are part of it',
  ])
  assert.deepEqual(warningsOf('A="x" y'), [
    'line 1 of .env: the quotes of A do not close around its value, and are part of it',
  ])
  assert.deepEqual(warningsOf('A=1\r\nB=2\r\nA=3'), ['A is on lines 1 and 3 of .env: the last one counts'])
  assert.deepEqual(warningsOf("A=1\nB=$A/x\nC='$A'"), ['B refers to another variable, and is taken as it stands'])
  assert.deepEqual(parseDotenv('\ufeffA=1', '.env').values, new Map([['A', '1']]))
})

test('a file that cannot be read, or not for sure, is refused', (t) => {
  const refuse = (text: string | Buffer, options: DotenvOptions, line: RegExp) =>
    assert.throws(() => sourceOf(t, text, options), { name: 'UsageError', message: line })
  refuse('A\n=1', { secret: 'x' }, /cannot be read for sure/)
  refuse('__proto__=1\nA=1', { secret: 'x' }, /cannot be read for sure/)
  refuse('# nothing', { secret: 'x' }, /has no variables$/)
  refuse(Buffer.from([0x41, 0x3d, 0xff]), { secret: 'x' }, /is not UTF-8 text$/)
  refuse('A=1\n'.repeat(300_000), { secret: 'x' }, /has more than 1048576 bytes$/)
  refuse('A=1', {}, /^give --secret NAME /)
  refuse('A=1', { secret: 'x', each: 'secret' }, /^give --secret NAME /)
  refuse('A=1', { secret: 'x', prefix: 'y' }, /^--prefix goes with --each$/)
  assert.throws(() => dotenvSource('/nowhere/.env', { secret: 'x' }), /\/nowhere\/\.env cannot be read \(ENOENT\)$/)
})
