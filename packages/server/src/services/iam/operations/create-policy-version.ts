// CreatePolicyVersion adds a version to a customer managed policy, which as the default is in effect from the next request on.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreatePolicyVersion.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { createPolicyVersion as create } from '../policies.ts'
import { Arn, PolicyDocument, PolicyVersion } from '../shapes.ts'
import { existingPolicy, ownPolicyTarget } from '../target.ts'

const output = { PolicyVersion: optional(PolicyVersion) }

export const createPolicyVersion = operation({
  name: 'CreatePolicyVersion',
  readOnly: false,

  input: { PolicyArn: Arn, PolicyDocument, SetAsDefault: optional(boolean()) },

  output,

  target: ownPolicyTarget,

  responseElements: (result) => redact(output, result),

  async run({ app, tx, now, input, target }) {
    const { PolicyDocument: document, SetAsDefault: setAsDefault = false } = input
    const { versionId, createdAt } = await create(app, tx, existingPolicy(target), { document, setAsDefault, now })
    return { PolicyVersion: { VersionId: versionId, IsDefaultVersion: setAsDefault, CreateDate: createdAt } }
  },
})
