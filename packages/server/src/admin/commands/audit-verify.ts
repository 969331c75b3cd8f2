// `strongroom audit verify`: finds events that were edited, removed or reordered.

import { verifyTrail } from '../../audit/verify.ts'
import type { AdminCommand } from '../command.ts'

export const auditVerify: AdminCommand = {
  name: 'audit/verify',
  run: async ({ auditDatabases, keyring }) => {
    const verification = await verifyTrail(auditDatabases, keyring)
    return { ok: verification.problems.length === 0, ...verification }
  },
}
