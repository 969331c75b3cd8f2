// What `strongroom secret` does beside the page docs/command-line.md: bytes, concurrency, editors, terminals, and what is refused.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { after, type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam'
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import { assertRefused, BIN, clientOptions, type Outcome, run, serve, temporaryDirectory } from '../testing.ts'
import { pathWithCommand } from '../testing-script.ts'
import { openTerminal } from '../testing-terminal.ts'

const server = await serve({ after })
const client = new SecretsManagerClient(clientOptions(server))
after(() => client.destroy())

const variables = () => ({ AWS_ENDPOINT_URL: server.url, STRONGROOM_DATA_DIR: server.dataDir, HOME: '/nowhere' })

const secret = (args: readonly string[], input?: string, more: { readonly [name: string]: string } = {}) =>
  run(['secret', ...args], { ...variables(), ...more }, input)

function assertDone(outcome: Outcome): string {
  assert.equal(outcome.code, 0, outcome.stderr)
  return outcome.stdout
}

const valueOfSecret = async (SecretId: string) =>
  (await client.send(new GetSecretValueCommand({ SecretId }))).SecretString

test('values come back byte for byte, through a file and a pipe', async (t) => {
  const bytes = Uint8Array.from({ length: 4096 }, (_, at) => (at * 7) % 256)
  const file = join(temporaryDirectory(t), 'value')
  writeFileSync(file, bytes)
  assertDone(await secret(['put', 'exact/bytes', '--file', file]))
  const got = await promisify(execFile)(process.execPath, [BIN, 'secret', 'get', 'exact/bytes'], {
    encoding: 'buffer',
    env: variables(),
  })
  assert.deepEqual(new Uint8Array(got.stdout), bytes)
})

