// DescribeDBInstances shows the registered instances of the account in the Region, or one of them.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DescribeDBInstances.html

import { operation } from '../../../operation.ts'
import { list, optional, string } from '../../../shape/shape.ts'
import { checkFilters, pageOf, passes } from '../list.ts'
import { databaseArn, RESOURCE_TYPES } from '../model.ts'
import { DBInstance, Filters, Identifier, Marker, MaxRecords } from '../shapes.ts'
import { shownInstance } from '../shown.ts'
import { type DatabaseTarget, existingDatabase, resolveDatabase } from '../target.ts'

export const describeDBInstances = operation({
  name: 'DescribeDBInstances',
  readOnly: true,

  input: {
    DBInstanceIdentifier: optional(Identifier),
    Filters: optional(Filters),
    MaxRecords: optional(MaxRecords),
    Marker: optional(Marker),
  },

  output: { Marker: optional(string()), DBInstances: optional(list(DBInstance, { itemName: 'DBInstance' })) },

  async target(call): Promise<DatabaseTarget | Omit<DatabaseTarget, 'stored' | 'named' | 'identifier'>> {
    const { DBInstanceIdentifier: named } = call.input
    if (named !== undefined) return resolveDatabase(call, 'db', named)
    const resource = databaseArn(call, 'db', '*')
    return { resource, shown: resource, account: call.account, resourceType: RESOURCE_TYPES.db, kind: 'db' }
  },

  async run(call) {
    const { input, target } = call
    checkFilters('db', input.Filters ?? [])
    if ('named' in target) {
      const { database } = existingDatabase(target)
      return { DBInstances: passes(call, database, input.Filters ?? []) ? [await shownInstance(call, database)] : [] }
    }
    const { databases, Marker } = await pageOf(call, 'db', input)
    const DBInstances: Awaited<ReturnType<typeof shownInstance>>[] = []
    for (const database of databases) DBInstances.push(await shownInstance(call, database))
    return { DBInstances, ...(Marker !== undefined && { Marker }) }
  },
})
