// `strongroom secret rotate`: starts a rotation, and where asked waits for its end, step by step.

import { setTimeout as sleep } from 'node:timers/promises'
import { DescribeSecretCommand, RotateSecretCommand } from '@aws-sdk/client-secrets-manager'
import type { ClientOptions } from '../command-line.ts'
import type { Connection } from '../connection.ts'
import { colored, printable } from '../output.ts'
import { UsageError } from '../usage-error.ts'
import { ownRoutes, type Secrets, withSecrets } from './client.ts'
import { outcomeText, type RotationCall, readRotations } from './rotations.ts'

export type RotateOptions = ClientOptions & {
  readonly wait?: true
  readonly lambdaArn?: string
  readonly schedule?: string
}

const LOOK_MS = 500
/** Longer than the four steps of a function that takes all the time it has. */
const WAIT_MS_MAX = 4 * 920_000

/** Prints the id of the new version; with `wait` each step as it ends, and how all ended. @throws UsageError with the reason of a failure. */
export const rotateSecret = (SecretId: string, given: RotateOptions): Promise<void> =>
  withSecrets(given, async (secrets) => {
    const input = {
      SecretId,
      ...(given.lambdaArn !== undefined && { RotationLambdaARN: given.lambdaArn }),
      ...(given.schedule !== undefined && { RotationRules: { ScheduleExpression: given.schedule } }),
    }
    const { VersionId, Name } = await secrets.client.send(new RotateSecretCommand(input))
    process.stdout.write(`${printable(`${Name}`)}\t${printable(`${VersionId}`)}\n`)
    if (!given.wait) return
    const connection = await ownRoutes(secrets)
    await (connection === undefined
      ? waitForLabel(secrets, SecretId, VersionId!)
      : followSteps(SecretId, VersionId!, connection))
  })

async function followSteps(SecretId: string, VersionId: string, connection: Connection): Promise<void> {
  let told = 0
  for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += LOOK_MS) {
    const rotation = (await readRotations(SecretId, connection)).find((r) => r.VersionId === VersionId)
    const ended = rotation?.Calls.filter(({ DurationMs }) => DurationMs !== undefined) ?? []
    for (const call of ended.slice(told)) process.stdout.write(`${stepText(call)}\n`)
    told = ended.length
    if (rotation?.Outcome === 'succeeded') return void process.stdout.write(`${colored('green', 'succeeded')}\n`)
    if (rotation?.Outcome !== undefined) throw new UsageError(`the rotation ${outcomeText(rotation)}`)
    await sleep(LOOK_MS)
  }
  throw new UsageError('the rotation did not end in time: see strongroom rotation history')
}

function stepText({ Step, DurationMs, ErrorKind, Message }: RotationCall): string {
  const text = `${printable(Step).padEnd(12)}  ${printable(`${DurationMs}`)} ms`
  return ErrorKind === undefined ? text : `${text}  ${colored('red', printable(Message ?? ErrorKind))}`
}

/** AWS tells of no steps: only whether the new version has become current. */
async function waitForLabel({ client }: Secrets, SecretId: string, VersionId: string): Promise<void> {
  for (let waitedMs = 0; waitedMs < WAIT_MS_MAX; waitedMs += LOOK_MS) {
    const { VersionIdsToStages = {} } = await client.send(new DescribeSecretCommand({ SecretId }))
    if (VersionIdsToStages[VersionId]?.includes('AWSCURRENT')) return void process.stdout.write('succeeded\n')
    await sleep(LOOK_MS)
  }
  throw new UsageError('the rotation did not end in time: see the log of its function')
}
