// ListGroups lists the groups of the account, by name.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListGroups.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { shownGroup } from '../details.ts'
import { namedSource, pageOf } from '../paging.ts'
import { Group, PageInput, PageOutput, PathPrefix } from '../shapes.ts'
import { GROUP } from '../store.ts'
import { listTarget } from '../target.ts'

export const listGroups = operation({
  name: 'ListGroups',
  readOnly: true,

  input: { PathPrefix: optional(PathPrefix), ...PageInput },

  output: { Groups: list(Group), ...PageOutput },

  target: listTarget('group'),

  async run(call) {
    const { partition, input } = call
    const { items, more } = await pageOf(call, 'ListGroups', namedSource(call, GROUP, input.PathPrefix))
    return { Groups: items.map((stored) => shownGroup(partition, stored)), ...more }
  },
})
