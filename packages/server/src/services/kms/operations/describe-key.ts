// DescribeKey tells everything of a key but its policy, its tags and its aliases.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DescribeKey.html

import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import { keyMetadata } from '../model.ts'
import { GrantTokens, KeyId, KeyMetadata } from '../shapes.ts'
import { existingKey, keyTarget } from '../target.ts'

export const describeKey = operation({
  name: 'DescribeKey',
  readOnly: true,
  input: { KeyId, GrantTokens: optional(GrantTokens) },
  output: { KeyMetadata: optional(KeyMetadata) },
  target: keyTarget({ names: 'any', crossAccount: true, grant: 'DescribeKey' }),

  async run({ target }) {
    return { KeyMetadata: keyMetadata(existingKey(target).key) }
  },
})
