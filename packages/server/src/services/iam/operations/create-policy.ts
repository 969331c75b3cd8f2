// CreatePolicy makes a customer managed policy, in the version v1.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicy.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { shownPolicy } from '../details.ts'
import { policyArn } from '../model.ts'
import { createPolicy as create } from '../policies.ts'
import { Policy, PolicyDescription, PolicyDocument, PolicyName, PolicyPath, Tags } from '../shapes.ts'
import { findRow, POLICY } from '../store.ts'
import { requestTagContext, withPolicyTags } from '../tags.ts'
import { newTarget, permissionsOn } from '../target.ts'

const output = { Policy: optional(Policy) }

export const createPolicy = operation({
  name: 'CreatePolicy',
  readOnly: false,

  input: {
    PolicyName,
    Path: optional(PolicyPath),
    PolicyDocument,
    Description: optional(PolicyDescription),
    Tags: optional(Tags),
  },

  output,

  target: async ({ partition, account, input }) =>
    newTarget(account, 'policy', policyArn(partition, account, input.Path ?? '/', input.PolicyName)),

  conditions: ({ Tags }) => requestTagContext(Tags),

  permissions: ({ Tags }, target) =>
    permissionsOn(target, 'iam:CreatePolicy', ...(Tags?.length ? ['iam:TagPolicy'] : [])),

  responseElements: (result) => redact(output, result),

  async run({ app, tx, account, now, input }) {
    const arn = await create(app, tx, account, {
      policyName: input.PolicyName,
      document: input.PolicyDocument,
      now,
      path: input.Path,
      description: input.Description,
      tags: withPolicyTags([], input.Tags),
    })
    return { Policy: shownPolicy((await findRow(app, tx, POLICY, [account, arn]))!) }
  },
})
