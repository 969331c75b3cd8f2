// `strongroom secret list` and `history`: what there is, never what it holds.

import {
  type Filter,
  type FilterNameStringType,
  paginateListSecrets,
  paginateListSecretVersionIds,
  type SecretListEntry,
  type SecretVersionsListEntry,
  type SortByType,
} from '@aws-sdk/client-secrets-manager'
import type { ClientOptions } from '../command-line.ts'
import { dateText, formatOf, type OutputOptions, printable, printListing } from '../output.ts'
import { ownRoutes, type Secrets, withSecrets } from './client.ts'
import { rotationText } from './read.ts'
import { outcomeText, type Rotation, readRotations } from './rotations.ts'

export const SORTS = ['name', 'created', 'changed', 'accessed'] as const

export type ListOptions = ClientOptions &
  OutputOptions & {
    readonly name?: readonly string[]
    readonly description?: readonly string[]
    readonly tagKey?: readonly string[]
    readonly tagValue?: readonly string[]
    readonly primaryRegion?: readonly string[]
    readonly owningService?: readonly string[]
    readonly all?: readonly string[]
    readonly sort?: (typeof SORTS)[number]
    readonly descending?: true
    readonly includeDeleted?: true
  }

const SORT_BY: { readonly [K in (typeof SORTS)[number]]: SortByType } = {
  name: 'name',
  created: 'created-date',
  changed: 'last-changed-date',
  accessed: 'last-accessed-date',
}

/** Prints all secrets that the filters let through, of every page. @throws UsageError */
export const listSecrets = (prefix: string | undefined, given: ListOptions): Promise<void> =>
  withSecrets(given, async ({ client }) => {
    const format = formatOf(given)
    const found: SecretListEntry[] = []
    const input = {
      Filters: filtersOf(prefix, given),
      SortBy: SORT_BY[given.sort ?? 'name'],
      SortOrder: given.descending ? ('desc' as const) : ('asc' as const),
      ...(given.includeDeleted && { IncludePlannedDeletion: true }),
    }
    for await (const page of paginateListSecrets({ client, pageSize: 100 }, input)) {
      found.push(...(page.SecretList ?? []))
    }
    printListing(
      {
        columns: ['name', 'changed', 'rotation', 'next rotation', 'accessed', 'description'],
        rows: found.map((secret) => [
          secret.Name ?? '',
          dateText(secret.LastChangedDate, format),
          rotationText(secret),
          dateText(secret.NextRotationDate, format),
          dateText(secret.LastAccessedDate, format),
          secret.DeletedDate === undefined ? (secret.Description ?? '') : '(deleted)',
        ]),
        json: found,
      },
      format,
    )
  })

function filtersOf(prefix: string | undefined, given: ListOptions): Filter[] {
  const filter = (Key: FilterNameStringType, values: readonly string[] | undefined): Filter[] =>
    values === undefined ? [] : [{ Key, Values: [...values] }]
  return [
    ...filter('name', prefix === undefined ? given.name : [prefix, ...(given.name ?? [])]),
    ...filter('description', given.description),
    ...filter('tag-key', given.tagKey),
    ...filter('tag-value', given.tagValue),
    ...filter('primary-region', given.primaryRegion),
    ...filter('owning-service', given.owningService),
    ...filter('all', given.all),
  ]
}

/** Prints the versions, newest first, and what is known of the rotations that made them. @throws UsageError */
export const secretHistory = (SecretId: string, given: ClientOptions & OutputOptions): Promise<void> =>
  withSecrets(given, async (secrets) => {
    const format = formatOf(given)
    const versions: SecretVersionsListEntry[] = []
    const input = { SecretId, IncludeDeprecated: true }
    for await (const page of paginateListSecretVersionIds({ client: secrets.client, pageSize: 100 }, input)) {
      versions.push(...(page.Versions ?? []))
    }
    versions.sort((a, b) => (b.CreatedDate?.getTime() ?? 0) - (a.CreatedDate?.getTime() ?? 0))
    const rotations = await findRotations(secrets, SecretId)
    const rotationOf = (id: string | undefined) =>
      rotations?.find(({ Kind, VersionId }) => Kind === 'rotation' && VersionId === id)
    printListing(
      {
        columns: ['version', 'labels', 'created', 'accessed', ...(rotations === undefined ? [] : ['rotation'])],
        rows: versions.map(({ VersionId = '', VersionStages = [], CreatedDate, LastAccessedDate }) => [
          VersionId,
          VersionStages.join(' '),
          dateText(CreatedDate, format),
          dateText(LastAccessedDate, format),
          ...(rotations === undefined ? [] : [outcomeText(rotationOf(VersionId))]),
        ]),
        json: { Versions: versions, ...(rotations !== undefined && { Rotations: rotations }) },
      },
      format,
    )
  })

/** Newest first. Undefined where AWS is asked, or the caller may not see them, which is told. */
async function findRotations(secrets: Secrets, SecretId: string): Promise<readonly Rotation[] | undefined> {
  const connection = await ownRoutes(secrets)
  if (connection === undefined) return undefined
  try {
    return await readRotations(SecretId, connection)
  } catch (error) {
    process.stderr.write(`strongroom: rotations are not shown: ${printable((error as Error).message)}\n`)
    return undefined
  }
}
