// The rotations of canary.test.ts: functions that know values, say them in their errors, and are handed tokens.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { Lambda } from '@aws-sdk/client-lambda'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { nodeZip } from '../packages/server/src/services/lambda/testing.ts'
import {
  functionArn,
  memoryTarget,
  type TestFunctions,
  templateFunction,
} from '../packages/server/src/services/secretsmanager/rotation/testing-functions.ts'
import type { TestAnswer } from '../packages/server/src/testing.ts'
import { REGION, type ServerProcess } from './server-process.ts'

type Answer = Pick<TestAnswer, 'body'>

export type RotationWorld = {
  readonly server: ServerProcess
  readonly functions: TestFunctions
  /** A fresh value. */
  readonly text: () => string
  readonly know: (text: string) => string
  readonly call: (operation: string, input: object) => Promise<Answer>
  readonly route: (operation: string, path: string, input: object) => Promise<Answer>
  /** Of a role that functions may have. */
  readonly roleArn: () => Promise<string>
  /** Ends what was started, when the test ends. */
  readonly after: (end: () => unknown) => void
}

type Rotation = {
  readonly Kind: string
  readonly Outcome?: string
  readonly Calls: readonly { readonly DurationMs?: number }[]
}

const PRINTS = `
const { SecretsManager } = await import('@aws-sdk/client-secrets-manager')
const client = new SecretsManager()
const { SecretId, ClientRequestToken } = event
const current = JSON.parse((await client.getSecretValue({ SecretId })).SecretString)
const master = JSON.parse((await client.getSecretValue({ SecretId: current.masterarn })).SecretString)
const { RandomPassword: made } = await client.getRandomPassword({ ExcludePunctuation: true })
for (const value of [made, current.password, master.password]) {
  for (const form of [value, encodeURIComponent(value), JSON.stringify({ value }), Buffer.from(value).toString('base64'), Buffer.from('xx' + value).toString('base64url')]) console.log(form)
}
await client.putSecretValue({ SecretId, ClientRequestToken, VersionStages: ['AWSPENDING'], SecretString: JSON.stringify({ ...current, password: made }) })
throw new Error('all was printed: ' + made)
`

/** By operation. */
export function rotationJourneys(world: RotationWorld): { readonly [operation: string]: () => Promise<unknown> } {
  const { server, functions, text, know, call, route, roleArn, after } = world
  const client = new SecretsManagerClient({
    endpoint: server.url,
    region: REGION,
    credentials: { ...server.credentials },
  })
  after(() => client.destroy())
  const target = memoryTarget('')
  const template = templateFunction(client, {
    logIn: target.logIn,
    setPassword: (password) => target.setPassword(know(password)),
  })
  let fails = false
  functions.functions.set('rotate', async (event, signal) => {
    know(event.RotationToken)
    if (fails) throw new Error(`the password is ${target.passwords.at(-1)}`)
    return template(event, signal)
  })
  const SecretId = 'rotating'
  const rotate = (input: object = {}) => call('RotateSecret', { SecretId, ClientRequestToken: randomUUID(), ...input })
  const lambda = new Lambda({ endpoint: server.url, region: REGION, credentials: { ...server.credentials } })
  after(() => lambda.destroy())
  /** A function of the server, which prints in every form what it works with, and fails: the end of its log is kept. */
  const failHere = async (): Promise<void> => {
    const value = (password: string, more = {}) => JSON.stringify({ username: 'app', password, ...more })
    const create = async (Name: string, SecretString: string): Promise<string> =>
      (await call('CreateSecret', { Name, SecretString, ClientRequestToken: randomUUID() })).body.ARN
    const masterarn = await create('here-master', value(text()))
    const here = await create('here', value(text(), { masterarn }))
    const { FunctionArn } = await lambda.createFunction({
      FunctionName: 'rotate-here',
      Role: await roleArn(),
      Runtime: 'nodejs24.x',
      Handler: 'index.handler',
      Code: { ZipFile: nodeZip(PRINTS) },
      Timeout: 30,
      MemorySize: 512,
    })
    await lambda.addPermission({
      FunctionName: 'rotate-here',
      StatementId: 's',
      Action: 'lambda:InvokeFunction',
      Principal: 'secretsmanager.amazonaws.com',
      SourceArn: here,
    })
    await call('RotateSecret', { SecretId: 'here', RotationLambdaARN: FunctionArn, ClientRequestToken: randomUUID() })
    for (let tries = 0; tries < 1_200; tries++) {
      const { body } = await route('ListRotations', 'rotations/list', { SecretId: 'here' })
      const log: string | undefined = body.Rotations[0]?.Calls[0]?.Log
      if (log !== undefined) {
        assert.match(log, /all was printed: \*\*\*/)
        break
      }
      await sleep(100)
    }
    // What it made was known by the time its log was kept.
    const { SecretString } = (await call('GetSecretValue', { SecretId: 'here', VersionStage: 'AWSPENDING' })).body
    know(JSON.parse(SecretString).password)
    await route('AbandonRotation', 'rotations/abandon', { SecretId: 'here', Force: true })
  }
  const list = () => route('ListRotations', 'rotations/list', { SecretId })
  /** Until the rotation that was asked for last is so. */
  const until = async (isSo: (rotation: Rotation) => boolean): Promise<void> => {
    for (const end = Date.now() + 120_000; ; await sleep(100)) {
      const { body } = await list()
      if (isSo(body.Rotations[0])) return
      assert.ok(Date.now() < end, JSON.stringify(body))
    }
  }
  return {
    'secretsmanager RotateSecret': async () => {
      const first = text()
      await target.setPassword(first)
      const { body } = await call('CreateSecret', {
        Name: SecretId,
        SecretString: first,
        ClientRequestToken: randomUUID(),
      })
      functions.trust(String(body.ARN).split(':')[4]!)
      await rotate({ RotationLambdaARN: functionArn('rotate'), RotationRules: { AutomaticallyAfterDays: 500 } })
      await until(({ Outcome }) => Outcome === 'succeeded')
      fails = true
      await rotate()
      await until(({ Calls }) => Calls[0]?.DurationMs !== undefined)
    },
    'strongroom ListRotations': async () => {
      await list()
      await failHere()
    },
    'strongroom AbandonRotation': () => route('AbandonRotation', 'rotations/abandon', { SecretId, Force: true }),
    'strongroom DryRunRotation': async () => {
      await route('DryRunRotation', 'rotations/dry-run', { SecretId })
      await until(({ Kind, Outcome }) => Kind === 'test' && Outcome !== undefined)
    },
    'strongroom RollBackRotation': () => route('RollBackRotation', 'rotations/roll-back', { SecretId }),
    'secretsmanager CancelRotateSecret': () => call('CancelRotateSecret', { SecretId }),
  }
}
