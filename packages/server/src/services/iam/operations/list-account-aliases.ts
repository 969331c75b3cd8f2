// ListAccountAliases lists the alias of the account: it has one at most.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccountAliases.html

import { operation } from '../../../operation.ts'
import { list, string } from '../../../shape/shape.ts'
import { listed, pageOf } from '../paging.ts'
import { PageInput, PageOutput } from '../shapes.ts'
import { accountTarget } from '../target.ts'
import { readAccount } from '../users.ts'

export const listAccountAliases = operation({
  name: 'ListAccountAliases',
  readOnly: true,

  input: PageInput,

  output: { AccountAliases: list(string()), ...PageOutput },

  target: accountTarget,

  async run(call) {
    const { alias } = await readAccount(call.app, call.tx, call.account)
    const source = listed(alias === undefined ? [] : [alias], (one) => one)
    const { items, more } = await pageOf(call, 'ListAccountAliases', source)
    return { AccountAliases: items, ...more }
  },
})
