// CreateDBInstance makes an endpoint that was registered for it a DB instance; what it says of that must be so. No database is made: docs/databases.md.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html

import { operation } from '../../../operation.ts'
import { integer, optional, string } from '../../../shape/shape.ts'
import { adopt } from '../create.ts'
import * as errors from '../errors.ts'
import { DB_INSTANCE_CLASS } from '../model.ts'
import { DBInstance, Identifier, masterMembers, TagList } from '../shapes.ts'
import { shownInstance } from '../shown.ts'
import { requestTagContext } from '../tags.ts'
import { resolveDatabase } from '../target.ts'

const { ManageMasterUserPassword, MasterUserPassword, MasterUserSecretKmsKeyId } = masterMembers

export const createDBInstance = operation({
  name: 'CreateDBInstance',
  readOnly: false,

  input: {
    DBInstanceIdentifier: Identifier,
    /** `db.external`: the machine is nobody's business here. */
    DBInstanceClass: string({ max: 255 }),
    Engine: string({ max: 255 }),
    MasterUsername: optional(string({ max: 255 })),
    DBName: optional(string({ max: 255 })),
    Port: optional(integer({ min: 1, max: 65_535 })),
    Tags: optional(TagList),
    ManageMasterUserPassword,
    MasterUserPassword,
    MasterUserSecretKmsKeyId,
  },

  output: { DBInstance: optional(DBInstance) },

  target: (call) => resolveDatabase(call, 'db', call.input.DBInstanceIdentifier, true),

  conditions: (input) => ({
    ...requestTagContext(input.Tags),
    'rds:DatabaseEngine': input.Engine,
    'rds:ManageMasterUserPassword': input.ManageMasterUserPassword?.toString(),
  }),

  responseElements: ({ DBInstance }) => ({ dBInstance: { dBInstanceArn: DBInstance?.DBInstanceArn } }),

  async run(call) {
    const { input, target } = call
    if (input.DBInstanceClass !== DB_INSTANCE_CLASS) {
      throw errors.notTheEndpoint('DBInstanceClass', DB_INSTANCE_CLASS)
    }
    const database = await adopt(call, target, input, ['DBName', input.DBName])
    return { DBInstance: await shownInstance(call, database) }
  },
})
