// UpdatePrimaryRegion makes the replica of another Region the primary key of a multi-Region set.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdatePrimaryRegion.html

import type { Call } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import { requestContext } from '../key-context.ts'
import { arnOf } from '../model.ts'
import { movePrimary, mustMove } from '../replica.ts'
import { KeyId, Region } from '../shapes.ts'
import { findKey } from '../store.ts'
import { fitKey, type KeyTarget, ownKeyTarget, permissionOn, targetOf } from '../target.ts'

type TwoKeys = KeyTarget & { readonly replica: KeyTarget | undefined }

export const updatePrimaryRegion = operation({
  name: 'UpdatePrimaryRegion',
  readOnly: false,
  input: { KeyId, PrimaryRegion: Region },

  target: async (call: Call<{ readonly KeyId: string; readonly PrimaryRegion: string }>): Promise<TwoKeys> => {
    const target = await ownKeyTarget(call)
    const key = target.stored?.key
    const stored = key && (await findKey(call, key.accountId, call.input.PrimaryRegion, key.keyId))
    return { ...target, replica: stored && (await targetOf(call, stored, arnOf(stored.key), requestContext(call), {})) }
  },

  permissions: (_, target) =>
    [target, ...(target.replica ? [target.replica] : [])].map((one) => permissionOn(one, 'kms:UpdatePrimaryRegion')),

  async run(call) {
    const { input, target } = call
    const stored = fitKey(target, 'use')
    mustMove(stored.key, input.PrimaryRegion)
    fitKey(target.replica!, 'use')
    await movePrimary(call, stored, input.PrimaryRegion)
    return {}
  },
})
