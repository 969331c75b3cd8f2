// Parameters as the target has them, and what has to be done so that it has one as the source has it. Versions of parameters have no ids: how far an
// import came is told by the values at the target, which are the first ones of the source's history.

import {
  AddTagsToResourceCommand,
  GetParameterCommand,
  LabelParameterVersionCommand,
  ListTagsForResourceCommand,
  ParameterAlreadyExists,
  type ParameterHistory,
  ParameterNotFound,
  PutParameterCommand,
  type SSMClient,
} from '@aws-sdk/client-ssm'
import { ifVersion, isOutdated } from '../if-version.ts'
import type { ParameterItem, ParameterVersion, Tag } from './item.ts'
import { mapKey } from './mapping.ts'
import { type CarryOptions, ChangedError, counted, type Outcome, untilSettled } from './outcome.ts'
import { readHistory } from './parameter-source.ts'
import { at } from './told.ts'

const TO = 'target'
const DEFAULT_KEY = 'alias/aws/ssm'

/** @throws UsageError */
export const carryParameter = (client: SSMClient, item: ParameterItem, options: CarryOptions): Promise<Outcome> =>
  untilSettled((begin) => carryOnce(client, item, options, begin))

/** Of a Strongroom it is known whether somebody comes between: AWS has no writes on condition. @throws ChangedError @throws UsageError */
async function carryOnce(
  client: SSMClient,
  item: ParameterItem,
  options: CarryOptions,
  begin: (planned: Outcome) => void,
): Promise<Outcome> {
  const { name, versions, notes } = item
  const latest = versions.at(-1)!
  const keyOf = (version: ParameterVersion) => mapKey(options.mapping, version.keyId, DEFAULT_KEY)
  for (const version of versions) keyOf(version)

  const history = await findHistory(client, name)
  /** `after` is the latest version there; undefined: there is none. */
  const put = async (version: ParameterVersion, after: number | undefined): Promise<number> => {
    const isFirst = after === undefined
    const KeyId = keyOf(version)
    const command = new PutParameterCommand({
      Name: name,
      Type: item.type,
      Value: version.value,
      ...(!isFirst && { Overwrite: true }),
      ...(isFirst && item.tags.length > 0 && { Tags: [...item.tags] }),
      ...(version.advanced && { Tier: 'Advanced' }),
      ...(KeyId !== undefined && { KeyId }),
      // What a version does not say, it has from the one before.
      ...((version.description !== undefined || !isFirst) && { Description: version.description ?? '' }),
      ...((version.allowedPattern !== undefined || !isFirst) && { AllowedPattern: version.allowedPattern ?? '' }),
      ...(version.dataType !== undefined && { DataType: version.dataType }),
      ...(version.policies !== undefined && { Policies: version.policies }),
    })
    if (!isFirst) ifVersion(String(after), command)
    const { Version } = await at(TO, () => client.send(command).catch(throwChanged), [version.value])
    return Version!
  }

  const done = history.length
  if (done > 0 && history[0]!.Type !== item.type) {
    return {
      action: 'refuse',
      details: [`it is a ${history[0]!.Type} at the target, and cannot become a ${item.type}`],
    }
  }
  const isPrefix = done <= versions.length && history.every(({ Value }, place) => Value === versions[place]!.value)
  if (isPrefix) {
    const rest = versions.slice(done)
    const isDue = rest.length > 0 || versions.some(({ labels }, place) => !hasAll(history[place]?.Labels, labels))
    if (!isDue) return { action: 'leave', details: ['it is the same', ...notes], isSame: true }
    const outcome: Outcome = {
      action: done === 0 ? 'create' : 'update',
      details: [rest.length > 0 ? counted(rest.length, 'version') : 'labels', ...notes],
    }
    if (options.dryRun) return outcome
    begin(outcome)
    const numbers = history.map(({ Version = 0 }) => Version)
    for (const version of rest) numbers.push(await put(version, numbers.at(-1)))
    await attachLabels(client, item, numbers, history)
    return outcome
  }

  if (history.at(-1)!.Value === latest.value) {
    return { action: 'leave', details: ['it has the same value', ...notes], isSame: true }
  }
  if (!options.overwrite) {
    return { action: 'leave', details: ['it has another value: --overwrite adds the one of the source', ...notes] }
  }
  const outcome: Outcome = { action: 'update', details: ['1 version', ...notes] }
  if (!options.dryRun) {
    begin(outcome)
    await put(latest, history.at(-1)!.Version!)
    await addTags(client, name, item.tags)
  }
  return outcome
}

function throwChanged(error: unknown): never {
  throw isOutdated(error) || error instanceof ParameterAlreadyExists ? new ChangedError() : error
}

/** Oldest first; none where the target has no such parameter. */
async function findHistory(client: SSMClient, Name: string): Promise<readonly ParameterHistory[]> {
  try {
    await client.send(new GetParameterCommand({ Name }))
  } catch (error) {
    if (error instanceof ParameterNotFound) return []
    return at(TO, () => Promise.reject(error))
  }
  return readHistory(client, Name, TO)
}

const hasAll = (has: readonly string[] = [], labels: readonly string[]): boolean => labels.every((l) => has.includes(l))

/** `numbers` are what the versions of the source, in their order, are called at the target. */
async function attachLabels(
  client: SSMClient,
  { name, versions }: ParameterItem,
  numbers: readonly number[],
  history: readonly ParameterHistory[],
): Promise<void> {
  for (const [place, { labels }] of versions.entries()) {
    if (hasAll(history[place]?.Labels, labels)) continue
    const ParameterVersion = numbers[place]
    const command = new LabelParameterVersionCommand({ Name: name, ParameterVersion, Labels: [...labels] })
    await at(TO, () => client.send(command))
  }
}

async function addTags(client: SSMClient, ResourceId: string, tags: readonly Tag[]): Promise<void> {
  const resource = { ResourceType: 'Parameter', ResourceId } as const
  const { TagList = [] } = await at(TO, () => client.send(new ListTagsForResourceCommand(resource)))
  const missing = tags.filter(({ Key, Value }) => !TagList.some((tag) => tag.Key === Key && tag.Value === Value))
  if (missing.length === 0) return
  await at(TO, () => client.send(new AddTagsToResourceCommand({ ...resource, Tags: [...missing] })))
}
