// DisableKey keeps a key from being used, until it is enabled again.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DisableKey.html

import { operation } from '../../../operation.ts'
import { idleDays } from '../last-use.ts'
import { KeyId } from '../shapes.ts'
import { updateKey } from '../store.ts'
import { fitKey, ownKeyTarget } from '../target.ts'

export const disableKey = operation({
  name: 'DisableKey',
  readOnly: false,
  input: { KeyId },
  target: async (call) => idleDays(call, await ownKeyTarget(call)),

  async run(call) {
    const stored = fitKey(call.target, 'enable')
    if (stored.key.keyState !== 'Disabled') await updateKey(call, stored, { ...stored.key, keyState: 'Disabled' })
    return {}
  },
})
