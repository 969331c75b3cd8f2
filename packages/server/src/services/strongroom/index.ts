// Our own signed routes under /_strongroom/. They take SigV4 with the service name secretsmanager, so that any AWS signer can call them.

import type { Service } from '../../operation.ts'
import { advanceClock } from './operations/advance-clock.ts'
import { readEvents } from './operations/read-events.ts'
import { revokeSession } from './operations/revoke-session.ts'

export const strongroom: Service = {
  name: 'strongroom',
  signingName: 'secretsmanager',
  protocol: 'json',
  bodyBytesMax: 65_536,
  operations: [advanceClock, readEvents, revokeSession],
}
