// CreateKey makes a key, with its material unless that is to be imported.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateKey.html

import type { Call } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { boolean, optional, string } from '../../../shape/shape.ts'
import { specContext } from '../key-context.ts'
import { acceptKeyPolicy, mustKeepControl } from '../key-policy.ts'
import { defaultKeyPolicy, type KmsKey, keyMetadata, multiRegionKeyId } from '../model.ts'
import { askedKind, type FreshMaterial, kindOf, makeMaterial, storeNewKey } from '../new-key.ts'
import { CustomKeyStoreId, Description, KeyMetadata, KeySpec, KeyUsage, Origin, Policy, Tags } from '../shapes.ts'
import { requestTagContext, withTags } from '../tags.ts'

const output = { KeyMetadata: optional(KeyMetadata) }

export const createKey = operation({
  name: 'CreateKey',
  readOnly: false,

  input: {
    Policy: optional(Policy),
    Description: optional(Description),
    KeyUsage: optional(KeyUsage),
    CustomerMasterKeySpec: optional(KeySpec),
    KeySpec: optional(KeySpec),
    Origin: optional(Origin),
    CustomKeyStoreId: optional(CustomKeyStoreId),
    BypassPolicyLockoutSafetyCheck: optional(boolean()),
    Tags: optional(Tags),
    MultiRegion: optional(boolean()),
    XksKeyId: optional(string({ min: 1, max: 128 })),
  },

  output,

  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  conditions: (input) => ({
    ...specContext(askedKind(input)),
    'kms:BypassPolicyLockoutSafetyCheck': String(input.BypassPolicyLockoutSafetyCheck ?? false),
    ...requestTagContext(input.Tags),
  }),

  permissions: (input, { resource, shown, account }) =>
    ['kms:CreateKey', ...(input.Tags?.length ? ['kms:TagResource'] : [])].map((action) => ({
      action,
      resource,
      shown: shown!,
      resourceAccount: account,
    })),

  // An RSA key takes up to seconds to make.
  prepare: async ({ input }): Promise<FreshMaterial | undefined> => {
    const { keySpec, origin } = kindOf(input)
    return origin === 'AWS_KMS' ? makeMaterial(keySpec) : undefined
  },

  responseElements: (answer) => redact(output, answer),

  async run(call) {
    const { app, input, partition, account, region, now } = call
    const { multiRegion, ...kind } = kindOf(input)
    const uuid = app.uuid()
    const policy =
      input.Policy === undefined
        ? { document: defaultKeyPolicy(call), principalIds: {} }
        : await acceptKeyPolicy(call, input.Policy)
    const tags = withTags([], input.Tags)
    const key: KmsKey = {
      partition,
      accountId: account,
      region,
      keyId: multiRegion ? multiRegionKeyId(uuid) : uuid,
      createdAt: now,
      description: input.Description ?? '',
      keyManager: 'CUSTOMER',
      ...kind,
      keyState: kind.origin === 'AWS_KMS' ? 'Enabled' : 'PendingImport',
      policy: policy.document,
      principalIds: policy.principalIds,
      ...(tags.length > 0 && { tags }),
      ...(multiRegion && { multiRegion: { primaryRegion: region, replicaRegions: [] } }),
    }
    if (input.Policy !== undefined && !input.BypassPolicyLockoutSafetyCheck) {
      mustKeepControl(call as Call, key, { 'kms:CallerAccount': account })
    }
    const stored = await storeNewKey(call, key, call.prepared as FreshMaterial | undefined)
    return { KeyMetadata: keyMetadata(stored.key) }
  },
})
