// The secrets of an AWS endpoint, or of another Strongroom, as they are carried over.

import {
  DescribeSecretCommand,
  type DescribeSecretResponse,
  type Filter,
  GetResourcePolicyCommand,
  GetSecretValueCommand,
  ListSecretsCommand,
  ListSecretVersionIdsCommand,
  ResourceNotFoundException,
  type SecretsManagerClient,
  type SecretVersionsListEntry,
} from '@aws-sdk/client-secrets-manager'
import { UsageError } from '../usage-error.ts'
import type { LeftOut, Reference, SecretItem, Tag, Value, Version } from './item.ts'
import { placeOf } from './mapping.ts'
import { pagesOf } from './pages.ts'
import type { Selection } from './selection.ts'
import { at } from './told.ts'

const FROM = 'source'
const PENDING = 'AWSPENDING'

/** Those that are selected, without their values. @throws UsageError */
export async function listSecrets(client: SecretsManagerClient, selection: Selection): Promise<readonly Reference[]> {
  const refer = (name: string): Reference => ({
    kind: 'secret',
    name,
    read: () => readSecret(client, name, selection.allVersions),
  })
  if (selection.names.length > 0) return [...new Set(selection.names)].map(refer)
  const { prefix, filters, tags } = selection
  const Filters: Filter[] = [
    ...(prefix === undefined ? [] : [{ Key: 'name' as const, Values: [prefix] }]),
    ...filters.map(({ key, values }) => ({ Key: key, Values: [...values] }) as Filter),
  ]
  const names: string[] = []
  const ask = (NextToken: string | undefined) =>
    at(FROM, () =>
      client.send(new ListSecretsCommand({ MaxResults: 100, NextToken, ...(Filters.length > 0 && { Filters }) })),
    )
  for await (const { SecretList = [] } of pagesOf(ask)) {
    for (const { Name = '', Tags = [] } of SecretList) {
      const isTagged = tags.every(({ Key, Value }) => Tags.some((tag) => tag.Key === Key && tag.Value === Value))
      // The filter of AWS does not tell capitals apart.
      if (Name.startsWith(prefix ?? '') && isTagged) names.push(Name)
    }
  }
  return names.sort().map(refer)
}

async function readSecret(
  client: SecretsManagerClient,
  name: string,
  allVersions: boolean,
): Promise<SecretItem | LeftOut> {
  const SecretId = name
  const details = await at(FROM, () => client.send(new DescribeSecretCommand({ SecretId })))
  if (!isNamed(details, name)) throw new UsageError('the source answers with another secret')
  const leftOut = reasonToLeaveOut(details)
  if (leftOut !== undefined) return { leftOut }

  const entries = await listVersions(client, name)
  const { ResourcePolicy: policy } = await at(FROM, () => client.send(new GetResourcePolicyCommand({ SecretId })))
  const tags = (details.Tags ?? []).map(({ Key = '', Value = '' }) => ({ Key, Value }))
  const isCarried = (entry: SecretVersionsListEntry): boolean =>
    !isPending(entry) && (allVersions || (entry.VersionStages?.length ?? 0) > 0)
  return {
    kind: 'secret',
    name: details.Name!,
    arn: details.ARN!,
    ...(details.Description !== undefined && { description: details.Description }),
    ...(details.Type !== undefined && { type: details.Type }),
    ...(details.KmsKeyId !== undefined && { kmsKeyId: details.KmsKeyId }),
    tags: tags.filter(({ Key }) => !isOfAws(Key)),
    ...(policy !== undefined && { policy }),
    ...(details.RotationEnabled && {
      rotation: {
        ...(details.RotationLambdaARN !== undefined && { functionArn: details.RotationLambdaARN }),
        ...(details.RotationRules !== undefined && { rules: details.RotationRules }),
      },
    }),
    versions: entries.filter(isCarried).map((entry) => versionOf(client, name, entry)),
    knownIds: new Set(entries.map(({ VersionId }) => VersionId!)),
    notes: [
      ...notesOf(details, tags),
      ...(entries.some(isPending) ? ['a rotation is under way at the source: import it again when it has ended'] : []),
    ],
  }
}

/** Whether it is the one that was asked for: another one could be written over what nobody named. */
const isNamed = ({ ARN = '', Name = '' }: DescribeSecretResponse, asked: string): boolean =>
  asked.startsWith('arn:') ? ARN.startsWith(asked) && ARN.slice(0, -7).endsWith(`:secret:${Name}`) : Name === asked

/** A rotation that is under way goes on where it began, and its version may be gone when it has ended. */
const isPending = ({ VersionStages = [] }: SecretVersionsListEntry): boolean => VersionStages.join() === PENDING

const isOfAws = (key: string): boolean => /^aws:/i.test(key)

function reasonToLeaveOut(details: DescribeSecretResponse): string | undefined {
  const { OwningService, DeletedDate, PrimaryRegion, ARN = '' } = details
  if (OwningService) return `${OwningService} manages it: let that service make its own at the target`
  if (DeletedDate) return 'it is scheduled for deletion: restore it, if it is still wanted'
  if (PrimaryRegion !== undefined && PrimaryRegion !== placeOf(ARN).region) {
    return `it is a replica: import it from its primary in ${PrimaryRegion}, and replicate it then`
  }
  return undefined
}

function* notesOf({ ReplicationStatus = [] }: DescribeSecretResponse, tags: readonly Tag[]): Generator<string> {
  const regions = ReplicationStatus.map(({ Region }) => Region)
  if (regions.length > 0) yield `not copied: its replicas in ${regions.join(', ')}`
  const ofAws = tags.filter(({ Key }) => isOfAws(Key)).map(({ Key }) => Key)
  if (ofAws.length > 0) yield `not copied: tags of AWS (${ofAws.join(', ')})`
}

export const versionPages = (client: SecretsManagerClient, SecretId: string, where: 'source' | 'target') =>
  pagesOf((NextToken) =>
    at(where, () =>
      client.send(new ListSecretVersionIdsCommand({ SecretId, IncludeDeprecated: true, MaxResults: 100, NextToken })),
    ),
  )

/** Oldest first. */
async function listVersions(client: SecretsManagerClient, SecretId: string): Promise<SecretVersionsListEntry[]> {
  const entries: SecretVersionsListEntry[] = []
  for await (const { Versions = [] } of versionPages(client, SecretId, FROM)) entries.push(...Versions)
  const place = ({ VersionStages = [] }: SecretVersionsListEntry): number =>
    VersionStages.includes('AWSCURRENT') ? 2 : VersionStages.includes('AWSPREVIOUS') ? 1 : 0
  // Of the same moment: AWSCURRENT came after AWSPREVIOUS.
  return entries.sort((a, b) => a.CreatedDate!.getTime() - b.CreatedDate!.getTime() || place(a) - place(b))
}

const versionOf = (client: SecretsManagerClient, SecretId: string, entry: SecretVersionsListEntry): Version => ({
  id: entry.VersionId!,
  stages: (entry.VersionStages ?? []).filter((stage) => stage !== PENDING),
  value: async (): Promise<Value | undefined> => {
    try {
      const { SecretString, SecretBinary } = await client.send(
        new GetSecretValueCommand({ SecretId, VersionId: entry.VersionId }),
      )
      return SecretBinary === undefined ? { SecretString: SecretString! } : { SecretBinary }
    } catch (error) {
      // It went since the list was made.
      if (error instanceof ResourceNotFoundException) return undefined
      return at(FROM, () => Promise.reject(error))
    }
  },
})
