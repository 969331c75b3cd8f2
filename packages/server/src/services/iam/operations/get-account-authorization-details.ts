// GetAccountAuthorizationDetails tells of users, groups, roles and managed policies with all that decides what they may, page by page.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccountAuthorizationDetails.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { authorizationSource } from '../authorization-details.ts'
import { pageOf } from '../paging.ts'
import {
  EntityFilter,
  GroupDetail,
  ManagedPolicyDetail,
  PageInput,
  PageOutput,
  RoleDetail,
  UserDetail,
} from '../shapes.ts'
import { accountTarget } from '../target.ts'

export const getAccountAuthorizationDetails = operation({
  name: 'GetAccountAuthorizationDetails',
  readOnly: true,

  input: { Filter: optional(list(EntityFilter)), ...PageInput },

  output: {
    UserDetailList: optional(list(UserDetail)),
    GroupDetailList: optional(list(GroupDetail)),
    RoleDetailList: optional(list(RoleDetail)),
    Policies: optional(list(ManagedPolicyDetail)),
    ...PageOutput,
  },

  target: accountTarget,

  async run(call) {
    const { items, more } = await pageOf(call, 'GetAccountAuthorizationDetails', authorizationSource(call))
    return {
      UserDetailList: items.flatMap((one) => (one.list === 'UserDetailList' ? [one.shown] : [])),
      GroupDetailList: items.flatMap((one) => (one.list === 'GroupDetailList' ? [one.shown] : [])),
      RoleDetailList: items.flatMap((one) => (one.list === 'RoleDetailList' ? [one.shown] : [])),
      Policies: items.flatMap((one) => (one.list === 'Policies' ? [one.shown] : [])),
      ...more,
    }
  },
})
