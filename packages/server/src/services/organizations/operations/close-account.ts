// CloseAccount closes an account: from the next request on, nothing of it is let in and nothing in it is given out. Its data stays. It is
// closed when the call is answered; AWS says PENDING_CLOSURE first.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_CloseAccount.html

import { operation } from '../../../operation.ts'
import { setAccountStatus } from '../../iam/port.ts'
import * as errors from '../errors.ts'
import { mustManage } from '../organization.ts'
import { AccountId } from '../shapes.ts'
import { accountTarget, existingAccount } from '../target.ts'

export const closeAccount = operation({
  name: 'CloseAccount',
  readOnly: false,

  input: { AccountId },

  target: accountTarget,

  async run(call) {
    mustManage(call)
    const { app, tx, target } = call
    const { accountId, status } = existingAccount(target)
    if (accountId === app.organization.managementAccount) throw errors.managementAccountStays()
    if (status === 'SUSPENDED') throw errors.accountAlreadyClosed()
    await setAccountStatus(app, tx, accountId, 'SUSPENDED')
    call.also({
      eventName: 'CloseAccountResult',
      readOnly: false,
      ofService: true,
      requestParameters: null,
      additionalEventData: { closeAccountStatus: { accountId, state: 'SUCCEEDED' } },
    })
    return {}
  },
})
