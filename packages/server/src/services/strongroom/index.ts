// Our own signed routes under /_strongroom/. They take SigV4 with the service name secretsmanager, so that any AWS signer can call them.

import type { Service } from '../../operation.ts'
import { advanceClock } from './operations/advance-clock.ts'
import { explainAccess } from './operations/explain-access.ts'
import { putReplica } from './operations/put-replica.ts'
import { readEvents } from './operations/read-events.ts'
import { removeReplica } from './operations/remove-replica.ts'
import { revokeSession } from './operations/revoke-session.ts'

export const strongroom: Service = {
  name: 'strongroom',
  signingName: 'secretsmanager',
  protocol: 'json',
  // A replica comes with its policy, its tags and one value of 64 KiB in base64.
  bodyBytesMax: 512 * 1024,
  operations: [advanceClock, explainAccess, putReplica, readEvents, removeReplica, revokeSession],
}
