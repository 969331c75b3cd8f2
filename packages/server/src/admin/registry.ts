// The admin commands. A new one is a file in commands/ and a line here.

import type { AdminCommand } from './command.ts'
import { auditVerify } from './commands/audit-verify.ts'
import { backup } from './commands/backup.ts'
import { domainKeysRotate } from './commands/domain-keys.ts'
import { health } from './commands/health.ts'
import { recover } from './commands/recover.ts'
import { reopenAccount } from './commands/reopen-account.ts'
import {
  rootKeyAdd,
  rootKeyRemove,
  rootKeyRetire,
  rootKeyRotate,
  rootKeyStatusCommand,
  rootKeyVerify,
} from './commands/root-key.ts'
import { sealStatus, unseal } from './commands/unseal.ts'

export const commands: readonly AdminCommand[] = [
  auditVerify,
  backup,
  domainKeysRotate,
  health,
  recover,
  reopenAccount,
  rootKeyAdd,
  rootKeyRemove,
  rootKeyRetire,
  rootKeyRotate,
  rootKeyStatusCommand,
  rootKeyVerify,
  sealStatus,
  unseal,
]
