// Archives: there and back, for whom they open, and what is refused of them.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CreateSecretCommand, DescribeSecretCommand, PutSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { LabelParameterVersionCommand, PutParameterCommand } from '@aws-sdk/client-ssm'
import { generateX25519Identity, identityToRecipient } from 'age-encryption'
import dotenv from 'dotenv'
import { archiveSource } from '../import/archive-source.ts'
import { awsSource } from '../import/aws-source.ts'
import type { Item } from '../import/item.ts'
import { readHistory } from '../import/parameter-source.ts'
import { ALL, carry, type End, startEnd, versionsOf } from '../import/testing.ts'
import { endLine, headLine, itemLine, readArchive } from './archive.ts'
import { dotenvLines } from './dotenv.ts'
import { encrypted, mustNotExist, writeWhole } from './file.ts'
import { encrypterOf, type SealOptions } from './keys.ts'

function directoryOf(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return directory
}

/** A pair of keys: the recipient, and a file of the identity. */
async function newKey(directory: string) {
  const identity = await generateX25519Identity()
  const identityFile = join(directory, 'identity')
  writeFileSync(identityFile, `# a comment, as age-keygen writes one\n${identity}\n`)
  return { recipient: [await identityToRecipient(identity)], identityFile }
}

async function* bytesOf(lines: readonly string[]): AsyncGenerator<Uint8Array> {
  for (const line of lines) yield Buffer.from(line)
}

const write = async (file: string, lines: readonly string[], key: SealOptions) =>
  writeWhole(file, await encrypted(await encrypterOf(key), bytesOf(lines)))

/** The lines of an archive of all that a server has. */
async function linesOf(end: End): Promise<readonly string[]> {
  const lines = [headLine()]
  for (const { read } of (await awsSource(end, { ...ALL, parameters: '/' })).references as Iterable<{
    read: () => unknown
  }>) {
    lines.push(await itemLine((await read()) as Item))
  }
  return [...lines, endLine(lines.length - 1)]
}

test('an archive brings versions, labels, tags and parameters back as they were, and a second time writes nothing', async (t) => {
  const directory = directoryOf(t)
  const [source, target] = await Promise.all([startEnd(t), startEnd(t)])
  const Tags = [{ Key: 'team', Value: 'a' }]
  await source.secrets.send(
    new CreateSecretCommand({ Name: 'app/db', SecretString: '1', Description: 'd\u2028', Tags }),
  )
  await source.secrets.send(
    new PutSecretValueCommand({ SecretId: 'app/db', SecretString: '\u0000\ud83d\ude00', VersionStages: ['blue'] }),
  )
  await source.secrets.send(new PutSecretValueCommand({ SecretId: 'app/db', SecretBinary: randomBytes(65_536) }))
  for (const Value of ['1', '2']) {
    await source.ssm.send(
      new PutParameterCommand({ Name: '/n', Type: 'SecureString', Value, Overwrite: Value !== '1' }),
    )
  }
  await source.ssm.send(new LabelParameterVersionCommand({ Name: '/n', Labels: ['blue'], ParameterVersion: 1 }))

  const { recipient, identityFile } = await newKey(directory)
  const file = join(directory, 'archive')
  await write(file, await linesOf(source), { recipient })
  assert.equal(statSync(file).mode & 0o777, 0o600)
  assert.deepEqual(readdirSync(directory).sort(), ['archive', 'identity'])

  const open = () => archiveSource(file, { identityFile })
  assert.equal((await open()).total, 2)
  assert.deepEqual(
    (await carry(await open(), target)).map(({ action }) => action),
    ['create', 'create'],
  )
  assert.deepEqual(await versionsOf(target, 'app/db'), await versionsOf(source, 'app/db'))
  const details = await target.secrets.send(new DescribeSecretCommand({ SecretId: 'app/db' }))
  assert.deepEqual([details.Description, details.Tags], ['d\u2028', Tags])
  const histories = await Promise.all([source, target].map(({ ssm }) => readHistory(ssm, '/n', 'source')))
  const [from, to] = histories.map((history) => history.map(({ Value, Labels, Type }) => ({ Value, Labels, Type })))
  assert.deepEqual(to, from)
  assert.deepEqual(
    (await carry(await open(), target)).map(({ action }) => action),
    ['leave', 'leave'],
  )
})

