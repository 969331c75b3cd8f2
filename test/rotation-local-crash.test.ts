// kill -9 of the server while a function of its own is in a step: the next start goes on, the rotation ends with a password that works, nothing
// is left pending, and no process of the function that was killed with the server is left. The functions are written as AWS documents them.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/rotate-secrets_lambda-functions.html

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { IAM } from '@aws-sdk/client-iam'
import { Lambda } from '@aws-sdk/client-lambda'
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  GetSecretValueCommand,
  RotateSecretCommand,
} from '@aws-sdk/client-secrets-manager'
import { findInterpreters } from '../packages/functions/src/index.ts'
import { processesWith } from '../packages/functions/src/processes.ts'
import { TRUSTS_LAMBDA } from '../packages/server/src/services/iam/testing.ts'
import { zip } from '../packages/server/src/services/lambda/testing.ts'
import { STEPS, type Step } from '../packages/server/src/services/secretsmanager/rotation/model.ts'
import { signedCall } from '../packages/server/src/testing.ts'
import { SOAK, sampleOf } from '../packages/server/src/testing-sample.ts'
import { clientOf, type Home, makeHome, REGION, type ServerProcess, startProcess } from './server-process.ts'

/** By runtime. */
const KILLS: { readonly [runtime: string]: readonly Step[] } = {
  'python3.13': SOAK ? everyStep(50) : sampleOf(STEPS, 4),
  'nodejs24.x': SOAK ? everyStep(50) : sampleOf([...STEPS].reverse(), 4),
}

function everyStep(rounds: number): readonly Step[] {
  return Array.from({ length: rounds }, (_, round) => STEPS[round % STEPS.length]!)
}

const PYTHON = `
import json, logging, os, urllib.request
import boto3

logger = logging.getLogger()
logger.setLevel(logging.INFO)

def lambda_handler(event, context):
    arn, token, step = event['SecretId'], event['ClientRequestToken'], event['Step']
    if set(event) != {'Step', 'SecretId', 'ClientRequestToken', 'RotationToken'}:
        raise ValueError('an event of other members')
    service_client = boto3.client('secretsmanager', endpoint_url=os.environ['SECRETS_MANAGER_ENDPOINT'])
    metadata = service_client.describe_secret(SecretId=arn)
    if "RotationEnabled" in metadata and not metadata['RotationEnabled']:
        raise ValueError("Secret %s is not enabled for rotation" % arn)
    versions = metadata['VersionIdsToStages']
    if token not in versions:
        raise ValueError("Secret version %s has no stage for rotation of secret %s." % (token, arn))
    if "AWSCURRENT" in versions[token]:
        logger.info("Secret version %s already set as AWSCURRENT for secret %s." % (token, arn))
        return
    elif "AWSPENDING" not in versions[token]:
        raise ValueError("Secret version %s not set as AWSPENDING for rotation of secret %s." % (token, arn))
    steps = {"createSecret": create_secret, "setSecret": set_secret, "testSecret": test_secret, "finishSecret": finish_secret}
    if step not in steps:
        raise ValueError("Invalid step parameter %s for secret %s" % (step, arn))
    steps[step](service_client, arn, token)
    target(get_secret_dict(service_client, arn, "AWSCURRENT"), '/moment', step)

def create_secret(service_client, arn, token):
    current = get_secret_dict(service_client, arn, "AWSCURRENT")
    try:
        get_secret_dict(service_client, arn, "AWSPENDING", token)
    except service_client.exceptions.ResourceNotFoundException:
        current['password'] = service_client.get_random_password(ExcludeCharacters=os.environ.get('EXCLUDE_CHARACTERS', '/@"\\'\\\\'))['RandomPassword']
        service_client.put_secret_value(SecretId=arn, ClientRequestToken=token, SecretString=json.dumps(current), VersionStages=['AWSPENDING'])

def set_secret(service_client, arn, token):
    pending = get_secret_dict(service_client, arn, "AWSPENDING", token)
    if target(pending, '/log-in', pending['password']):
        return
    current = get_secret_dict(service_client, arn, "AWSCURRENT")
    if not target(current, '/log-in', current['password']):
        raise ValueError("Unable to log in with the current secret of %s" % arn)
    target(pending, '/password', pending['password'])

def test_secret(service_client, arn, token):
    pending = get_secret_dict(service_client, arn, "AWSPENDING", token)
    if not target(pending, '/log-in', pending['password']):
        raise ValueError("Unable to log in with the pending secret of %s" % arn)

def finish_secret(service_client, arn, token):
    metadata = service_client.describe_secret(SecretId=arn)
    current_version = None
    for version in metadata["VersionIdsToStages"]:
        if "AWSCURRENT" in metadata["VersionIdsToStages"][version]:
            if version == token:
                return
            current_version = version
            break
    service_client.update_secret_version_stage(SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current_version)

def get_secret_dict(service_client, arn, stage, token=None):
    if token:
        secret = service_client.get_secret_value(SecretId=arn, VersionId=token, VersionStage=stage)
    else:
        secret = service_client.get_secret_value(SecretId=arn, VersionStage=stage)
    secret_dict = json.loads(secret['SecretString'])
    for field in ['host', 'username', 'password']:
        if field not in secret_dict:
            raise KeyError("%s key is missing from secret JSON" % field)
    return secret_dict

def target(secret, path, body):
    url = 'http://%s:%s%s' % (secret['host'], secret['port'], path)
    with urllib.request.urlopen(urllib.request.Request(url, body.encode()), timeout=300) as answer:
        return answer.read() == b'yes'
`

