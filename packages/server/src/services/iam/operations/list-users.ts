// ListUsers lists the users of the account, by name, without their tags and boundaries.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUsers.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { listedUser } from '../details.ts'
import { namedSource, pageOf } from '../paging.ts'
import { PageInput, PageOutput, PathPrefix, User } from '../shapes.ts'
import { USER } from '../store.ts'
import { listTarget } from '../target.ts'

export const listUsers = operation({
  name: 'ListUsers',
  readOnly: true,

  input: { PathPrefix: optional(PathPrefix), ...PageInput },

  output: { Users: list(User), ...PageOutput },

  target: listTarget('user'),

  async run(call) {
    const { partition, input } = call
    const { items, more } = await pageOf(call, 'ListUsers', namedSource(call, USER, input.PathPrefix))
    return { Users: items.map((stored) => listedUser(partition, stored)), ...more }
  },
})
