// DeleteDBInstance lets go of a registered instance: its managed secret is deleted, the database is not touched.
// https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_DeleteDBInstance.html

import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { letGo } from '../delete.ts'
import { DBInstance, Identifier } from '../shapes.ts'
import { shownInstance } from '../shown.ts'
import { instanceTarget } from '../target.ts'

export const deleteDBInstance = operation({
  name: 'DeleteDBInstance',
  readOnly: false,

  input: { DBInstanceIdentifier: Identifier, SkipFinalSnapshot: optional(boolean()) },

  output: { DBInstance: optional(DBInstance) },

  target: instanceTarget,

  responseElements: ({ DBInstance }) => ({ dBInstance: { dBInstanceArn: DBInstance?.DBInstanceArn } }),

  async run(call) {
    const { secret: _, ...database } = await letGo(call, call.target, call.input.SkipFinalSnapshot)
    const shown = await shownInstance(call, database)
    return { DBInstance: { ...shown, DBInstanceStatus: 'deleting' } }
  },
})
