// SimulatePrincipalPolicy tells what the policies of a user, a group or a role, and those given with the call, say of actions: why a call was
// refused, without making it.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html

import { operation } from '../../../operation.ts'
import { enumeration, list, optional, string, structure } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { Arn } from '../shapes.ts'
import { inputPolicies, PolicyInputList, simulate, simulationInput, simulationOutput } from '../simulation.ts'
import { findPolicies } from '../store.ts'
import { existingPolicySource, policySourceTarget } from '../target.ts'

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

  target: policySourceTarget,

  async run(call) {
    const { app, tx, account, input, target } = call
    if (input.PolicyExclusionList?.length) throw errors.notSimulated('PolicyExclusionList')
    const { key, body } = existingPolicySource(target)
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
