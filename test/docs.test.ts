// The pages for each audience, and that of `strongroom run`: every command of them, run as it stands, prints what the page says. TEST_WRITE_DOCS=1
// writes into the pages what the commands print now.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { startVault, VAULT_TOKEN } from '../packages/cli/src/import/testing-vault.ts'
import { clientOptions, type ServerProcess, serve, temporaryDirectory } from '../packages/cli/src/testing.ts'
import { assertPage, pageWith, runSteps, stepsOf } from '../packages/cli/src/testing-script.ts'
import { sampleOf } from '../packages/server/src/testing-sample.ts'

type Variables = { readonly [name: string]: string }

type Prepare = (t: TestContext, server: ServerProcess) => Promise<Variables> | Variables

const WRITES = process.env.TEST_WRITE_DOCS === '1'
/** Far more than a page takes under load. */
const MS_MAX = 600_000

/** Runs the page on a new server, in a shell with what its ready line exports. */
async function assertRuns(t: TestContext, name: string, prepare: Prepare): Promise<void> {
  const server = await serve(t)
  const variables = {
    AWS_ENDPOINT_URL: server.url,
    AWS_SHARED_CREDENTIALS_FILE: join(server.dataDir, 'credentials'),
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    STRONGROOM_DATA_DIR: server.dataDir,
    ...(await prepare(t, server)),
  }
  const file = new URL(`../docs/${name}.md`, import.meta.url)
  const places = [
    ['http://127.0.0.1:4650', server.url],
    ['/var/lib/strongroom', server.dataDir],
  ] as const
  const page = places.reduce((text, [said, is]) => text.replaceAll(said, is), readFileSync(file, 'utf8'))
  if (!WRITES) return assertPage(t, page, variables)
  const written = pageWith(page, await runSteps(t, stepsOf(page), variables))
  writeFileSync(
    file,
    places.reduce((text, [said, is]) => text.replaceAll(is, said), written),
  )
}

/** Another Strongroom in the place of AWS, whose keys are those of the profile `corp`. */
async function startSource(t: TestContext, target: ServerProcess): Promise<Variables> {
  const source = await serve(t)
  const options = clientOptions(source)
  const [secrets, kms, ssm] = [new SecretsManagerClient(options), new KMSClient(options), new SSMClient(options)]
  const SecretString = (password: string) => JSON.stringify({ username: 'app', password })
  await secrets.send(new CreateSecretCommand({ Name: 'shop/db', SecretString: SecretString('first') }))
  await secrets.send(new PutSecretValueCommand({ SecretId: 'shop/db', SecretString: SecretString('s3cret') }))
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/shop', TargetKeyId: KeyMetadata!.KeyId }))
  const key = { KmsKeyId: 'alias/shop', SecretString: SecretString('key') }
  await secrets.send(new CreateSecretCommand({ Name: 'shop/session-key', ...key }))
  await ssm.send(new PutParameterCommand({ Name: '/shop/log-level', Value: 'debug', Type: 'String' }))
  const file = join(temporaryDirectory(t), 'credentials')
  const [own, theirs] = [target, source].map(({ dataDir }) => readFileSync(join(dataDir, 'credentials'), 'utf8'))
  writeFileSync(file, `${own}\n${theirs!.replace('[default]', '[corp]')}`)
  return { SOURCE: source.url, AWS_SHARED_CREDENTIALS_FILE: file }
}

/** A double of Vault's API. */
async function startVaultSource(t: TestContext): Promise<Variables> {
  const db = [{ json: '{"username":"app","password":"first"}' }, { json: '{"username":"app","password":"s3cret"}' }]
  const secrets = { 'shop/db': { versions: db, custom: { team: 'shop' } }, 'shop/old': { versions: [{}] } }
  return { VAULT_ADDR: await startVault(t, { mount: 'secret', version: '2', secrets }), VAULT_TOKEN }
}

const PAGES: { readonly [name: string]: Prepare } = {
  run: () => ({}),
  'for-developers': () => ({}),
  'for-operators': () => ({}),
  'from-aws': startSource,
  'from-vault': startVaultSource,
}

// Each command is a start of the command line: a plain run has some of the pages, and another seed the others.
for (const name of WRITES ? Object.keys(PAGES) : sampleOf(Object.keys(PAGES), 3)) {
  test(`every command of docs/${name}.md prints what the page says`, { timeout: MS_MAX }, (t) =>
    assertRuns(t, name, PAGES[name]!),
  )
}