test('members that several set at the same time are all there at the end', async () => {
  await client.send(new CreateSecretCommand({ Name: 'many/members', SecretString: '{"id":12345678901234567890}' }))
  const names = ['a', 'b', 'c', 'd']
  const outcomes = await Promise.all(names.map((name) => secret(['put', 'many/members', '--field', name], name)))
  for (const outcome of outcomes) assertDone(outcome)
  const text = (await valueOfSecret('many/members'))!
  assert.match(text, /^\{"id":12345678901234567890,/)
  const { id: _, ...members } = JSON.parse(text)
  assert.deepEqual(members, { a: 'a', b: 'b', c: 'c', d: 'd' })
})

test('what is refused is told in one line without the value, and nothing is written', async () => {
  await client.send(new CreateSecretCommand({ Name: 'kept', SecretString: '["hunter2"]' }))
  const cases = [
    [['put', 'kept', '--create'], /kept already exists\. \(ResourceExistsException\)/],
    [
      ['put', 'kept', '--tag', 'a=b'],
      /^strongroom: kept is there already, and --tag and --replica are for new secrets/,
    ],
    [['put', 'kept', '--field', 'a'], /^strongroom: the value is not a JSON object: it has no fields$/m],
    [['put', 'absent', '--existing'], /can't find the specified secret/],
    [['get', 'kept', '--field', 'a'], /^strongroom: the value is not a JSON object/],
    [['delete', 'kept'], /^strongroom: --yes is missing: without a terminal nobody can be asked$/m],
  ] as const
  for (const [args, line] of cases) {
    const outcome = await secret(args, 'hunter3')
    assertRefused(outcome, line)
    assert.doesNotMatch(outcome.stderr, /hunter/)
  }
  assert.equal(await valueOfSecret('kept'), '["hunter2"]')
})

test('a new secret is made with its tags, its copies and its description, which a later value may change', async () => {
  const made = [
    '--generate',
    '--length',
    '20',
    '--tag',
    'a=b=c',
    'd=',
    '--replica',
    'eu-west-1',
    '--description',
    'first',
  ]
  assert.match(assertDone(await secret(['put', 'made', ...made])), /^made\t[\da-f-]{36}\tcreated\n$/)
  assert.equal((await valueOfSecret('made'))!.length, 20)
  assert.match(assertDone(await secret(['put', 'made', '--description', 'second'], 'x\n')), /\tupdated\n$/)
  const described = await client.send(new DescribeSecretCommand({ SecretId: 'made' }))
  assert.deepEqual(described.Tags, [
    { Key: 'a', Value: 'b=c' },
    { Key: 'd', Value: '' },
  ])
  assert.deepEqual(
    described.ReplicationStatus?.map(({ Region }) => Region),
    ['eu-west-1'],
  )
  assert.deepEqual([described.Description, await valueOfSecret('made')], ['second', 'x'])
})

test('a list has all pages, in the order that was asked for, of what the filters let through, and no value', async () => {
  const names = Array.from({ length: 101 }, (_, at) => `page/${String(at).padStart(3, '0')}`)
  const Tags = [{ Key: 'p', Value: '' }]
  await Promise.all(names.map((Name) => client.send(new CreateSecretCommand({ Name, SecretString: 'hunter2', Tags }))))
  await client.send(new DeleteSecretCommand({ SecretId: 'page/100' }))
  const args = ['list', 'page/', '--tag-key', 'p', '--sort', 'name', '--descending', '--include-deleted']
  const text = assertDone(await secret(args))
  const listed = text.split('\n').slice(0, -1)
  assert.deepEqual(
    listed.map((line) => line.split('\t')[0]),
    names.reverse(),
  )
  assert.match(text, /^page\/100\t\S+Z\t\t\t\t\(deleted\)\n/)
  const json = JSON.parse(assertDone(await secret(['list', '--output', 'json', '--name', 'page/05', '--tag-key', 'p'])))
  assert.equal(json.length, 10)
  assert.doesNotMatch(`${text}${JSON.stringify(json)}`, /hunter/)
})

test('who may not see rotations has the versions all the same, and is told', async (t) => {
  const iam = new IAMClient(clientOptions(server))
  t.after(() => iam.destroy())
  const UserName = 'reader'
  await iam.send(new CreateUserCommand({ UserName }))
  const Statement = [{ Effect: 'Allow', Action: 'secretsmanager:ListSecretVersionIds', Resource: '*' }]
  const PolicyDocument = JSON.stringify({ Version: '2012-10-17', Statement })
  await iam.send(new PutUserPolicyCommand({ UserName, PolicyName: 'list', PolicyDocument }))
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName }))
  const { VersionId } = await client.send(new CreateSecretCommand({ Name: 'seen', SecretString: 'x' }))
  const keys = { AWS_ACCESS_KEY_ID: AccessKey!.AccessKeyId!, AWS_SECRET_ACCESS_KEY: AccessKey!.SecretAccessKey! }
  const { code, stdout, stderr } = await secret(['history', 'seen'], undefined, keys)
  assert.match(stdout, new RegExp(`^${VersionId}\\tAWSCURRENT\\t\\S+Z\\t\\n$`))
  assert.match(
    stderr,
    /^strongroom: rotations are not shown: .*user\/reader is not authorized to perform: strongroom:ListRotations/,
  )
  assert.equal(code, 0)
})

test('diff looks into objects, and shows values only where they are asked for', async () => {
  const [a, b] = ['{"same":1,"gone":"hunter1","in":{"x":[1],"y":2}}', '{"same":1,"new":null,"in":{"x":[1],"y":3}}']
  await client.send(new CreateSecretCommand({ Name: 'diff/it', SecretString: a }))
  const { VersionId } = await client.send(new PutSecretValueCommand({ SecretId: 'diff/it', SecretString: b }))
  const outcome = await secret(['diff', 'diff/it', 'AWSPREVIOUS', VersionId!, '--exit-code'])
  assert.deepEqual(outcome, { code: 1, stdout: 'gone\tremoved\nin.y\tchanged\nnew\tadded\n', stderr: '' })
  const shown = JSON.parse(assertDone(await secret(['diff', 'diff/it', '--show-values', '--output', 'json'])))
  assert.deepEqual(shown[1], { Field: 'in.y', Change: 'changed', Before: 2, After: 3 })
})

