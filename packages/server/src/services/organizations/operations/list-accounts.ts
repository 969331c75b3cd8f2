// ListAccounts lists the accounts of the organization in the order of their ids, closed ones too, 20 a page at most.
// https://docs.aws.amazon.com/organizations/latest/APIReference/API_ListAccounts.html

import { operation } from '../../../operation.ts'
import { openPageToken, sealPageToken } from '../../../protocol/page-token.ts'
import { list, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { pageSize } from '../input.ts'
import { shownAccount } from '../model.ts'
import { listMembers, mustManage } from '../organization.ts'
import { Account, MaxResults, NextToken } from '../shapes.ts'
import { anyTarget } from '../target.ts'

const TOKEN_PURPOSE = 'organizations:ListAccounts'

export const listAccounts = operation({
  name: 'ListAccounts',
  readOnly: true,

  input: { NextToken: optional(NextToken), MaxResults: optional(MaxResults) },

  output: { Accounts: optional(list(Account)), NextToken: optional(NextToken) },

  target: async (call) => {
    pageSize(call.input.MaxResults)
    return anyTarget(call)
  },

  async run(call) {
    mustManage(call)
    const { app, account, partition, input } = call
    const after =
      input.NextToken === undefined ? '' : openPageToken(app.keyring, TOKEN_PURPOSE, account, input.NextToken)
    if (after === undefined) throw errors.invalidNextToken()
    const { accounts, more } = await listMembers(call, after, pageSize(input.MaxResults))
    return {
      Accounts: accounts.map((found) => shownAccount(partition, app.organization, found)),
      ...(more && { NextToken: sealPageToken(app.keyring, TOKEN_PURPOSE, account, accounts.at(-1)!.accountId) }),
    }
  },
})
