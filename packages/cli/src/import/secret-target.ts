// Secrets as the target has them, and the writes of a plan. Every write may come again: each has the token of its version, or sets what is there.

import { randomUUID } from 'node:crypto'
import {
  CreateSecretCommand,
  DescribeSecretCommand,
  type DescribeSecretResponse,
  GetResourcePolicyCommand,
  GetSecretValueCommand,
  InvalidParameterException,
  InvalidRequestException,
  PutResourcePolicyCommand,
  PutSecretValueCommand,
  ResourceExistsException,
  ResourceNotFoundException,
  RotateSecretCommand,
  type SecretsManagerClient,
  TagResourceCommand,
  UpdateSecretCommand,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager'
import type { SecretItem, Value } from './item.ts'
import { placeOf } from './mapping.ts'
import { type CarryOptions, ChangedError, type Outcome, untilSettled } from './outcome.ts'
import { PASSING, planSecret, type SecretPlan, type TargetSecret } from './secret-plan.ts'
import { versionPages } from './secret-source.ts'
import { at, told } from './told.ts'
import { versionId } from './version-id.ts'

const TO = 'target'
/** Far more than labels and versions allow: a secret that somebody else changes at the same time is not fought over. */
const MOVES_MAX = 100

/** @throws UsageError */
export const carrySecret = (client: SecretsManagerClient, item: SecretItem, options: CarryOptions): Promise<Outcome> =>
  untilSettled((begin) => carryOnce(client, item, options, begin))

/** @throws ChangedError @throws UsageError */
async function carryOnce(
  client: SecretsManagerClient,
  item: SecretItem,
  options: CarryOptions,
  begin: (planned: Outcome) => void,
): Promise<Outcome> {
  const target = await lookAt(client, item.name)
  const plan = await planSecret(item, target, options)
  if (options.dryRun || (plan.action !== 'create' && plan.action !== 'update')) return plan
  begin(plan)
  return { ...plan, details: [...plan.details, ...(await carryOut(client, item, target, plan))] }
}

async function lookAt(client: SecretsManagerClient, SecretId: string): Promise<TargetSecret | undefined> {
  let details: DescribeSecretResponse
  try {
    details = await client.send(new DescribeSecretCommand({ SecretId }))
  } catch (error) {
    if (error instanceof ResourceNotFoundException) return undefined
    return at(TO, () => Promise.reject(error))
  }
  const { ARN = '', Description, Type, KmsKeyId, Tags = [], RotationEnabled = false } = details
  const barred = reasonToBar(details)
  return {
    arn: ARN,
    ...(Description !== undefined && { description: Description }),
    ...(Type !== undefined && { type: Type }),
    ...(KmsKeyId !== undefined && { kmsKeyId: KmsKeyId }),
    tags: Tags.map(({ Key = '', Value = '' }) => ({ Key, Value })),
    rotates: RotationEnabled,
    ...(barred !== undefined && { barred }),
    versions: await listVersions(client, ARN),
    policy: async () =>
      (await at(TO, () => client.send(new GetResourcePolicyCommand({ SecretId: ARN })))).ResourcePolicy,
    currentValue: async (): Promise<Value | undefined> => {
      try {
        const { SecretString, SecretBinary } = await client.send(new GetSecretValueCommand({ SecretId: ARN }))
        return SecretBinary === undefined ? { SecretString: SecretString! } : { SecretBinary }
      } catch (error) {
        if (error instanceof ResourceNotFoundException) return undefined
        return at(TO, () => Promise.reject(error))
      }
    },
  }
}

function reasonToBar({ DeletedDate, OwningService, PrimaryRegion, ARN = '' }: DescribeSecretResponse) {
  if (DeletedDate) return 'it is scheduled for deletion at the target: restore it there, or wait until it is gone'
  if (OwningService) return `${OwningService} manages it at the target`
  if (PrimaryRegion !== undefined && PrimaryRegion !== placeOf(ARN).region) {
    return `it is a replica at the target: import into ${PrimaryRegion}, where its primary is`
  }
  return undefined
}

async function listVersions(client: SecretsManagerClient, SecretId: string): Promise<TargetSecret['versions']> {
  const versions: { readonly id: string; readonly stages: readonly string[] }[] = []
  for await (const { Versions = [] } of versionPages(client, SecretId, TO))
    for (const { VersionId = '', VersionStages = [] } of Versions)
      versions.push({ id: VersionId, stages: VersionStages })
  return versions
}

/** In the order that secret-plan.ts tells. What was not carried over. */
async function carryOut(
  client: SecretsManagerClient,
  item: SecretItem,
  target: TargetSecret | undefined,
  plan: SecretPlan,
): Promise<readonly string[]> {
  const notes: string[] = []
  const create = () => client.send(new CreateSecretCommand(plan.create!)).catch(throwChanged)
  const SecretId = target?.arn ?? (await at(TO, create)).ARN!
  const { update, addTags, policy, rotation } = plan
  if (update) await at(TO, () => client.send(new UpdateSecretCommand({ SecretId, ...update })))
  if (addTags) await at(TO, () => client.send(new TagResourceCommand({ SecretId, Tags: [...addTags] })))
  if (policy) {
    const ResourcePolicy = policy(SecretId).text
    const command = new PutResourcePolicyCommand({ SecretId, ResourcePolicy, BlockPublicPolicy: true })
    await at(TO, () => client.send(command))
  }
  const empty = new Set<string>()
  for (const [place, { version, stages }] of plan.put.entries()) {
    const value = await version.value()
    if (value === undefined) {
      if (version.id !== undefined) empty.add(version.id)
      notes.push(`not copied: version ${version.id ?? ''} has no value`)
      continue
    }
    const ClientRequestToken = version.id ?? versionAfter(SecretId, target, place)
    const command = new PutSecretValueCommand({ SecretId, ClientRequestToken, VersionStages: [...stages], ...value })
    const put = () => (version.id === undefined ? client.send(command).catch(throwChanged) : client.send(command))
    await at(TO, put, 'SecretString' in value ? [value.SecretString] : [])
  }
  const labels = new Map([...plan.labels].filter(([, id]) => !empty.has(id)))
  if (plan.labels.size > 0 || plan.own.size > 0) await moveLabels(client, SecretId, labels, plan.own)
  if (rotation) await turnOnRotation(client, SecretId, item, rotation(SecretId))
  return notes
}

/**
 * What a version is called that has no id at the source: by the versions that it comes after, so that of imports at once with the same value one
 * writes it and the others repeat that, and one with another value is refused.
 */
const versionAfter = (arn: string, target: TargetSecret | undefined, place: number): string =>
  versionId([arn, `${place}`, ...(target?.versions ?? []).map(({ id }) => id).sort()])

function throwChanged(error: unknown): never {
  throw error instanceof ResourceExistsException ? new ChangedError() : error
}

/** Until each label stands where it should. AWSCURRENT comes first: it takes AWSPREVIOUS along. */
async function moveLabels(
  client: SecretsManagerClient,
  SecretId: string,
  labels: ReadonlyMap<string, string>,
  own: ReadonlySet<string>,
): Promise<void> {
  const order = ['AWSCURRENT', 'AWSPREVIOUS', ...labels.keys()].filter((stage) => labels.has(stage))
  for (let moves = 0; moves < MOVES_MAX; moves++) {
    const { VersionIdsToStages = {} } = await at(TO, () => client.send(new DescribeSecretCommand({ SecretId })))
    const holders = new Map(Object.entries(VersionIdsToStages).flatMap(([id, stages]) => stages.map((s) => [s, id])))
    const misplaced = order.find((stage) => holders.get(stage) !== labels.get(stage))
    const surplus = PASSING.find((stage) => !labels.has(stage) && own.has(holders.get(stage) ?? ''))
    const VersionStage = misplaced ?? surplus
    if (VersionStage === undefined) return
    const RemoveFromVersionId = holders.get(VersionStage)
    const MoveToVersionId = labels.get(VersionStage)
    const move = new UpdateSecretVersionStageCommand({ SecretId, VersionStage, RemoveFromVersionId, MoveToVersionId })
    await at(TO, () => client.send(move).catch(ignoreMoved))
  }
  throw new ChangedError()
}

/** Somebody has moved the label since it was looked for. */
function ignoreMoved(error: Error): void {
  if (!(error instanceof InvalidParameterException && /RemoveFromVersionId/.test(error.message))) throw error
}

/** Where another import has just turned it on, it is on. */
async function turnOnRotation(
  client: SecretsManagerClient,
  SecretId: string,
  { rotation }: SecretItem,
  RotationLambdaARN: string,
): Promise<void> {
  const { AutomaticallyAfterDays, ...schedule } = rotation?.rules ?? {}
  const command = new RotateSecretCommand({
    SecretId,
    RotationLambdaARN,
    // AWS shows the days of an expression too, and takes one of them.
    RotationRules: schedule.ScheduleExpression === undefined ? rotation?.rules : schedule,
    RotateImmediately: false,
    ClientRequestToken: randomUUID(),
  })
  try {
    await client.send(command)
  } catch (error) {
    const isRefused = error instanceof InvalidRequestException
    if (isRefused && (await at(TO, () => client.send(new DescribeSecretCommand({ SecretId })))).RotationEnabled) return
    throw told(error, TO)
  }
}