test('bytes are never the text that their base64 is', async () => {
  await client.send(new CreateSecretCommand({ Name: 'diff/kind', SecretBinary: Buffer.from('hello') }))
  const put = (value: object) => client.send(new PutSecretValueCommand({ SecretId: 'diff/kind', ...value }))
  await put({ SecretString: 'aGVsbG8=' })
  assert.equal(assertDone(await secret(['diff', 'diff/kind'])), '(value)\tchanged\n')
  assert.equal(
    assertDone(await secret(['diff', 'diff/kind', '--show-values'])),
    '(value)\tchanged\t{"SecretBinary":"aGVsbG8="}\taGVsbG8=\n',
  )
  await put({ SecretBinary: Buffer.from('hello') })
  assert.equal(assertDone(await secret(['diff', 'diff/kind'])), '(value)\tchanged\n')
  await put({ SecretBinary: Buffer.from('hello') })
  assert.equal(assertDone(await secret(['diff', 'diff/kind'])), '')
})

test('whoever stops reading ends the command quietly', async (t) => {
  const PATH = pathWithCommand(t)
  const command = 'strongroom secret list --output json | true; echo "$' + '{PIPESTATUS[@]}"'
  const { stdout, stderr } = await promisify(execFile)('bash', ['-c', command], { env: { ...variables(), PATH } })
  assert.deepEqual([stdout, stderr], ['0 0\n', ''])
})

test('a server that is not there, and what is no such server, are told', async (t) => {
  const away = { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' }
  assertRefused(
    await secret(['list'], undefined, away),
    /^strongroom: no server answers at http:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\)/,
  )
  const page = createServer((_, response) => response.end('<html>')).listen(0, '127.0.0.1')
  t.after(() => page.close())
  await once(page, 'listening')
  const elsewhere = { AWS_ENDPOINT_URL: `http://127.0.0.1:${(page.address() as AddressInfo).port}` }
  assertRefused(
    await secret(['list'], undefined, elsewhere),
    /answered as no AWS service would: is it a Strongroom server\?$/m,
  )
})

test('what a server calls a secret moves no cursor', async (t) => {
  const clear = '\u001b[2J'
  const evil = createServer((_, response) =>
    response.end(JSON.stringify({ Name: `a${clear}`, VersionId: `b${clear}` })),
  )
  t.after(() => evil.close())
  await once(evil.listen(0, '127.0.0.1'), 'listening')
  const there = { AWS_ENDPOINT_URL: `http://127.0.0.1:${(evil.address() as AddressInfo).port}` }
  assert.equal(assertDone(await secret(['rotate', 'x'], undefined, there)), 'a\tb\n')
})

// Editors: small programs in the place of one that people use.

