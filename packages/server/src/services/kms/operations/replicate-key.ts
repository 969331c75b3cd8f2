// ReplicateKey makes a multi-Region key's replica in another Region: the same id and material, and everything else its own.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ReplicateKey.html

import type { Call } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { specContext } from '../key-context.ts'
import { acceptKeyPolicy, mustKeepControl } from '../key-policy.ts'
import { defaultKeyPolicy, keyMetadata } from '../model.ts'
import { makeReplica, mustReplicate } from '../replica.ts'
import { Description, KeyId, KeyMetadata, Policy, Region, Tags } from '../shapes.ts'
import { requestTagContext, shownTags, withTags } from '../tags.ts'
import { fitKey, ownKeyTarget, permissionOn } from '../target.ts'

const output = {
  ReplicaKeyMetadata: optional(KeyMetadata),
  ReplicaPolicy: optional(Policy),
  ReplicaTags: optional(Tags),
}

export const replicateKey = operation({
  name: 'ReplicateKey',
  readOnly: false,
  input: {
    KeyId,
    ReplicaRegion: Region,
    Policy: optional(Policy),
    BypassPolicyLockoutSafetyCheck: optional(boolean()),
    Description: optional(Description),
    Tags: optional(Tags),
  },
  output,
  target: ownKeyTarget,

  conditions: (input) => ({
    'kms:BypassPolicyLockoutSafetyCheck': String(input.BypassPolicyLockoutSafetyCheck ?? false),
    ...requestTagContext(input.Tags),
  }),

  // The replica is made in its own Region, by the caller's own policies there.
  permissions: (input, target) => [
    permissionOn(target, 'kms:ReplicateKey'),
    ...['kms:CreateKey', ...(input.Tags?.length ? ['kms:TagResource'] : [])].map((action) => ({
      action,
      resource: '*',
      shown: '*',
      resourceAccount: target.account,
      context: {
        ...(target.stored && specContext({ ...target.stored.key, multiRegion: true })),
        'aws:RequestedRegion': input.ReplicaRegion,
      },
    })),
  ],

  responseElements: (answer) => redact(output, answer),

  async run(call) {
    const { input, target, account } = call
    const stored = fitKey(target, 'use')
    mustReplicate(stored.key, input.ReplicaRegion)
    const policy =
      input.Policy === undefined
        ? { document: defaultKeyPolicy(call), principalIds: {} }
        : await acceptKeyPolicy(call, input.Policy)
    const tags = withTags([], input.Tags)
    const { key } = stored
    const draft = {
      ...{ partition: key.partition, accountId: key.accountId, region: input.ReplicaRegion, keyId: key.keyId },
      createdAt: call.now,
      description: input.Description ?? '',
      keyManager: 'CUSTOMER',
      ...{ keySpec: key.keySpec, keyUsage: key.keyUsage, origin: key.origin },
      keyState: 'Enabled',
      policy: policy.document,
      principalIds: policy.principalIds,
      ...(tags.length > 0 && { tags }),
    } as const
    if (input.Policy !== undefined && !input.BypassPolicyLockoutSafetyCheck)
      mustKeepControl(call as Call, draft, { 'kms:CallerAccount': account, 'aws:RequestedRegion': input.ReplicaRegion })
    const replica = await makeReplica(call, stored, draft)
    return {
      ReplicaKeyMetadata: keyMetadata(replica.key),
      ReplicaPolicy: policy.document,
      ReplicaTags: shownTags(tags),
    }
  },
})
