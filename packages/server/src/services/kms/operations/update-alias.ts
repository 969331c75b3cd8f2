// UpdateAlias moves an alias to another key of the same type and usage.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_UpdateAlias.html

import { operation } from '../../../operation.ts'
import { addAlias, aliasPermissions, aliasTarget, dropAlias, mustBeAlike } from '../aliases.ts'
import { aliasNotFound } from '../errors.ts'
import { AliasName, KeyId } from '../shapes.ts'
import { insertAlias, removeAlias } from '../store.ts'
import { existingKey, fitKey } from '../target.ts'

export const updateAlias = operation({
  name: 'UpdateAlias',
  readOnly: false,
  input: { AliasName, TargetKeyId: KeyId },
  target: aliasTarget,
  permissions: (_, target) => aliasPermissions('kms:UpdateAlias', target, ['current', 'next']),

  async run(call) {
    const { input, target, account, region, now } = call
    const { alias, current, aliasArn } = target
    if (alias === undefined || current === undefined) throw aliasNotFound(aliasArn)
    const next = fitKey(target.next!, 'change')
    const before = existingKey(current)
    if (before.key.keyId === next.key.keyId) return {}
    mustBeAlike(before.key, next.key)
    await dropAlias(call, before, input.AliasName)
    await addAlias(call, next, input.AliasName)
    await removeAlias(call, account, region, input.AliasName)
    await insertAlias(call, account, region, { ...alias, targetKeyId: next.key.keyId, updatedAt: now })
    return {}
  },
})
