// The rotations of canary.test.ts: functions that know values, say them in their errors, and are handed tokens.

import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
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
  /** Ends what was started, when the test ends. */
  readonly after: (end: () => unknown) => void
}

/** By operation. */
export function rotationJourneys(world: RotationWorld): { readonly [operation: string]: () => Promise<unknown> } {
  const { server, functions, text, know, call, route, after } = world
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
  const list = () => route('ListRotations', 'rotations/list', { SecretId })
  const settled = async (calls: number): Promise<void> => {
    for (let tries = 0; tries < 300 && functions.calls.length < calls; tries++) await sleep(50)
    await sleep(300)
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
      await settled(4)
      fails = true
      await rotate()
      await settled(5)
    },
    'strongroom ListRotations': list,
    'strongroom AbandonRotation': () => route('AbandonRotation', 'rotations/abandon', { SecretId, Force: true }),
    'strongroom DryRunRotation': async () => {
      await route('DryRunRotation', 'rotations/dry-run', { SecretId })
      await settled(6)
      await list()
    },
    'strongroom RollBackRotation': () => route('RollBackRotation', 'rotations/roll-back', { SecretId }),
    'secretsmanager CancelRotateSecret': () => call('CancelRotateSecret', { SecretId }),
  }
}
