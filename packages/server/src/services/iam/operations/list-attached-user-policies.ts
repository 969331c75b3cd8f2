// ListAttachedUserPolicies lists the managed policies that are attached to a user.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAttachedUserPolicies.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { attachedSource, shownAttached } from '../attachments.ts'
import { pageOf } from '../paging.ts'
import { AttachedPolicy, PageInput, PageOutput, PolicyPathPrefix, UserName } from '../shapes.ts'
import { existingUser, userTarget } from '../target.ts'

export const listAttachedUserPolicies = operation({
  name: 'ListAttachedUserPolicies',
  readOnly: true,

  input: { UserName, PathPrefix: optional(PolicyPathPrefix), ...PageInput },

  output: { AttachedPolicies: optional(list(AttachedPolicy)), ...PageOutput },

  target: userTarget,

  async run(call) {
    const source = attachedSource(existingUser(call.target).body, call.input.PathPrefix)
    const { items, more } = await pageOf(call, 'ListAttachedUserPolicies', source)
    return { AttachedPolicies: items.map(shownAttached), ...more }
  },
})
