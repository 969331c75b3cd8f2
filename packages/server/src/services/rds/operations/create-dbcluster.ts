// CreateDBCluster makes an endpoint that was registered for it a DB cluster; what it says of that must be so. No database is made: docs/databases.md.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBCluster.html

import { operation } from '../../../operation.ts'
import { integer, optional, string } from '../../../shape/shape.ts'
import { adopt } from '../create.ts'

import { DBCluster, Identifier, masterMembers, TagList } from '../shapes.ts'
import { shownCluster } from '../shown.ts'
import { requestTagContext } from '../tags.ts'
import { resolveDatabase } from '../target.ts'

const { ManageMasterUserPassword, MasterUserPassword, MasterUserSecretKmsKeyId } = masterMembers

export const createDBCluster = operation({
  name: 'CreateDBCluster',
  readOnly: false,

  input: {
    DBClusterIdentifier: Identifier,
    Engine: string({ max: 255 }),
    MasterUsername: optional(string({ max: 255 })),
    DatabaseName: optional(string({ max: 255 })),
    Port: optional(integer({ min: 1, max: 65_535 })),
    Tags: optional(TagList),
    ManageMasterUserPassword,
    MasterUserPassword,
    MasterUserSecretKmsKeyId,
  },

  output: { DBCluster: optional(DBCluster) },

  target: (call) => resolveDatabase(call, 'cluster', call.input.DBClusterIdentifier, true),

  conditions: (input) => ({
    ...requestTagContext(input.Tags),
    'rds:DatabaseEngine': input.Engine,
    'rds:ManageMasterUserPassword': input.ManageMasterUserPassword?.toString(),
  }),

  responseElements: ({ DBCluster }) => ({ dBCluster: { dBClusterArn: DBCluster?.DBClusterArn } }),

  async run(call) {
    const { input, target } = call
    const database = await adopt(call, target, input, ['DatabaseName', input.DatabaseName])
    return { DBCluster: await shownCluster(call, database) }
  },
})
