// DeleteAccountAlias takes the account's alias away, which any account of the server may have from then on.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_DeleteAccountAlias.html

import { operation } from '../../../operation.ts'
import { deleteAlias } from '../accounts.ts'
import { AccountAlias } from '../shapes.ts'
import { accountTarget } from '../target.ts'

export const deleteAccountAlias = operation({
  name: 'DeleteAccountAlias',
  readOnly: false,

  input: { AccountAlias },

  target: accountTarget,

  async run({ app, tx, account, input }) {
    await deleteAlias(app, tx, account, input.AccountAlias)
    return {}
  },
})
