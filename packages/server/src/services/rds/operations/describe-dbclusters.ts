// DescribeDBClusters shows the registered clusters of the account in the Region, or one of them.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBClusters.html

import { operation } from '../../../operation.ts'
import { list, optional, string } from '../../../shape/shape.ts'
import { checkFilters, pageOf, passes } from '../list.ts'
import { databaseArn, RESOURCE_TYPES } from '../model.ts'
import { DBCluster, Filters, Identifier, Marker, MaxRecords } from '../shapes.ts'
import { shownCluster } from '../shown.ts'
import { type DatabaseTarget, existingDatabase, resolveDatabase } from '../target.ts'

export const describeDBClusters = operation({
  name: 'DescribeDBClusters',
  readOnly: true,

  input: {
    DBClusterIdentifier: optional(Identifier),
    Filters: optional(Filters),
    MaxRecords: optional(MaxRecords),
    Marker: optional(Marker),
  },

  output: { Marker: optional(string()), DBClusters: optional(list(DBCluster, { itemName: 'DBCluster' })) },

  async target(call): Promise<DatabaseTarget | Omit<DatabaseTarget, 'stored' | 'named' | 'identifier'>> {
    const { DBClusterIdentifier: named } = call.input
    if (named !== undefined) return resolveDatabase(call, 'cluster', named)
    const resource = databaseArn(call, 'cluster', '*')
    return { resource, shown: resource, account: call.account, resourceType: RESOURCE_TYPES.cluster, kind: 'cluster' }
  },

  async run(call) {
    const { input, target } = call
    checkFilters('cluster', input.Filters ?? [])
    if ('named' in target) {
      const { database } = existingDatabase(target)
      return { DBClusters: passes(call, database, input.Filters ?? []) ? [await shownCluster(call, database)] : [] }
    }
    const { databases, Marker } = await pageOf(call, 'cluster', input)
    const DBClusters: Awaited<ReturnType<typeof shownCluster>>[] = []
    for (const database of databases) DBClusters.push(await shownCluster(call, database))
    return { DBClusters, ...(Marker !== undefined && { Marker }) }
  },
})
