// Functions that call the server: the four steps of a rotation, written as AWS describes them, with boto3 and with the AWS SDK for
// JavaScript that functions find without packing them, under credentials of a session.

import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
import { STS } from '@aws-sdk/client-sts'
import { createFunctions, findInterpreters, plainSandbox } from '../packages/functions/src/index.ts'
import { startTestServer, TEST_REGION } from '../packages/server/src/testing.ts'

const PYTHON = `
import boto3, logging, os
logger = logging.getLogger()
logger.setLevel(logging.INFO)

def lambda_handler(event, context):
    arn, token, step = event["SecretId"], event["ClientRequestToken"], event["Step"]
    client = boto3.client("secretsmanager", endpoint_url=os.environ["SECRETS_MANAGER_ENDPOINT"])
    versions = client.describe_secret(SecretId=arn)["VersionIdsToStages"]
    if step == "createSecret":
        password = client.get_random_password(PasswordLength=32)["RandomPassword"]
        client.put_secret_value(SecretId=arn, ClientRequestToken=token, SecretString=password, VersionStages=["AWSPENDING"])
    elif step == "setSecret" or step == "testSecret":
        value = client.get_secret_value(SecretId=arn, VersionId=token, VersionStage="AWSPENDING")["SecretString"]
        logger.info("the password is %s", value)
    elif step == "finishSecret":
        current = next(v for v, stages in versions.items() if "AWSCURRENT" in stages)
        client.update_secret_version_stage(SecretId=arn, VersionStage="AWSCURRENT", MoveToVersionId=token, RemoveFromVersionId=current)
        client.update_secret_version_stage(SecretId=arn, VersionStage="AWSPENDING", RemoveFromVersionId=token)
`

const NODE = `
import { SecretsManager } from '@aws-sdk/client-secrets-manager'

const client = new SecretsManager()

export const lambda_handler = async ({ SecretId, ClientRequestToken, Step }) => {
  const { VersionIdsToStages } = await client.describeSecret({ SecretId })
  if (Step === 'createSecret') {
    const { RandomPassword } = await client.getRandomPassword({ PasswordLength: 32 })
    await client.putSecretValue({ SecretId, ClientRequestToken, SecretString: RandomPassword, VersionStages: ['AWSPENDING'] })
  } else if (Step === 'finishSecret') {
    const [current] = Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes('AWSCURRENT'))
    const move = { SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId: ClientRequestToken, RemoveFromVersionId: current }
    await client.updateSecretVersionStage(move)
    await client.updateSecretVersionStage({ SecretId, VersionStage: 'AWSPENDING', RemoveFromVersionId: ClientRequestToken })
  } else {
    const { SecretString } = await client.getSecretValue({ SecretId, VersionId: ClientRequestToken, VersionStage: 'AWSPENDING' })
    console.log('the password is', SecretString)
  }
}
`

for (const [runtime, file, text] of [
  ['python3.13', 'rotate.py', PYTHON],
  ['nodejs24.x', 'rotate.mjs', NODE],
] as const) {
  test(`a function of ${runtime} rotates a secret through the four steps, in one instance`, async (t) => {
    const server = await startTestServer(t)
    const codeDirectory = join(server.dataDir, 'code')
    mkdirSync(codeDirectory)
    writeFileSync(join(codeDirectory, file), text)
    const functions = await createFunctions({
      sandbox: plainSandbox,
      interpreters: await findInterpreters(),
      directory: join(server.dataDir, 'run'),
      endpoint: server.url,
      log: { debug: () => undefined, warn: (_fields, message) => assert.fail(message) },
      wallNow: Date.now,
      uuid: randomUUID,
      randomBytes,
    })
    t.after(() => functions.close())
    const found = functions.available(runtime)
    if ('reason' in found) return t.skip(found.reason)

    const client = { endpoint: server.url, region: TEST_REGION, credentials: server.credentials }
    const [sts, secretsManager] = [new STS(client), new SecretsManager(client)]
    t.after(() => [sts, secretsManager].map((one) => one.destroy()))
    let sessions = 0
    const credentials = async () => {
      sessions++
      const { Credentials: given } = await sts.getSessionToken({})
      return {
        accessKeyId: given!.AccessKeyId!,
        secretAccessKey: given!.SecretAccessKey!,
        sessionToken: given!.SessionToken!,
        expiration: given!.Expiration!,
      }
    }

    const secret = await secretsManager.createSecret({ Name: 'app/db', SecretString: 'the first' })
    const token = randomUUID()
    const starts: (number | undefined)[] = []
    for (const Step of ['createSecret', 'setSecret', 'testSecret', 'finishSecret']) {
      const pending = await secretsManager
        .getSecretValue({ SecretId: 'app/db', VersionStage: 'AWSPENDING' })
        .catch(() => undefined)
      const result = await functions.invoke({
        function: {
          arn: `arn:aws:lambda:${TEST_REGION}:${server.accountId}:function:rotate`,
          name: 'rotate',
          version: '$LATEST',
          codeSha256: runtime,
          codeDirectory,
          runtime,
          handler: 'rotate.lambda_handler',
          timeoutSeconds: 60,
          memoryMb: 256,
          environment: {},
        },
        payload: Buffer.from(JSON.stringify({ Step, SecretId: secret.ARN, ClientRequestToken: token })),
        instanceKey: token,
        credentials,
        redact: pending === undefined ? [] : [pending.SecretString!],
      })
      assert.equal(result.functionError, undefined, result.log.toString())
      starts.push(result.timings.initMs)
      if (Step === 'testSecret') assert.match(result.log.toString(), /the password is \*\*\*\n/)
    }
    assert.deepEqual(
      starts.slice(1),
      [undefined, undefined, undefined],
      'the steps after the first find a warm instance',
    )
    assert.equal(sessions, 1)
    const { VersionId, SecretString } = await secretsManager.getSecretValue({ SecretId: 'app/db' })
    assert.equal(VersionId, token)
    assert.equal(SecretString?.length, 32)
    const { VersionIdsToStages } = await secretsManager.describeSecret({ SecretId: 'app/db' })
    assert.deepEqual(Object.values(VersionIdsToStages!).toSorted(), [['AWSCURRENT'], ['AWSPREVIOUS']])
  })
}
