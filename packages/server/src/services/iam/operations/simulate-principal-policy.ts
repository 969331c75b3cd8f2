// SimulatePrincipalPolicy tells what the policies of a user, a group or a role, and those given with the call, say of actions: why a call was
// refused, without making it.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html

import type { Call } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import { enumeration, list, optional, string, structure } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { Arn } from '../shapes.ts'
import { inputPolicies, PolicyInputList, simulate, simulationInput, simulationOutput } from '../simulation.ts'
import { findPolicies } from '../store.ts'
import { resolveGroup, resolveRole, resolveUser } from '../target.ts'

const PolicyExclusionList = list(
  structure({
    PolicyType: optional(string()),
    PolicyArn: optional(Arn),
    InlinePolicyIdentifier: optional(
      structure({
        PolicyName: string(),
        AttachmentType: enumeration('User', 'Group', 'Role'),
        AttachmentName: string(),
      }),
    ),
  }),
)

export const simulatePrincipalPolicy = operation({
  name: 'SimulatePrincipalPolicy',
  readOnly: true,

  input: {
    ...simulationInput,
    PolicySourceArn: Arn,
    PolicyInputList: optional(PolicyInputList),
    PolicyExclusionList: optional(PolicyExclusionList),
  },

  output: simulationOutput,

  target: async (call: Call<{ readonly PolicySourceArn: string }>) => {
    const arn = call.input.PolicySourceArn
    const found = await findSource(call, arn)
    return { resource: arn, shown: arn, account: /^arn:[a-z-]+:iam::(\d{12}):/.exec(arn)?.[1] ?? call.account, found }
  },

  async run(call) {
    const { app, tx, account, input, target } = call
    if (input.PolicyExclusionList?.length) throw errors.notSimulated('PolicyExclusionList')
    if (target.found === undefined) throw errors.noSuchSource(input.PolicySourceArn)
    const { key, body } = target.found
    const { compile } = await findPolicies(app, tx, account, body)
    const { policies, boundary } = compile()
    const given = inputPolicies(input.PolicyInputList ?? [], 'PolicyInputList', 'identity')
    const arn = input.CallerArn ?? input.PolicySourceArn
    const tags = 'tags' in body ? (body.tags ?? []) : []
    return simulate(call, 'SimulatePrincipalPolicy', {
      principal: { kind: 'user', arn, account, userId: key[1]! },
      context: {
        'aws:PrincipalArn': arn,
        'aws:PrincipalAccount': account,
        'aws:userid': key[1],
        ...('userName' in body && { 'aws:username': body.userName }),
        ...Object.fromEntries(tags.map((tag) => [`aws:PrincipalTag/${tag.key}`, tag.value])),
      },
      layers: { identity: [...policies, ...given], ...(boundary && { boundary }) },
      inOrganization: true,
    })
  },
})

/** The user, group or role of the caller's account that has the very ARN. */
async function findSource(call: Call<{ readonly PolicySourceArn: string }>, arn: string) {
  const name = arn.slice(arn.lastIndexOf('/') + 1)
  const kind = arn.split(':')[5]?.split('/')[0] ?? ''
  const found =
    kind === 'user'
      ? await resolveUser(call, name)
      : kind === 'group'
        ? await resolveGroup(call, name)
        : kind === 'role'
          ? await resolveRole(call, name)
          : undefined
  return found?.resource === arn ? found.stored : undefined
}
