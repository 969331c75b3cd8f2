// The examples of docs/conditional-writes.md, as they stand there, against a server in its own process.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { CreateSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager'
import { hasBoto3 } from './aws-tools.ts'
import { clientOf, makeHome, REGION, startProcess } from './server-process.ts'

const ROOT = resolve(import.meta.dirname, '..')

test('the examples of conditional writes do as they say, side by side and without losing an update', async (t) => {
  const server = await startProcess(await makeHome(t))
  const client = clientOf(server)
  t.after(() => client.destroy())
  await client.send(new CreateSecretCommand({ Name: 'app/counter', SecretString: '0' }))
  const env = {
    ...process.env,
    AWS_ENDPOINT_URL: server.url,
    AWS_SHARED_CREDENTIALS_FILE: join(server.dataDir, 'credentials'),
    AWS_CONFIG_FILE: '/dev/null',
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
  }
  const run = (command: string, ...args: readonly string[]) => promisify(execFile)(command, args, { env, cwd: ROOT })
  const examples = [() => run(process.execPath, '--input-type=module', '-e', example('js'))]
  if (await hasBoto3()) examples.push(() => run('python3', '-c', example('python')))
  else t.diagnostic('boto3 is not installed')

  await Promise.all([...examples, ...examples].map((start) => start()))
  const { SecretString } = await client.send(new GetSecretValueCommand({ SecretId: 'app/counter' }))
  assert.equal(SecretString, String(2 * examples.length))
})

/** The one block of code in a language. */
function example(language: string): string {
  const page = readFileSync(join(ROOT, 'docs/conditional-writes.md'), 'utf8')
  const blocks = [...page.matchAll(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, 'gms'))]
  assert.equal(blocks.length, 1)
  return blocks[0]![1]!
}
