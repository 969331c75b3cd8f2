// The example of docs/terraform as its reader runs it: applied, planned again without a change, destroyed. Where Terraform (or OpenTofu) and
// the provider are installed; terraform-calls.test.ts makes the same calls everywhere.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { cpSync, existsSync, readdirSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { GetSecretValueCommand, ListSecretsCommand } from '@aws-sdk/client-secrets-manager'
import { temporaryDirectory } from '../packages/server/src/storage/testing.ts'
import { startTestServer } from '../packages/server/src/testing.ts'
import { hasCommand } from './aws-tools.ts'
import { rotationZip } from './terraform-rotation.ts'

const EXAMPLE = resolve(import.meta.dirname, '../docs/terraform')
/** Where Terraform takes a provider from without asking a registry. */
const MIRRORS = [
  process.env.TF_CLI_CONFIG_FILE,
  process.env.TF_PLUGIN_CACHE_DIR,
  join(homedir(), '.terraform.d/plugins'),
  '/usr/share/terraform/plugins',
  '/usr/local/share/terraform/plugins',
]

const run = promisify(execFile)

/** The command, or why there is none. */
async function findTerraform(): Promise<{ readonly command: string } | { readonly missing: string }> {
  for (const command of ['terraform', 'tofu']) {
    if (!(await hasCommand(command, 'version'))) continue
    if (MIRRORS.some((path) => path !== undefined && existsSync(path))) return { command }
    return { missing: `${command} is here, the provider is not: set TF_PLUGIN_CACHE_DIR or a filesystem mirror` }
  }
  return { missing: 'neither terraform nor tofu is installed' }
}

test('the example is applied, planned again without a change, and destroyed', { timeout: 900_000 }, async (t) => {
  const found = await findTerraform()
  if ('missing' in found) {
    t.diagnostic(`NOT RUN: ${found.missing}. Only the calls of the provider were tried, by terraform-calls.test.ts.`)
    return t.skip(found.missing)
  }
  const server = await startTestServer(t, { functionSandbox: 'C' })
  const scope = { after: (end: () => unknown) => t.after(async () => void (await end())) }
  const cwd = temporaryDirectory(scope)
  for (const file of readdirSync(EXAMPLE).filter((name) => name.endsWith('.tf')))
    cpSync(join(EXAMPLE, file), join(cwd, file))
  writeFileSync(join(cwd, 'function.zip'), rotationZip())
  const terraform = (...args: readonly string[]) =>
    run(found.command, [...args, '-no-color'], {
      cwd,
      maxBuffer: 64 * 1024 * 1024,
      env: {
        ...process.env,
        AWS_ACCESS_KEY_ID: server.credentials.accessKeyId,
        AWS_SECRET_ACCESS_KEY: server.credentials.secretAccessKey,
        AWS_CONFIG_FILE: '/dev/null',
        AWS_EC2_METADATA_DISABLED: 'true',
        TF_VAR_endpoint: server.url,
        TF_VAR_region: server.region,
      },
    })

  const init = await terraform('init', '-input=false').catch((error: { readonly stderr?: string }) => error)
  if (init instanceof Error) {
    const missing = `the provider cannot be had: ${String(init.stderr).replaceAll(/\s+/g, ' ').slice(0, 300)}`
    t.diagnostic(`NOT RUN: ${missing}. Only the calls of the provider were tried, by terraform-calls.test.ts.`)
    return t.skip(missing)
  }
  await terraform('validate')
  await terraform('apply', '-input=false', '-auto-approve')
  const { SecretString } = await server.secretsManager.send(new GetSecretValueCommand({ SecretId: 'shop/database' }))
  assert.deepEqual(JSON.parse(SecretString!), { username: 'shop', password: 'change me' })
  // 0: nothing to do; 2: a difference.
  await terraform('plan', '-input=false', '-detailed-exitcode')
  await terraform('destroy', '-input=false', '-auto-approve')
  assert.deepEqual((await server.secretsManager.send(new ListSecretsCommand({}))).SecretList, [])
})
