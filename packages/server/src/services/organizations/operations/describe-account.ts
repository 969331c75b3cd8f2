// DescribeAccount tells the management account of one account, open or closed.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_DescribeAccount.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { shownAccount } from '../model.ts'
import { mustManage } from '../organization.ts'
import { Account, AccountId } from '../shapes.ts'
import { accountTarget, existingAccount } from '../target.ts'

export const describeAccount = operation({
  name: 'DescribeAccount',
  readOnly: true,

  input: { AccountId },

  output: { Account: optional(Account) },

  target: accountTarget,

  async run(call) {
    mustManage(call)
    const { app, partition, target } = call
    return { Account: shownAccount(partition, app.organization, existingAccount(target)) }
  },
})
