// ListDatabases lists the registered databases of the account in the Region, those too that wait for CreateDBInstance or CreateDBCluster. No AWS
// operation: docs/databases.md.

import { operation } from '../../../operation.ts'
import { boolean, integer, list, optional, string } from '../../../shape/shape.ts'
import { listDatabases as listOf, shownRegistration } from '../../rds/port.ts'
import { Registration } from '../databases.ts'

export const listDatabases = operation({
  name: 'ListDatabases',
  readOnly: true,
  path: '/_strongroom/databases/list',

  input: {
    Cluster: optional(boolean()),
    MaxResults: optional(integer({ min: 1, max: 100 })),
    /** The identifier that the page before ended with. */
    After: optional(string({ min: 1, max: 63 })),
  },

  output: { Databases: list(Registration), After: optional(string()) },

  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run(call) {
    const { account, region, input } = call
    const kind = input.Cluster === true ? 'cluster' : 'db'
    const max = input.MaxResults ?? 100
    const found = await listOf(call, { account, region, kind }, input.After ?? '', max)
    const Databases: Awaited<ReturnType<typeof shownRegistration>>[] = []
    for (const database of found) Databases.push(await shownRegistration(call, database))
    const last = found.at(-1)
    return { Databases, ...(found.length === max && last !== undefined && { After: last.identifier }) }
  },
})
