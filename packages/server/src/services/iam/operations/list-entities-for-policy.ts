// ListEntitiesForPolicy lists the users, groups and roles that a managed policy is attached to, or is the boundary of.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListEntitiesForPolicy.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { pageOf } from '../paging.ts'
import { entitySource, shownEntities } from '../policy-lists.ts'
import {
  Arn,
  EntityFilter,
  PageInput,
  PageOutput,
  Path,
  PolicyGroup,
  PolicyRole,
  PolicyUsage,
  PolicyUser,
} from '../shapes.ts'
import { existingPolicy, policyTarget } from '../target.ts'

export const listEntitiesForPolicy = operation({
  name: 'ListEntitiesForPolicy',
  readOnly: true,

  input: {
    PolicyArn: Arn,
    EntityFilter: optional(EntityFilter),
    PathPrefix: optional(Path),
    PolicyUsageFilter: optional(PolicyUsage),
    ...PageInput,
  },

  output: {
    PolicyGroups: optional(list(PolicyGroup)),
    PolicyUsers: optional(list(PolicyUser)),
    PolicyRoles: optional(list(PolicyRole)),
    ...PageOutput,
  },

  target: policyTarget,

  async run(call) {
    const source = entitySource(call, existingPolicy(call.target))
    const { items, more } = await pageOf(call, 'ListEntitiesForPolicy', source)
    return { ...shownEntities(items), ...more }
  },
})
