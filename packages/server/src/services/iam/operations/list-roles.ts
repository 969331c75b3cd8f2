// ListRoles lists the roles under a path, by name. Neither tags nor boundaries nor last uses are in it, as on AWS: GetRole has them.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListRoles.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { listedRole } from '../details.ts'
import { namedSource, pageOf } from '../paging.ts'
import { PageInput, PageOutput, PathPrefix, Role } from '../shapes.ts'
import { ROLE } from '../store.ts'
import { listTarget } from '../target.ts'

export const listRoles = operation({
  name: 'ListRoles',
  readOnly: true,

  input: { PathPrefix: optional(PathPrefix), ...PageInput },

  output: { Roles: list(Role), ...PageOutput },

  target: listTarget('role'),

  async run(call) {
    const source = namedSource(call, ROLE, call.input.PathPrefix)
    const { items, more } = await pageOf(call, 'ListRoles', source)
    const Roles = []
    for (const role of items) Roles.push(await listedRole(call, role))
    return { Roles, ...more }
  },
})