/** A folder in memory, in which drafts are looked for. */
function memory(t: TestContext): string {
  const folder = mkdtempSync('/dev/shm/strongroom-test-')
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** Looks again until it holds; a file that is not there yet does not. */
async function until(holds: () => boolean): Promise<void> {
  for (;;) {
    try {
      if (holds()) return
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' && !(error instanceof TypeError)) throw error
    }
    await sleep(20)
  }
}

const inMemory = { skip: existsSync('/dev/shm') ? false : 'there is no /dev/shm' }

test('a draft is for its owner alone, in memory, and gone at the end, whatever ends it', inMemory, async (t) => {
  const XDG_RUNTIME_DIR = memory(t)
  await client.send(new CreateSecretCommand({ Name: 'edit/ends', SecretString: '{"a":1}' }))
  const started = join(temporaryDirectory(t), 'started')
  const child = execFile(process.execPath, [BIN, 'secret', 'edit', 'edit/ends'], {
    env: {
      ...variables(),
      PATH: process.env.PATH,
      XDG_RUNTIME_DIR,
      EDITOR: `sh -c 'echo $$ > ${started}; exec sleep 300' x`,
    },
  })
  await until(() => readFileSync(started, 'utf8') !== '')
  const [folder] = readdirSync(XDG_RUNTIME_DIR)
  assert.equal(statSync(join(XDG_RUNTIME_DIR, folder!)).mode & 0o777, 0o700)
  assert.equal(statSync(join(XDG_RUNTIME_DIR, folder!, 'value.json')).mode & 0o777, 0o600)
  assert.equal(readFileSync(join(XDG_RUNTIME_DIR, folder!, 'value.json'), 'utf8'), '{\n  "a": 1\n}')
  const code = new Promise((resolve) => child.once('close', resolve))
  child.kill('SIGTERM')
  assert.equal(await code, 143)
  assert.deepEqual(readdirSync(XDG_RUNTIME_DIR), [])
  assert.throws(() => process.kill(Number(readFileSync(started, 'utf8')), 0), /ESRCH/, 'the editor has ended too')

  assertRefused(
    await secret(['edit', 'edit/ends'], '', { XDG_RUNTIME_DIR, EDITOR: 'false' }),
    /the editor ended with 1/,
  )
  assert.deepEqual(readdirSync(XDG_RUNTIME_DIR), [])
})

test('of two who change a secret the second is told, and goes on from the text that was kept', inMemory, async (t) => {
  const XDG_RUNTIME_DIR = memory(t)
  await client.send(new CreateSecretCommand({ Name: 'edit/both', SecretString: 'one' }))
  const go = join(temporaryDirectory(t), 'go')
  const EDITOR = `sh -c 'echo mine > $1; while ! test -e ${go}; do sleep 0.05; done' x`
  const editing = secret(['edit', 'edit/both'], '', { XDG_RUNTIME_DIR, EDITOR })
  const draftPath = () => join(XDG_RUNTIME_DIR, readdirSync(XDG_RUNTIME_DIR)[0]!, 'value.txt')
  await until(() => readFileSync(draftPath(), 'utf8') === 'mine\n')
  await client.send(new PutSecretValueCommand({ SecretId: 'edit/both', SecretString: 'theirs' }))
  writeFileSync(go, '')
  const outcome = await editing
  assertRefused(outcome, /^strongroom: somebody else has changed edit\/both meanwhile, and your text is kept in /)
  assert.equal(await valueOfSecret('edit/both'), 'theirs')

  const [, draft] = /--draft (\S+)$/m.exec(outcome.stderr)!
  assert.equal(readFileSync(draft!, 'utf8'), 'mine\n')
  assertDone(await secret(['edit', 'edit/both', '--draft', draft!], '', { XDG_RUNTIME_DIR, EDITOR: 'true' }))
  assert.equal(await valueOfSecret('edit/both'), 'mine')
  assert.deepEqual(readdirSync(XDG_RUNTIME_DIR), [])
})

test('what was not changed is not written, whatever white space the value has', inMemory, async (t) => {
  const XDG_RUNTIME_DIR = memory(t)
  const value = '{"a": 1,  "10": [], "9": "\\u0041"}'
  await client.send(new CreateSecretCommand({ Name: 'edit/same', SecretString: value }))
  const spaces = `sh -c 'tr -d " " < "$1" > "$1.new"; cat "$1.new" > "$1"' x`
  for (const EDITOR of ['true', spaces]) {
    const { code, stdout, stderr } = await secret(['edit', 'edit/same'], '', { XDG_RUNTIME_DIR, EDITOR })
    assert.deepEqual([code, stdout, stderr], [0, '', 'edit/same was not changed.\n'])
  }
  assert.equal(await valueOfSecret('edit/same'), value)
  assertDone(await secret(['edit', 'edit/same'], '', { XDG_RUNTIME_DIR, EDITOR: 'sed -i s/1,/2,/' }))
  assert.equal(await valueOfSecret('edit/same'), '{"a":2,"10":[],"9":"\\u0041"}')
})

test('a value that is full can be edited, though on many lines it is longer', inMemory, async (t) => {
  const XDG_RUNTIME_DIR = memory(t)
  const wide = JSON.stringify(Array.from({ length: 32_000 }, (_, at) => at % 10)).padEnd(65_536, ' ')
  const deep = `${'['.repeat(30_000)}1${']'.repeat(30_000)}`
  for (const [Name, value] of [
    ['edit/wide', wide],
    ['edit/deep', deep],
  ] as const) {
    await client.send(new CreateSecretCommand({ Name, SecretString: value }))
    assertDone(await secret(['edit', Name], '', { XDG_RUNTIME_DIR, EDITOR: 'sed -i s/1/7/' }))
    const edited = (await valueOfSecret(Name))!
    assert.deepEqual([edited.includes('7'), JSON.parse(edited).length], [true, JSON.parse(value).length])
  }
})

test('a kept draft that is no text is refused, and stays', inMemory, async (t) => {
  const XDG_RUNTIME_DIR = memory(t)
  await client.send(new CreateSecretCommand({ Name: 'edit/kept', SecretString: 'one' }))
  const folder = mkdtempSync(join(XDG_RUNTIME_DIR, 'strongroom-'))
  const draft = join(folder, 'value.txt')
  for (const bytes of [Buffer.from('a\0b'), Buffer.from([0x61, 0xe4])]) {
    writeFileSync(draft, bytes)
    const outcome = await secret(['edit', 'edit/kept', '--draft', draft], '', { XDG_RUNTIME_DIR, EDITOR: 'true' })
    assertRefused(outcome, /^strongroom: --draft \S+\/value\.txt is no text: nothing was done$/m)
    assert.deepEqual(readFileSync(draft), bytes)
  }
  assert.equal(await valueOfSecret('edit/kept'), 'one')
})

test('what ends the command while it writes leaves the text, and tells where', inMemory, async (t) => {
  const XDG_RUNTIME_DIR = memory(t)
  const writing = Promise.withResolvers<void>()
  const hanging = createServer((request, response) => {
    if (/Put/.test(String(request.headers['x-amz-target']))) writing.resolve()
    else response.end(JSON.stringify({ SecretString: 'one', VersionId: 'v'.repeat(32) }))
  })
  t.after(() => {
    hanging.closeAllConnections()
    hanging.close()
  })
  await once(hanging.listen(0, '127.0.0.1'), 'listening')
  const AWS_ENDPOINT_URL = `http://127.0.0.1:${(hanging.address() as AddressInfo).port}`
  const EDITOR = `sh -c 'echo mine > "$1"' x`
  const child = execFile(process.execPath, [BIN, 'secret', 'edit', 'x'], {
    env: { ...variables(), PATH: process.env.PATH, AWS_ENDPOINT_URL, XDG_RUNTIME_DIR, EDITOR },
  })
  const ended = new Promise((resolve) => child.once('close', resolve))
  let stderr = ''
  child.stderr!.on('data', (text) => {
    stderr += text
  })
  await writing.promise
  child.kill('SIGTERM')
  assert.equal(await ended, 143)
  const path = join(XDG_RUNTIME_DIR, readdirSync(XDG_RUNTIME_DIR)[0]!, 'value.txt')
  assert.equal(stderr, `strongroom: your text is kept in ${path}: it may have been written or not\n`)
  assert.equal(readFileSync(path, 'utf8'), 'mine\n')
})

test('what an editor puts in the place of the draft is not touched, and no link is followed', inMemory, async (t) => {
  const XDG_RUNTIME_DIR = memory(t)
  await client.send(new CreateSecretCommand({ Name: 'edit/link', SecretString: 'one' }))
  const own = join(memory(t), 'own.txt')
  writeFileSync(own, 'my own text')
  for (const [link, refused] of [
    ['ln -sf', /^strongroom: the editor left no text: nothing was written$/m],
    ['ln -f', undefined],
  ] as const) {
    const outcome = await secret(['edit', 'edit/link'], '', { XDG_RUNTIME_DIR, EDITOR: `${link} ${own}` })
    if (refused) assertRefused(outcome, refused)
    else assertDone(outcome)
    assert.equal(readFileSync(own, 'utf8'), 'my own text')
    assert.deepEqual(readdirSync(XDG_RUNTIME_DIR), [])
  }
  assert.equal(await valueOfSecret('edit/link'), 'my own text')
})

test('a file of the user is no draft: it stays, and what is no UTF-8 is not written', inMemory, async (t) => {
  const XDG_RUNTIME_DIR = memory(t)
  await client.send(new CreateSecretCommand({ Name: 'edit/own', SecretString: 'one' }))
  const own = join(temporaryDirectory(t), 'own.txt')
  writeFileSync(own, 'mine')
  assertDone(await secret(['edit', 'edit/own', '--draft', own], '', { XDG_RUNTIME_DIR, EDITOR: 'true' }))
  assert.deepEqual([await valueOfSecret('edit/own'), readFileSync(own, 'utf8')], ['mine', 'mine'])
  const EDITOR = `sh -c 'printf "pass\\344" > "$1"' x`
  assertRefused(await secret(['edit', 'edit/own'], '', { XDG_RUNTIME_DIR, EDITOR }), /not UTF-8: nothing was written/)
  assert.equal(await valueOfSecret('edit/own'), 'mine')
})

// Terminals.

const terminals = {
  skip: existsSync('/usr/bin/script') ? false : 'script(1), which makes a terminal, is not installed',
}

const onTerminal = (t: TestContext, args: string, more: { readonly [name: string]: string } = {}) =>
  openTerminal(t, `${process.execPath} ${BIN} ${args}`, { ...variables(), ...more })

test('a value that is typed is asked for twice and not shown', terminals, async (t) => {
  const first = onTerminal(t, 'secret put typed')
  await first.shows(/Value \(not shown\): /)
  first.type('hunter\u{1f468}\u200d\u{1f469}\u200d\u{1f467}\x7fr\x7fe\u0301\x7f2\r')
  await first.shows(/The same again: /)
  first.type('hunter2\r')
  const { shown, code } = await first.ended
  assert.equal(code, 0, shown)
  assert.doesNotMatch(shown, /hunt/)
  assert.equal(await valueOfSecret('typed'), 'hunter2')

  const second = onTerminal(t, 'secret put typed')
  await second.shows(/not shown/)
  second.type('hunter3\rhunter4\r')
  const { shown: both } = await second.ended
  assert.match(both, /strongroom: the two are not the same: nothing was written\n$/)
  assert.doesNotMatch(both, /hunt/)

  const third = onTerminal(t, 'secret put typed')
  await third.shows(/not shown/)
  third.type('hunter3\x03')
  assert.deepEqual((await third.ended).code, 130)
  assert.equal(await valueOfSecret('typed'), 'hunter2')
})

test('what takes something back asks first, and only yes is yes', terminals, async (t) => {
  await client.send(new CreateSecretCommand({ Name: 'back', SecretString: 'old' }))
  await client.send(new PutSecretValueCommand({ SecretId: 'back', SecretString: 'new' }))
  for (const [answer, value] of [
    ['n\r', 'new'],
    ['\x04', 'new'],
    ['y\r', 'old'],
  ] as const) {
    const terminal = onTerminal(t, 'secret rollback back')
    await terminal.shows(/current again\? \[y\/N\] /)
    terminal.type(answer)
    const { shown, code } = await terminal.ended
    assert.equal(code, value === 'old' ? 0 : 1, shown)
    if (value === 'new') assert.match(shown, /strongroom: nothing was done\n$/)
    assert.equal(await valueOfSecret('back'), value)
  }
})

test(
  'a terminal gets a table with a bold head unless NO_COLOR says no, and no character that moves its cursor',
  terminals,
  async (t) => {
    await client.send(
      new CreateSecretCommand({ Name: 'shown', Description: 'a\u001b[2Jb', SecretString: 'x\u001b[2J\u009by' }),
    )
    const colored = await onTerminal(t, 'secret list shown').ended
    assert.match(colored.shown, /^\u001b\[1mNAME .*DESCRIPTION\u001b\[22m\nshown .* {2}ab\n$/)
    const plain = await onTerminal(t, 'secret list shown', { NO_COLOR: '1' }).ended
    assert.match(plain.shown, /^NAME .*DESCRIPTION\nshown .* {2}ab\n$/)
    const value = await onTerminal(t, 'secret get shown').ended
    assert.match(value.shown, /^x\\u001b\[2J\\u009by\nstrongroom: control characters are shown as escapes here/)
  },
)

test('what is no JSON any more may be edited again, or written as it is', terminals, async (t) => {
  await client.send(new CreateSecretCommand({ Name: 'edit/json', SecretString: '{"a":1}' }))
  const terminal = onTerminal(t, 'secret edit edit/json', { EDITOR: `sh -c 'printf x >> "$1"' x` })
  await terminal.shows(/no JSON any more.*\[e\/w\/N\] /)
  terminal.type('e\r')
  await terminal.shows(/no JSON any more.*\[e\/w\/N\] /)
  terminal.type('w\r')
  const { shown, code } = await terminal.ended
  assert.equal(code, 0, shown)
  assert.equal(await valueOfSecret('edit/json'), '{\n  "a": 1\n}xx')
})
