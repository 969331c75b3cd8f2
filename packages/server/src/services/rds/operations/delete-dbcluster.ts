// DeleteDBCluster lets go of a registered cluster: its managed secret is deleted, the database is not touched.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBCluster.html

import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { letGo } from '../delete.ts'
import { DBCluster, Identifier } from '../shapes.ts'
import { shownCluster } from '../shown.ts'
import { clusterTarget } from '../target.ts'

export const deleteDBCluster = operation({
  name: 'DeleteDBCluster',
  readOnly: false,

  input: { DBClusterIdentifier: Identifier, SkipFinalSnapshot: optional(boolean()) },

  output: { DBCluster: optional(DBCluster) },

  target: clusterTarget,

  responseElements: ({ DBCluster }) => ({ dBCluster: { dBClusterArn: DBCluster?.DBClusterArn } }),

  async run(call) {
    const { secret: _, ...database } = await letGo(call, call.target, call.input.SkipFinalSnapshot)
    const shown = await shownCluster(call, database)
    return { DBCluster: { ...shown, Status: 'deleting' } }
  },
})
