// ModifyDBCluster changes who knows the master password: it turns its management on or off, rotates it, or sets it. It goes on after the answer.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBCluster.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { modifyMaster } from '../master-password.ts'
import { DBCluster, Identifier, masterMembers } from '../shapes.ts'
import { shownCluster } from '../shown.ts'
import { clusterTarget, existingDatabase } from '../target.ts'

export const modifyDBCluster = operation({
  name: 'ModifyDBCluster',
  readOnly: false,

  input: { DBClusterIdentifier: Identifier, ...masterMembers },

  output: { DBCluster: optional(DBCluster) },

  target: clusterTarget,

  conditions: ({ ManageMasterUserPassword }) => ({
    'rds:ManageMasterUserPassword': ManageMasterUserPassword?.toString(),
  }),

  responseElements: ({ DBCluster }) => ({ dBCluster: { dBClusterArn: DBCluster?.DBClusterArn } }),

  async run(call) {
    const database = await modifyMaster(call, existingDatabase(call.target), call.input)
    return { DBCluster: await shownCluster(call, database) }
  },
})
