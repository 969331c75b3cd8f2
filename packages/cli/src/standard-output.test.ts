// What becomes of a command whose output cannot be written: its reader went away, or the disk is full.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { CreateSecretCommand, ListSecretsCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { BIN, clientOptions, type Outcome, serve, temporaryDirectory } from './testing.ts'

const SECRETS = 12
/** More than a pipe takes before somebody reads. */
const VALUE = 'canary'.repeat(10_000)

const [old, fresh] = await Promise.all([serve({ after }), serve({ after })])
const clients = [old, fresh].map((server) => new SecretsManagerClient(clientOptions(server)))
after(() => {
  for (const client of clients) client.destroy()
})
for (let at = 0; at < SECRETS; at++) {
  await clients[0]!.send(new CreateSecretCommand({ Name: `app/${at}`, SecretString: VALUE }))
}

/** A line of shell in which `strongroom` stands for the command; the exit code is that of the first command of a pipe. */
function shell(line: string, { dataDir, url } = old): Promise<Outcome> {
  const script = `strongroom() { "${process.execPath}" "${BIN}" "$@"; }\n${line}; exit \${PIPESTATUS[0]}`
  const env = { PATH: '/usr/bin:/bin', HOME: '/nowhere', AWS_ENDPOINT_URL: url, STRONGROOM_DATA_DIR: dataDir }
  return new Promise((resolve) => {
    execFile('bash', ['-c', script], { env }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : (error.code as number), stdout, stderr }),
    )
  })
}

const namesOf = async (client: SecretsManagerClient): Promise<readonly (string | undefined)[]> =>
  (await client.send(new ListSecretsCommand({ MaxResults: 100 }))).SecretList!.map(({ Name }) => Name)

test('an import goes on to its end when nobody reads what it tells', async (t) => {
  const file = join(temporaryDirectory(t), '.env')
  writeFileSync(file, Array.from({ length: SECRETS }, (_, at) => `V${at}=value\n`).join(''))
  const from = `strongroom import dotenv ${file} --each secret --concurrency 1`
  const first = await shell(`${from} | head -1`, fresh)
  assert.deepEqual([first.code, first.stdout], [0, 'created\tsecret\tV0\t1 version\n'], first.stderr)
  assert.match(first.stderr, /^12 created$/m)
  assert.equal((await namesOf(clients[1]!)).length, SECRETS)
  const again = await shell(`${from} > /dev/full`, fresh)
  assert.equal(again.code, 1)
  assert.match(again.stderr, /^strongroom: standard output cannot be written \(ENOSPC\)\n12 left alone\n$/)
})

test('an export in plain text is whole, or not there at all, whoever reads what it tells', async (t) => {
  const directory = temporaryDirectory(t)
  const file = join(directory, 'all.json')
  const told = await shell(`strongroom export ${file} --plaintext json | head -1`)
  assert.equal(told.code, 0, told.stderr)
  assert.equal(JSON.parse(readFileSync(file, 'utf8')).length, SECRETS)
  assert.deepEqual(readdirSync(directory), ['all.json'])
})

test('an export to a pipe that is closed early has failed, in one line', async () => {
  const { code, stderr } = await shell('strongroom export - --plaintext json | head -c 1')
  assert.equal(code, 1)
  assert.match(stderr, /^strongroom: standard output took a part of it and no more \(EPIPE\)\n$/)
})

test('who has seen enough of a list or a value hears no complaint', async () => {
  for (const command of ['secret list', 'secret get app/0', 'secret list --output json', 'secret get app/0 --json']) {
    const { code, stdout, stderr } = await shell(`strongroom ${command} | head -c 1`)
    assert.deepEqual([code, stdout.length, stderr], [0, 1, ''], command)
  }
})

test('output that cannot be written is an error, in one line', async () => {
  for (const command of ['secret list', 'secret get app/0', 'secret history app/0 --output json', '--help', 'health']) {
    const { code, stderr } = await shell(`strongroom ${command} > /dev/full`)
    assert.deepEqual([code, stderr], [1, 'strongroom: standard output cannot be written (ENOSPC)\n'], command)
  }
})

test('where nobody can be told anything, the exit code is what it would be', async () => {
  for (const away of ['2> /dev/full', '2>&-', '> /dev/full 2> /dev/full']) {
    assert.equal((await shell(`strongroom secret get is/not/there ${away}`)).code, 1, away)
    assert.equal((await shell(`strongroom parameter delete /not/there --yes ${away}`)).code, 1, away)
  }
  assert.equal((await shell('strongroom secret get app/0 2> /dev/full')).code, 0)
})
