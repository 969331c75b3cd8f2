// One page of DescribeDBInstances or DescribeDBClusters: a bounded number of databases is looked at.

import type { Call } from '../../call.ts'
import { openPageToken, sealPageToken } from '../../protocol/page-token.ts'
import * as errors from './errors.ts'
import { databaseArn, type Kind, type RegisteredDatabase } from './model.ts'
import { listDatabases } from './store.ts'

type Input = {
  readonly Filters?: readonly { readonly Name: string; readonly Values: readonly string[] }[] | undefined
  readonly MaxRecords?: number | undefined
  readonly Marker?: string | undefined
}

const CHUNK = 100

type Texts = (call: Call, database: RegisteredDatabase) => readonly string[]

/** https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html */
const FILTERS: { readonly [kind in Kind]: { readonly [name: string]: Texts } } = {
  db: {
    // An instance is in no cluster here.
    'db-cluster-id': () => [],
    'db-instance-id': (call, { kind, identifier }) => [identifier, databaseArn(call, kind, identifier)],
    'dbi-resource-id': (_, { resourceId }) => [resourceId],
    engine: (_, { engine }) => [engine],
  },
  cluster: {
    'db-cluster-id': (call, { kind, identifier }) => [identifier, databaseArn(call, kind, identifier)],
    'db-cluster-resource-id': (_, { resourceId }) => [resourceId],
    engine: (_, { engine }) => [engine],
  },
}

/** Whether a database passes every filter. @throws InvalidParameterValue for a filter that there is not */
export function passes(call: Call, database: RegisteredDatabase, filters: NonNullable<Input['Filters']>): boolean {
  return filters.every(({ Name, Values }) => {
    const texts = FILTERS[database.kind][Name]!(call, database)
    return Values.some((value) => texts.includes(value))
  })
}

export function checkFilters(kind: Kind, filters: NonNullable<Input['Filters']>): void {
  for (const { Name } of filters) {
    if (!Object.hasOwn(FILTERS[kind], Name)) throw errors.invalidValue(`Unrecognized filter name: ${Name}`)
  }
}

export async function pageOf(
  call: Call,
  kind: Kind,
  { Filters = [], MaxRecords = CHUNK, Marker }: Input,
): Promise<{ readonly databases: readonly RegisteredDatabase[]; readonly Marker?: string }> {
  const { app, account, region } = call
  const purpose = `rds:${kind}:${region}`
  let after = Marker === undefined ? '' : openPageToken(app.keyring, purpose, account, Marker)
  if (after === undefined) throw errors.invalidValue('Invalid marker.')
  const databases: RegisteredDatabase[] = []
  for (;;) {
    const chunk = await listDatabases(call, { account, region, kind }, after, CHUNK)
    for (const database of chunk) {
      if (!database.awaitsCreate && passes(call, database, Filters)) {
        if (databases.length === MaxRecords)
          return { databases, Marker: sealPageToken(app.keyring, purpose, account, after) }
        databases.push(database)
      }
      after = database.identifier
    }
    if (chunk.length < CHUNK) return { databases }
  }
}
