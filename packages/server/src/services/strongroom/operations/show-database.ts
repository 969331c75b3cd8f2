// ShowDatabase shows a registered database, and why a password was last refused there. No AWS operation: docs/databases.md.

import { operation } from '../../../operation.ts'
import { boolean, optional, string } from '../../../shape/shape.ts'
import { existingDatabase, resolveDatabase, shownRegistration } from '../../rds/port.ts'
import { Registration } from '../databases.ts'

export const showDatabase = operation({
  name: 'ShowDatabase',
  readOnly: true,
  path: '/_strongroom/databases/show',

  input: { Identifier: string({ min: 1, max: 255 }), Cluster: optional(boolean()) },

  output: { Database: Registration },

  target: (call) => resolveDatabase(call, call.input.Cluster === true ? 'cluster' : 'db', call.input.Identifier, true),

  async run(call) {
    return { Database: await shownRegistration(call, existingDatabase(call.target).database) }
  },
})
