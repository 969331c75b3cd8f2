// ModifyDBInstance changes who knows the master password: it turns its management on or off, rotates it, or sets it. It goes on after the answer.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { modifyMaster } from '../master-password.ts'
import { DBInstance, Identifier, masterMembers } from '../shapes.ts'
import { shownInstance } from '../shown.ts'
import { existingDatabase, instanceTarget } from '../target.ts'

export const modifyDBInstance = operation({
  name: 'ModifyDBInstance',
  readOnly: false,

  input: { DBInstanceIdentifier: Identifier, ...masterMembers },

  output: { DBInstance: optional(DBInstance) },

  target: instanceTarget,

  conditions: ({ ManageMasterUserPassword }) => ({
    'rds:ManageMasterUserPassword': ManageMasterUserPassword?.toString(),
  }),

  responseElements: ({ DBInstance }) => ({ dBInstance: { dBInstanceArn: DBInstance?.DBInstanceArn } }),

  async run(call) {
    const database = await modifyMaster(call, existingDatabase(call.target), call.input)
    return { DBInstance: await shownInstance(call, database) }
  },
})
