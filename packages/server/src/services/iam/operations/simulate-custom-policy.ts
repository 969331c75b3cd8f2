// SimulateCustomPolicy tells what policies that are given with the call would say of actions.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html

import { operation } from '../../../operation.ts'
import { list, optional, structure } from '../../../shape/shape.ts'
import { userArn } from '../model.ts'
import { inputPolicies, PolicyInputList, simulate, simulationInput, simulationOutput } from '../simulation.ts'

export const simulateCustomPolicy = operation({
  name: 'SimulateCustomPolicy',
  readOnly: true,

  input: {
    ...simulationInput,
    PolicyInputList,
    OrderedOrganizationPolicyInputList: optional(
      list(structure({ ServiceControlPolicyInputList: optional(PolicyInputList) }), { max: 10 }),
    ),
  },

  output: simulationOutput,

  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run(call) {
    const { partition, account, input } = call
    const arn = input.CallerArn ?? userArn(partition, account, { path: '/', userName: 'simulated' })
    const scp = input.OrderedOrganizationPolicyInputList?.map(({ ServiceControlPolicyInputList = [] }) =>
      inputPolicies(ServiceControlPolicyInputList, 'ServiceControlPolicyInputList', 'identity'),
    )
    const own = arn.split(':')[4] ?? account
    return simulate(call, 'SimulateCustomPolicy', {
      principal: { kind: 'user', arn, account: own, userId: 'AIDASIMULATED' },
      context: { 'aws:PrincipalArn': arn, 'aws:PrincipalAccount': own },
      layers: {
        identity: inputPolicies(input.PolicyInputList, 'PolicyInputList', 'identity'),
        ...(scp && { scp }),
      },
    })
  },
})
