// `strongroom backup FILE`: a copy of every database of the running server in one file, which the server itself writes.

import { isAbsolute } from 'node:path'
import { BackupError, backup as writeBackup } from '../../storage/backup.ts'
import { DatabaseError } from '../../storage/database.ts'
import { type AdminCommand, AdminError, mustText } from '../command.ts'

export const backup: AdminCommand = {
  name: 'backup',
  eventName: 'CreateBackup',
  eventParameters: ({ file }) => ({ file }),
  run: async ({ auditDatabases }, input) => {
    const file = mustText(input, 'file')
    if (!isAbsolute(file)) throw new AdminError(`${file} is not an absolute path`)
    try {
      await writeBackup(auditDatabases, file)
    } catch (error) {
      if (error instanceof BackupError || error instanceof DatabaseError) throw new AdminError(error.message, error)
      throw error
    }
    return { file }
  },
}
