// `strongroom admin reopen-account ACCOUNT_ID`: takes back CloseAccount, which no API can. On AWS, its support does.

import { findAccount, setAccountStatus } from '../../services/iam/port.ts'
import { type AdminCommand, AdminError, mustText } from '../command.ts'

export const reopenAccount: AdminCommand = {
  name: 'admin/reopen-account',
  eventName: 'ReopenAccount',
  eventParameters: ({ accountId }) => ({ accountId }),
  run: async ({ app }, input) => {
    const accountId = mustText(input, 'accountId', 12)
    await app.database.transaction('write', async (tx) => {
      const account = await findAccount(app, tx, accountId)
      if (account === undefined) throw new AdminError(`there is no account ${accountId}`)
      if (account.status !== 'SUSPENDED') throw new AdminError(`account ${accountId} is not closed`)
      await setAccountStatus(app, tx, accountId, 'ACTIVE')
    })
    return { accountId, status: 'ACTIVE' }
  },
}
