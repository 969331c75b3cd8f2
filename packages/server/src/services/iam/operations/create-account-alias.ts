// CreateAccountAlias gives the account a name that no other account of the server has, in the place of the one that it has.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccountAlias.html

import { operation } from '../../../operation.ts'
import { createAlias } from '../accounts.ts'
import { AccountAlias } from '../shapes.ts'
import { accountTarget } from '../target.ts'

export const createAccountAlias = operation({
  name: 'CreateAccountAlias',
  readOnly: false,

  input: { AccountAlias },

  target: accountTarget,

  async run({ app, tx, account, input }) {
    await createAlias(app, tx, account, input.AccountAlias)
    return {}
  },
})
