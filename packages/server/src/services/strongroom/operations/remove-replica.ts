// RemoveReplica removes the replica of a primary that another Strongroom has. No AWS operation: docs/replication.md and
// docs/adr/0010-replication-over-the-wire.md.

import { operation } from '../../../operation.ts'
import { boolean, integer, string } from '../../../shape/shape.ts'
import { receivedTarget, removeReceived } from '../../secretsmanager/port.ts'

export const removeReplica = operation({
  name: 'RemoveReplica',
  readOnly: false,
  path: '/_strongroom/replicas/remove',

  input: {
    PrimaryArn: string({ min: 20, max: 2048 }),
    /** A replica that shows a later revision of the primary stays. */
    Revision: integer({ min: 1 }),
  },

  output: {
    /** False where there was none to remove. */
    Removed: boolean(),
  },

  target: receivedTarget,

  responseElements: ({ Removed }) => ({ removed: Removed }),

  run: removeReceived,
})
