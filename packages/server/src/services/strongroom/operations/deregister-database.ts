// DeregisterDatabase forgets a registered database, which is not touched. One whose password is managed is only forgotten by Force, and its
// secret then stays. No AWS operation: docs/databases.md.

import { operation } from '../../../operation.ts'
import { boolean, optional, string } from '../../../shape/shape.ts'
import { deregisterDatabase as deregister, existingDatabase, resolveDatabase } from '../../rds/port.ts'

export const deregisterDatabase = operation({
  name: 'DeregisterDatabase',
  readOnly: false,
  path: '/_strongroom/databases/deregister',

  input: {
    Identifier: string({ min: 1, max: 255 }),
    Cluster: optional(boolean()),
    Force: optional(boolean()),
  },

  output: { Arn: string() },

  target: (call) => resolveDatabase(call, call.input.Cluster === true ? 'cluster' : 'db', call.input.Identifier, true),

  async run(call) {
    await deregister(call, existingDatabase(call.target), call.input.Force === true)
    return { Arn: call.target.resource }
  },
})