test('an archive opens with its key alone, whole, and is never written over', async (t) => {
  const directory = directoryOf(t)
  const file = join(directory, 'archive')
  const passphraseFile = join(directory, 'passphrase')
  writeFileSync(passphraseFile, 'correct horse battery\n')
  await write(file, [headLine(), endLine(0)], { passphraseFile })
  assert.equal((await archiveSource(file, { passphraseFile })).total, 0)

  const refuse = (options: Parameters<typeof archiveSource>[1], line: RegExp, path = file) =>
    assert.rejects(archiveSource(path, options), { name: 'UsageError', message: line })
  const { identityFile, recipient } = await newKey(directory)
  await refuse({ identityFile }, /^\S+archive does not open with this key$/)
  await refuse({ identityFile }, /^\S+nowhere cannot be read \(ENOENT\)$/, join(directory, 'nowhere'))
  await refuse({ identityFile: passphraseFile }, /holds what is no identity of age/)
  await refuse({}, /^nobody can be asked for a passphrase: give --identity-file or --passphrase-file$/)

  const whole = readFileSync(file)
  const sealed = join(directory, 'sealed')
  await write(sealed, [headLine(), endLine(0)], { recipient })
  const bytes = readFileSync(sealed)
  const bad = join(directory, 'bad')
  for (const altered of [bytes.subarray(0, -1), Buffer.concat([bytes, Buffer.from('x')]), Buffer.from('hello')]) {
    writeFileSync(bad, altered)
    await refuse({ identityFile }, /^\S+bad is no whole archive: it was cut short or altered, or is none$/, bad)
  }
  assert.throws(() => mustNotExist(file), /is there already: name another file$/)
  await assert.rejects(
    write(file, [headLine()], { recipient }),
    /^UsageError: \S+archive cannot be written \(EEXIST\)$/,
  )
  assert.deepEqual(readFileSync(file), whole)
  assert.deepEqual(
    readdirSync(directory).filter((name) => name.endsWith('.partial')),
    [],
  )

  await assert.rejects(encrypterOf({ recipient: ['age1x'] }), /^UsageError: --recipient age1x is no recipient of age/)
  await assert.rejects(encrypterOf({ recipient, passphraseFile }), /do not go together/)
  writeFileSync(passphraseFile, 'short')
  await assert.rejects(encrypterOf({ passphraseFile }), /^UsageError: a passphrase has at least 12 characters/)
})

test('a text that is no archive, or not a whole one, is refused without a word of it', async () => {
  const secret = (given: object) =>
    `${JSON.stringify({ secret: { name: 'a', tags: [], knownIds: [], versions: [], ...given } })}\n`
  const parse = async (...lines: readonly string[]) => {
    const items: Item[] = []
    for await (const item of readArchive(bytesOf(lines))) items.push(item)
    return items
  }
  assert.equal((await parse(headLine(), secret({}), endLine(1))).length, 1)
  const tables: readonly (readonly [lines: readonly string[], line: RegExp])[] = [
    [[], /^the archive is cut short/],
    [[headLine(), secret({})], /^the archive is cut short/],
    [[headLine(), secret({}), endLine(2)], /^the archive is damaged/],
    [[headLine(), endLine(0), secret({})], /^the archive is damaged/],
    [[headLine(), endLine(0), 'x'], /^the archive is damaged/],
    [['{"format":"other"}\n'], /no archive of strongroom export$/],
    [['{"format":"strongroom-archive","version":2}\n'], /newer strongroom/],
    [[headLine(), 'hunter2\n'], /^the archive is damaged/],
    [[headLine(), '{"other":1}\n'], /^the archive is damaged/],
    [[headLine(), secret({ name: 1 })], /^the archive is damaged/],
    [[headLine(), secret({ tags: [1] })], /^the archive is damaged/],
    [[headLine(), secret({ versions: [{ stages: [], text: 5 }] })], /^the archive is damaged/],
    [[headLine(), secret({ rotation: 'x' })], /^the archive is damaged/],
    [[headLine(), '{"parameter":{"name":"a","type":"Other","tags":[],"versions":[]}}\n'], /^the archive is damaged/],
  ]
  for (const [lines, message] of tables) {
    await assert.rejects(parse(...lines), { name: 'UsageError', message }, lines.join(''))
  }
})

test('dotenv holds what is read back as it was, and what it cannot hold is refused', async () => {
  const of = (name: string, value: string | Uint8Array): Item => ({
    kind: 'secret',
    name,
    tags: [],
    versions: [
      {
        stages: ['AWSCURRENT'],
        value: async () => (typeof value === 'string' ? { SecretString: value } : { SecretBinary: value }),
      },
    ],
    knownIds: new Set(),
    notes: [],
  })
  const taken = new Map<string, string>()
  const json = JSON.stringify({ HOST: 'db', PORT: 5432, PASSWORD: `it"s $x`, TEXT: `a\nb'c`, TLS: true })
  assert.equal(
    await dotenvLines(of('app/db', json), taken),
    "HOST=db\nPORT=5432\nPASSWORD='it\"s $x'\nTEXT=`a\nb'c`\nTLS=true\n",
  )
  assert.equal(await dotenvLines(of('app/api-key', 'x y'), taken), "API_KEY='x y'\n")
  assert.equal(await dotenvLines(of('app/2fa', 'a\r\nb'), taken), '_2FA="a\\r\\nb"\n')
  await assert.rejects(
    dotenvLines(of('other/api-key', 'x'), new Map([['API_KEY', 'app/api-key']])),
    /^UsageError: its variable/,
  )
  const backslash = await dotenvLines(of('app/A', 'ends in \\'), taken)
  const below = await dotenvLines(of('app/B', '# begins so'), taken)
  assert.deepEqual(dotenv.parse(`${backslash}${below}`), { A: 'ends in \\', B: '# begins so' })
  const allQuotes = `'"\` #\n`
  await assert.rejects(dotenvLines(of('app/X', allQuotes), taken), /^UsageError: dotenv cannot hold the value of X: /)
  await assert.rejects(dotenvLines(of('app/y', new Uint8Array(1)), taken), /^UsageError: its value is bytes/)
})
