// What `strongroom parameter` does beside the page docs/command-line.md.

import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { GetParameterCommand, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { assertRefused, clientOptions, type Outcome, run, serve } from '../testing.ts'

const server = await serve({ after })
const client = new SSMClient(clientOptions(server))
after(() => client.destroy())

const parameter = (args: readonly string[], input?: string) =>
  run(
    ['parameter', ...args],
    { AWS_ENDPOINT_URL: server.url, STRONGROOM_DATA_DIR: server.dataDir, HOME: '/nowhere' },
    input,
  )

function assertDone(outcome: Outcome): string {
  assert.equal(outcome.code, 0, outcome.stderr)
  return outcome.stdout
}

test('that there is no such parameter is said in words, which the service leaves out', async () => {
  for (const args of [['get'], ['history']])
    assertRefused(
      await parameter([...args, '/is/not/there']),
      /^strongroom: there is no such parameter \(ParameterNotFound\)\n$/,
    )
})

test('a parameter keeps its type when it is written again, and is new only where it may be', async () => {
  const made = ['--type', 'StringList', '--tag', 'a=b', '--tier', 'Advanced', '--description', 'ports']
  assert.equal(assertDone(await parameter(['put', '/list', ...made], '80,443\n')), '/list\t1\tAdvanced\n')
  assert.equal(assertDone(await parameter(['put', '/list'], '80')), '/list\t2\tAdvanced\n')
  const { Parameter } = await client.send(new GetParameterCommand({ Name: '/list' }))
  assert.deepEqual([Parameter?.Type, Parameter?.Value], ['StringList', '80'])
  assertRefused(await parameter(['put', '/list', '--create'], 'hunter2'), /\(ParameterAlreadyExists\)$/m)
  assertRefused(await parameter(['put', '/list', '--tag', 'c=d'], 'hunter2'), /--tag is for new parameters$/m)
  assertRefused(await parameter(['put', '/list', 'hunter2']), /values are not taken from the command line/)
})

test('lists go through all pages, and have values only where they are asked for', async () => {
  const names = Array.from({ length: 51 }, (_, at) => `/many/${String(at).padStart(2, '0')}`)
  for (const Name of names)
    await client.send(new PutParameterCommand({ Name, Value: `of ${Name}`, Type: 'SecureString' }))
  const fields = (text: string) =>
    text
      .split('\n')
      .slice(0, -1)
      .map((line) => line.split('\t'))
  const plain = assertDone(await parameter(['list', '/many']))
  assert.deepEqual(
    fields(plain)
      .map(([name]) => name)
      .sort(),
    names,
  )
  assert.doesNotMatch(plain, /of \//)
  const shown = fields(assertDone(await parameter(['list', '/many/0', '--show-values'])))
  assert.deepEqual(shown, [])
  const byName = fields(assertDone(await parameter(['list', '/many', '--show-values', '--type', 'SecureString'])))
  for (const [name, , , , value] of byName) assert.equal(value, `of ${name}`)
  assert.equal(byName.length, 51)
})

test('the history hides a SecureString until it is asked for', async () => {
  const put = { Name: 'token', Type: 'SecureString' } as const
  await client.send(new PutParameterCommand({ ...put, Value: 'hunter1' }))
  await client.send(new PutParameterCommand({ ...put, Value: 'hunter2', Overwrite: true }))
  const hidden = assertDone(await parameter(['history', 'token', '--output', 'json']))
  assert.doesNotMatch(hidden, /hunter|"Value"/)
  const shown = JSON.parse(assertDone(await parameter(['history', 'token', '--output', 'json', '--show-values'])))
  assert.deepEqual(
    shown.map(({ Value }: { readonly Value: string }) => Value),
    ['hunter2', 'hunter1'],
  )
})

test('as many parameters are deleted as are named, and what is not there is told', async () => {
  const names = Array.from({ length: 23 }, (_, at) => `/gone/${at}`)
  await Promise.all(names.map((Name) => client.send(new PutParameterCommand({ Name, Value: 'v', Type: 'String' }))))
  const { code, stdout, stderr } = await parameter(['delete', ...names, '/not/there', '--yes'])
  assert.deepEqual([code, stderr], [1, 'strongroom: not there: /not/there\n'])
  assert.deepEqual(stdout.trimEnd().split('\n').sort(), names.map((name) => `${name}\tdeleted`).sort())
})