const NODE = `
import { ResourceNotFoundException, SecretsManager } from '@aws-sdk/client-secrets-manager'

const client = new SecretsManager()

export const lambda_handler = async ({ SecretId, ClientRequestToken, Step }) => {
  const { RotationEnabled, VersionIdsToStages } = await client.describeSecret({ SecretId })
  if (RotationEnabled !== true) throw new Error('the secret is not enabled for rotation')
  const stages = VersionIdsToStages[ClientRequestToken]
  if (stages === undefined) throw new Error('the secret has no such version')
  if (stages.includes('AWSCURRENT')) return
  if (!stages.includes('AWSPENDING')) throw new Error('the version is not pending')
  const read = async (VersionStage, VersionId) =>
    JSON.parse((await client.getSecretValue({ SecretId, VersionStage, VersionId })).SecretString)
  const current = await read('AWSCURRENT')
  const target = async (path, body) =>
    (await fetch('http://' + current.host + ':' + current.port + path, { method: 'POST', body })).text()
  if (Step === 'createSecret') {
    try {
      await read('AWSPENDING', ClientRequestToken)
    } catch (error) {
      if (!(error instanceof ResourceNotFoundException)) throw error
      const { RandomPassword: password } = await client.getRandomPassword({ ExcludePunctuation: true })
      const SecretString = JSON.stringify({ ...current, password })
      await client.putSecretValue({ SecretId, ClientRequestToken, SecretString, VersionStages: ['AWSPENDING'] })
    }
  } else if (Step === 'finishSecret') {
    const [from] = Object.entries(VersionIdsToStages).find(([, labels]) => labels.includes('AWSCURRENT'))
    await client.updateSecretVersionStage({ SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId: ClientRequestToken, RemoveFromVersionId: from })
  } else {
    const { password } = await read('AWSPENDING', ClientRequestToken)
    const isSet = (await target('/log-in', password)) === 'yes'
    if (Step === 'setSecret' && !isSet) await target('/password', password)
    if (Step === 'testSecret' && !isSet) throw new Error('the new password does not work')
  }
  await target('/moment', Step)
}
`

/** Takes the latest two passwords; a function that tells it where it is, is answered when the test says so. */
async function startTarget(home: Home) {
  let passwords: readonly string[] = ['first']
  const told = { at: async (_step: Step): Promise<void> => undefined }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk) => {
      body += chunk
    })
    request.on('end', async () => {
      if (request.url === '/moment') await told.at(body as Step)
      if (request.url === '/password' && !passwords.includes(body)) passwords = [passwords.at(-1)!, body]
      response.end(request.url === '/log-in' && !passwords.includes(body) ? 'no' : 'yes')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  home.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    port: (server.address() as AddressInfo).port,
    told,
    takes: (password: string) => passwords.includes(password),
  }
}

for (const [runtime, file, content] of [
  ['python3.13', 'rotate.py', PYTHON],
  ['nodejs24.x', 'rotate.mjs', NODE],
] as const) {
  test(`a server killed with a function of ${runtime} in a step ends the rotation well, and leaves no process`, async (t) => {
    const found = (await findInterpreters()).available(runtime)
    if ('reason' in found) return t.skip(found.reason)
    await rounds(t, runtime, file, content)
  })
}

