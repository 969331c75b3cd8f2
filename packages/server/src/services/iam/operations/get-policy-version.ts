// GetPolicyVersion returns the document of one version of a managed policy.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetPolicyVersion.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { encodedDocument } from '../documents.ts'
import { readPolicyVersion } from '../policies.ts'
import { Arn, PolicyVersion, PolicyVersionId } from '../shapes.ts'
import { existingPolicy, policyTarget } from '../target.ts'

export const getPolicyVersion = operation({
  name: 'GetPolicyVersion',
  readOnly: true,

  input: { PolicyArn: Arn, VersionId: PolicyVersionId },

  output: { PolicyVersion: optional(PolicyVersion) },

  target: policyTarget,

  async run({ app, tx, input, target }) {
    const policy = existingPolicy(target)
    const { document, createdAt } = await readPolicyVersion(app, tx, policy, input.VersionId)
    return {
      PolicyVersion: {
        Document: encodedDocument(document),
        VersionId: input.VersionId,
        IsDefaultVersion: input.VersionId === policy.body.defaultVersionId,
        CreateDate: createdAt,
      },
    }
  },
})
