// ListPolicyVersions lists the versions of a managed policy, the newest first, without their documents.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListPolicyVersions.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import type { PolicyVersionEntry } from '../model.ts'
import { listed, pageOf } from '../paging.ts'
import { Arn, PageInput, PageOutput, PolicyVersion } from '../shapes.ts'
import { existingPolicy, policyTarget } from '../target.ts'

export const listPolicyVersions = operation({
  name: 'ListPolicyVersions',
  readOnly: true,

  input: { PolicyArn: Arn, ...PageInput },

  output: { Versions: optional(list(PolicyVersion)), ...PageOutput },

  target: policyTarget,

  async run(call) {
    const { versions, defaultVersionId } = existingPolicy(call.target).body
    const { items, more } = await pageOf(call, 'ListPolicyVersions', listed(versions, newestFirst))
    const Versions = items.map(({ versionId, createdAt }) => ({
      VersionId: versionId,
      IsDefaultVersion: versionId === defaultVersionId,
      CreateDate: createdAt,
    }))
    return { Versions, ...more }
  },
})

/** Numbers have at most 16 digits. */
const newestFirst = ({ versionId }: PolicyVersionEntry): string =>
  String(Number.MAX_SAFE_INTEGER - Number(versionId.slice(1))).padStart(16, '0')