async function rounds(t: TestContext, runtime: 'python3.13' | 'nodejs24.x', file: string, content: string) {
  const home = await makeHome(t)
  const target = await startTarget(home)
  let server = await startProcess(home)
  const FunctionName = `rotate-${randomUUID()}`
  const functionArn = await createFunction(home, server, { FunctionName, runtime, file, content })
  const run = async <T>(work: (client: ReturnType<typeof clientOf>) => Promise<T>): Promise<T> => {
    const client = clientOf(server)
    return work(client).finally(() => client.destroy())
  }
  const SecretString = JSON.stringify({
    engine: 'postgres',
    host: '127.0.0.1',
    port: target.port,
    username: 'app',
    password: 'first',
  })
  await run((client) => client.send(new CreateSecretCommand({ Name: 'db', SecretString })))
  const current = async (): Promise<void> => {
    const { SecretString } = await run((client) => client.send(new GetSecretValueCommand({ SecretId: 'db' })))
    assert.ok(target.takes(JSON.parse(SecretString!).password), 'what AWSCURRENT says works')
  }
  const ofFunction = () => processesWith(`AWS_LAMBDA_FUNCTION_NAME=${FunctionName}\0`)

  for (const [round, planned] of KILLS[runtime]!.entries()) {
    const where = `round ${round}, ${planned}`
    const killed = Promise.withResolvers<readonly number[]>()
    let due = true
    target.told.at = async (step) => {
      if (!due || step !== planned) return
      due = false
      const processes = await ofFunction()
      await server.kill('SIGKILL')
      killed.resolve(processes)
      // The function hears nothing more: it would wait here for minutes.
      await new Promise(() => undefined)
    }
    const ClientRequestToken = randomUUID()
    await run((client) =>
      client.send(new RotateSecretCommand({ SecretId: 'db', RotationLambdaARN: functionArn, ClientRequestToken })),
    )
    const before = await killed.promise
    assert.ok(before.length > 0, `${where}: the function ran in a process`)
    server = await startProcess(home)
    await current()
    for (const until = Date.now() + 90_000; ; await sleep(200)) {
      await current()
      const { Rotations, RunningRotationId } = await history(server)
      if (RunningRotationId === undefined) {
        const { VersionIdsToStages = {} } = await run((client) =>
          client.send(new DescribeSecretCommand({ SecretId: 'db' })),
        )
        assert.deepEqual(VersionIdsToStages[ClientRequestToken], ['AWSCURRENT'], where)
        assert.ok(!Object.values(VersionIdsToStages).flat().includes('AWSPENDING'), where)
        assert.deepEqual([Rotations[0]!.Outcome, Rotations[0]!.Attempt], ['succeeded', 1], where)
        break
      }
      assert.ok(Date.now() < until, `${where}: ${JSON.stringify(Rotations[0])} ${server.output()}`)
    }
    const left = (await ofFunction()).filter((pid) => before.includes(pid))
    assert.deepEqual(left, [], `${where}: processes of the killed server are left`)
  }
  assert.equal(await server.kill('SIGTERM'), 0)
  assert.deepEqual(await ofFunction(), [], 'a server that stops ends its functions')
}

type Made = {
  readonly FunctionName: string
  readonly runtime: 'python3.13' | 'nodejs24.x'
  readonly file: string
  readonly content: string
}

async function createFunction(home: Home, server: ServerProcess, { FunctionName, runtime, file, content }: Made) {
  const config = { endpoint: server.url, region: REGION, credentials: { ...server.credentials }, maxAttempts: 1 }
  const [iam, lambda] = [new IAM(config), new Lambda(config)]
  home.after(() => [iam, lambda].map((client) => client.destroy()))
  const { Role } = await iam.createRole({ RoleName: 'rotation', AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  const PolicyArn = 'arn:aws:iam::aws:policy/SecretsManagerReadWrite'
  await iam.attachRolePolicy({ RoleName: 'rotation', PolicyArn })
  const { FunctionArn } = await lambda.createFunction({
    FunctionName,
    Role: Role!.Arn!,
    Runtime: runtime,
    Handler: 'rotate.lambda_handler',
    Code: { ZipFile: zip({ name: file, content, mode: 0o100644 }) },
    Timeout: 300,
    MemorySize: 512,
  })
  await lambda.addPermission({
    FunctionName,
    StatementId: 'rotation',
    Action: 'lambda:InvokeFunction',
    Principal: 'secretsmanager.amazonaws.com',
    SourceAccount: FunctionArn!.split(':')[4]!,
  })
  return FunctionArn!
}

type History = {
  readonly RunningRotationId?: string
  readonly Rotations: readonly { readonly Outcome?: string; readonly Attempt: number }[]
}

async function history({ url, credentials }: ServerProcess): Promise<History> {
  const options = { credentials, region: REGION }
  const input = { SecretId: 'db', MaxResults: 1 }
  return (await signedCall(`${url}/_strongroom/rotations/list`, 'secretsmanager', undefined, input, options)).body
}
