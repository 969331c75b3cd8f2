// ListSecrets lists the secrets of the caller's account in a region, without their values.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecrets.html

import { operation } from '../../../operation.ts'
import { boolean, list, optional } from '../../../shape/shape.ts'
import { secretDetails } from '../details.ts'
import { listPage, openNextToken, orderOf, sealNextToken } from '../list.ts'
import { labelledVersions } from '../model.ts'
import { Filters, MaxResults, NextToken, SecretListEntry, SortBy, SortOrder } from '../shapes.ts'

const PAGE_MAX = 100

export const listSecrets = operation({
  name: 'ListSecrets',
  readOnly: true,

  input: {
    IncludePlannedDeletion: optional(boolean()),
    MaxResults: optional(MaxResults),
    NextToken: optional(NextToken),
    Filters: optional(Filters),
    SortOrder: optional(SortOrder),
    SortBy: optional(SortBy),
  },

  output: { SecretList: optional(list(SecretListEntry)), NextToken: optional(NextToken) },

  target: async ({ account }) => ({ resource: '*', account }),

  async run(call) {
    const { account, region, input } = call
    const order = orderOf(input.SortBy, input.SortOrder)
    const { secrets, next } = await listPage(call, {
      account,
      region,
      filters: input.Filters ?? [],
      planned: input.IncludePlannedDeletion ?? false,
      order,
      after: openNextToken(call, 'ListSecrets', order, input.NextToken),
      max: input.MaxResults ?? PAGE_MAX,
    })
    return {
      SecretList: secrets.map((stored) => ({
        ...secretDetails(stored, call.app.accesses),
        SecretVersionsToStages: labelledVersions(stored.secret),
      })),
      NextToken: sealNextToken(call, 'ListSecrets', order, next),
    }
  },
})
