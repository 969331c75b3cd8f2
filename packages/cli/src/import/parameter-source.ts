// The parameters of an AWS endpoint, or of another Strongroom, as they are carried over.

import {
  DescribeParametersCommand,
  GetParameterHistoryCommand,
  ListTagsForResourceCommand,
  type ParameterHistory,
  type ParameterMetadata,
  type SSMClient,
} from '@aws-sdk/client-ssm'
import type { LeftOut, ParameterItem, ParameterVersion, Reference } from './item.ts'
import { pagesOf } from './pages.ts'
import { at } from './told.ts'

const FROM = 'source'

/** The one of this name, and all below it; `/`: all. @throws UsageError */
export async function listParameters(client: SSMClient, path: string): Promise<readonly Reference[]> {
  const found = [...(await describe(client, path)), ...(path.endsWith('/') ? [] : await describe(client, path, 'Name'))]
  const below = path.replace(/\/?$/, '/')
  // What else a source may answer is not what was asked for.
  const isAsked = ({ Name = '' }: ParameterMetadata): boolean => path === '/' || Name === path || Name.startsWith(below)
  return found.filter(isAsked).map((metadata) => ({
    kind: 'parameter',
    name: metadata.Name!,
    read: () => readParameter(client, metadata),
  }))
}

async function describe(client: SSMClient, path: string, by: 'Path' | 'Name' = 'Path'): Promise<ParameterMetadata[]> {
  const below = path === '/' ? path : path.replace(/\/$/, '')
  if (by === 'Path' && !below.startsWith('/')) return []
  const filter =
    by === 'Name'
      ? { Key: 'Name', Option: 'Equals', Values: [path] }
      : { Key: 'Path', Option: 'Recursive', Values: [below] }
  const isAll = by === 'Path' && path === '/'
  const found: ParameterMetadata[] = []
  const ask = (NextToken: string | undefined) =>
    at(FROM, () =>
      client.send(
        new DescribeParametersCommand({ MaxResults: 50, NextToken, ...(!isAll && { ParameterFilters: [filter] }) }),
      ),
    )
  for await (const { Parameters = [] } of pagesOf(ask)) found.push(...Parameters)
  return found
}

/** The versions that are kept, oldest first, with their values. */
export async function readHistory(
  client: SSMClient,
  Name: string,
  where: 'source' | 'target',
): Promise<readonly ParameterHistory[]> {
  const history: ParameterHistory[] = []
  const ask = (NextToken: string | undefined) =>
    at(where, () =>
      client.send(new GetParameterHistoryCommand({ Name, WithDecryption: true, MaxResults: 50, NextToken })),
    )
  for await (const { Parameters = [] } of pagesOf(ask)) history.push(...Parameters)
  return history.sort((a, b) => a.Version! - b.Version!)
}

async function readParameter(client: SSMClient, metadata: ParameterMetadata): Promise<ParameterItem | LeftOut> {
  const { Name = '' } = metadata
  const history = await readHistory(client, Name, FROM)
  const { TagList = [] } = await at(FROM, () =>
    client.send(new ListTagsForResourceCommand({ ResourceType: 'Parameter', ResourceId: Name })),
  )
  const tags = TagList.map(({ Key = '', Value = '' }) => ({ Key, Value }))
  const ofAws = tags.filter(({ Key }) => /^aws:/i.test(Key))
  const latest = history.at(-1)
  const { Version: first = 1 } = history[0] ?? {}
  if (latest === undefined) return { leftOut: 'it was deleted meanwhile' }
  return {
    kind: 'parameter',
    name: Name,
    type: latest.Type!,
    tags: tags.filter((tag) => !ofAws.includes(tag)),
    versions: history.map((version) => versionOf(version, version === latest)),
    notes: [
      ...(first > 1 ? [`the source has dropped its versions before ${first}`] : []),
      ...(ofAws.length > 0 ? [`not copied: tags of AWS (${ofAws.map(({ Key }) => Key).join(', ')})`] : []),
    ],
  }
}

function versionOf(version: ParameterHistory, isLatest: boolean): ParameterVersion {
  const { Value = '', Labels = [], Description, KeyId, AllowedPattern, Tier, DataType, Policies = [] } = version
  const texts = Policies.flatMap(({ PolicyText }) => PolicyText ?? [])
  return {
    value: Value,
    labels: Labels,
    ...(Description && { description: Description }),
    ...(KeyId && { keyId: KeyId }),
    ...(AllowedPattern && { allowedPattern: AllowedPattern }),
    advanced: Tier === 'Advanced',
    ...(DataType && { dataType: DataType }),
    ...(isLatest && texts.length > 0 && { policies: `[${texts.join(',')}]` }),
  }
}
