// `strongroom audit verify`: finds events that were edited, removed or reordered.

import { reportOf, verifyTrail } from '../../audit/verify.ts'
import type { AdminCommand } from '../command.ts'

export const auditVerify: AdminCommand = {
  name: 'audit/verify',
  run: async ({ auditDatabases, keyring }) => reportOf(await verifyTrail(auditDatabases, keyring)),
}
