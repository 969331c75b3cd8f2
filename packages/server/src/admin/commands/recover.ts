// `strongroom admin recover`: a new access key for the administrator of the first account, where the old one was lost.

import { credentialsPath, writeCredentials } from '../../credentials-file.ts'
import { recoverAdministrator } from '../../services/iam/bootstrap.ts'
import type { AdminCommand } from '../command.ts'

export const recover: AdminCommand = {
  name: 'admin/recover',
  eventName: 'RecoverAdministrator',
  run: async ({ app, config }) => {
    const made = await app.database.transaction('write', async (tx) => {
      const credentials = await recoverAdministrator(app, tx, app.wallNow())
      // Before the commit: a key that is in no file could be used by nobody.
      writeCredentials(config.dataDir, credentials)
      return credentials
    })
    return {
      accountId: made.accountId,
      accessKeyId: made.accessKeyId,
      credentialsFile: credentialsPath(config.dataDir),
    }
  },
}
