// Workloads of a Kubernetes cluster as they run: AWS's own SDKs in processes of their own, told nothing but where the server is, where its
// credentials are and in which file the token is; set up with the commands that an administrator has.

import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { IAM } from '@aws-sdk/client-iam'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import {
  NAMESPACE,
  POD_AUDIENCE,
  podClaims,
  SERVICE_ACCOUNT,
  TRUSTS_PODS,
} from '../packages/server/src/services/strongroom/testing-pods.ts'
import { startIssuer } from '../packages/server/src/services/sts/testing-issuer.ts'
import { hasBoto3 } from './aws-tools.ts'
import { COMMAND, clientOf, makeHome, REGION, startProcess } from './server-process.ts'

const run = promisify(execFile)
const ROOT = resolve(import.meta.dirname, '..')

/** Reads the secret anew, with credentials of its own, for every line that it is given. */
const JAVASCRIPT = `
import { createInterface } from 'node:readline'
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
for await (const _ of createInterface(process.stdin)) {
  const client = new SecretsManagerClient({})
  try {
    console.log((await client.send(new GetSecretValueCommand({ SecretId: 'app/db' }))).SecretString)
  } catch (error) {
    console.log(error.name)
  }
  client.destroy()
}
`
const PYTHON = `
import boto3, sys
for _ in sys.stdin:
    try:
        print(boto3.Session().client('secretsmanager').get_secret_value(SecretId='app/db')['SecretString'], flush=True)
    except Exception as error:
        print(type(error).__name__, flush=True)
`

async function startCluster(t: TestContext) {
  const home = await makeHome(t)
  const issuer = await startIssuer({ after: home.after })
  const server = await startProcess(home)
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-pod-'))
  home.after(() => rmSync(directory, { recursive: true, force: true }))
  const iam = new IAM({ endpoint: server.url, region: REGION, credentials: { ...server.credentials } })
  home.after(() => iam.destroy())
  const secrets = clientOf(server)
  home.after(() => secrets.destroy())
  await secrets.send(new CreateSecretCommand({ Name: 'app/db', SecretString: 'x' }))

  const strongroom = async (...args: string[]) => {
    const { stdout } = await run(process.execPath, [
      COMMAND,
      ...args,
      ...['--endpoint-url', server.url, '--data-dir', server.dataDir],
    ])
    return JSON.parse(stdout)
  }
  const ClientIDList = [POD_AUDIENCE]
  const made = await iam.createOpenIDConnectProvider({ Url: issuer.url, ClientIDList })
  const provider = made.OpenIDConnectProviderArn!
  const { Role } = await iam.createRole({ RoleName: 'Api', AssumeRolePolicyDocument: TRUSTS_PODS })
  await iam.putRolePolicy({
    RoleName: 'Api',
    PolicyName: 'read',
    PolicyDocument: JSON.stringify({
      Version: '2012-10-17',
      Statement: { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' },
    }),
  })
  const jwks = join(directory, 'jwks.json')
  const setKeys = () => {
    writeFileSync(jwks, issuer.jwks())
    return strongroom('oidc-provider', 'set-keys', provider, jwks)
  }
  const tokenFile = join(directory, 'token')
  /** As kubelet does: the whole file at once. */
  const projectToken = async () => {
    writeFileSync(`${tokenFile}.new`, await issuer.sign(podClaims()))
    renameSync(`${tokenFile}.new`, tokenFile)
  }
  const account = provider.split(':')[4]!
  const environment = {
    PATH: process.env.PATH ?? '',
    HOME: directory,
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    AWS_ENDPOINT_URL: server.url,
    AWS_CONTAINER_CREDENTIALS_FULL_URI: `${server.url}/_strongroom/pod-identity/v1/credentials/${account}`,
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile,
  }
  /** A process that reads the secret each time it is asked to, and tells what came of it. */
  const startPod = (command: string, ...args: string[]) => {
    const child = spawn(command, args, { cwd: ROOT, env: environment, stdio: ['pipe', 'pipe', 'inherit'] })
    home.after(() => child.kill('SIGKILL'))
    const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
    return async (): Promise<string> => {
      child.stdin.write('\n')
      return String((await lines.next()).value)
    }
  }
  return { server, issuer, strongroom, setKeys, projectToken, provider, roleArn: Role!.Arn!, startPod }
}

const associate = ({ strongroom, provider, roleArn }: Awaited<ReturnType<typeof startCluster>>) =>
  strongroom(
    ...['pod-identity', 'create', '--provider', provider, '--cluster-name', 'production'],
    ...['--namespace', NAMESPACE, '--service-account', SERVICE_ACCOUNT, '--role-arn', roleArn],
  )

async function readsThroughItsLife(t: TestContext, command: string, ...args: string[]): Promise<void> {
  const cluster = await startCluster(t)
  const { issuer, strongroom, setKeys, projectToken, startPod } = cluster
  assert.deepEqual((await setKeys()).KeyIds, ['key-1'])
  const { association } = await associate(cluster)
  await projectToken()
  const read = startPod(command, ...args)
  assert.equal(await read(), 'x')

  // The cluster rotates its key and the tokens; the process is the same.
  await issuer.rotate('ES256')
  assert.deepEqual((await setKeys()).KeyIds, ['key-2'])
  assert.match(await read(), /Error/, 'the old token is not taken any more')
  await projectToken()
  assert.equal(await read(), 'x')

  const { associations } = await strongroom('pod-identity', 'list')
  assert.deepEqual(associations, [association])
  await strongroom('pod-identity', 'delete', association.associationId)
  assert.match(await read(), /Error/)
  assert.deepEqual(await strongroom('pod-identity', 'list'), { associations: [] })
}

test('the AWS SDK for JavaScript reads a secret as the role of its pod, through rotations, until the association ends', (t) =>
  readsThroughItsLife(t, process.execPath, '--input-type=module', '-e', JAVASCRIPT))

test('boto3 does the same', async (t) => {
  if (!(await hasBoto3())) return t.skip('boto3 is not installed')
  await readsThroughItsLife(t, 'python3', '-c', PYTHON)
})

test('what the commands cannot do they say in one line', async (t) => {
  const { strongroom, provider } = await startCluster(t)
  const refused = async (pattern: RegExp, ...args: string[]) =>
    assert.rejects(strongroom(...args), (error: { readonly stderr: string; readonly code: number }) => {
      assert.match(error.stderr, pattern)
      assert.deepEqual([error.code, error.stderr.trim().split('\n').length], [1, 1])
      return true
    })
  await refused(/^strongroom: \/none cannot be read \(ENOENT\)/, 'oidc-provider', 'set-keys', provider, '/none')
  await refused(/^strongroom: Keys must be a JWK Set/, 'oidc-provider', 'set-keys', provider, COMMAND)
  await refused(/^strongroom: The association cannot be found/, 'pod-identity', 'delete', 'a-none')
  await refused(/^strongroom: required option '--provider <ARN>' not specified/, 'pod-identity', 'create')
  assert.deepEqual(await strongroom('oidc-provider', 'get-keys', provider), {})
  assert.equal((await strongroom('oidc-provider', 'remove-keys', provider)).Removed, false)
})
