// The pages for each audience, and those that they lead to: every command of them, run as it stands, prints what the page says.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { CreateAliasCommand, CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { CreateSecretCommand, PutSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm'
import { startVault, VAULT_TOKEN } from '../packages/cli/src/import/testing-vault.ts'
import { clientOptions, type ServerProcess, serve, temporaryDirectory } from '../packages/cli/src/testing.ts'
import { assertPage } from '../packages/cli/src/testing-script.ts'

type Variables = { readonly [name: string]: string }

const MINUTES = 60_000

/** Runs the page on a new server, in a shell with what its ready line exports. */
async function assertRuns(
  t: TestContext,
  name: string,
  prepare: (server: ServerProcess) => Promise<Variables> | Variables = () => ({}),
): Promise<void> {
  const server = await serve(t)
  const variables = {
    AWS_ENDPOINT_URL: server.url,
    AWS_SHARED_CREDENTIALS_FILE: join(server.dataDir, 'credentials'),
    AWS_REGION: 'us-east-1',
    AWS_DEFAULT_REGION: 'us-east-1',
    STRONGROOM_DATA_DIR: server.dataDir,
    ...(await prepare(server)),
  }
  const page = readFileSync(new URL(`../docs/${name}.md`, import.meta.url), 'utf8')
  const here = page.replaceAll('http://127.0.0.1:4650', server.url).replaceAll('/var/lib/strongroom', server.dataDir)
  await assertPage(t, here, variables)
}

for (const name of ['run', 'for-developers', 'for-operators']) {
  test(`every command of docs/${name}.md prints what the page says`, { timeout: 10 * MINUTES }, (t) =>
    assertRuns(t, name),
  )
}

test(
  'every command of docs/from-aws.md prints what the page says, of another Strongroom in the place of AWS',
  { timeout: 10 * MINUTES },
  (t) =>
    assertRuns(t, 'from-aws', async (target) => {
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
    }),
)

test(
  "every command of docs/from-vault.md prints what the page says, of a double of Vault's API",
  { timeout: 10 * MINUTES },
  (t) =>
    assertRuns(t, 'from-vault', async () => {
      const db = [{ json: '{"username":"app","password":"first"}' }, { json: '{"username":"app","password":"s3cret"}' }]
      const secrets = {
        'shop/db': { versions: db, custom: { team: 'shop' } },
        'shop/old': { versions: [{}] },
      }
      return { VAULT_ADDR: await startVault(t, { mount: 'secret', version: '2', secrets }), VAULT_TOKEN }
    }),
)
