// CreateAlias gives a key a name.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html

import { operation } from '../../../operation.ts'
import { addAlias, aliasPermissions, aliasTarget } from '../aliases.ts'
import { aliasExists } from '../errors.ts'
import { AliasName, KeyId } from '../shapes.ts'
import { insertAlias } from '../store.ts'
import { fitKey } from '../target.ts'

export const createAlias = operation({
  name: 'CreateAlias',
  readOnly: false,
  input: { AliasName, TargetKeyId: KeyId },
  target: aliasTarget,
  permissions: (_, target) => aliasPermissions('kms:CreateAlias', target, ['next']),

  async run(call) {
    const { input, target, account, region, now } = call
    const stored = fitKey(target.next!, 'change')
    const alias = { aliasName: input.AliasName, targetKeyId: stored.key.keyId, createdAt: now, updatedAt: now }
    if (!(await insertAlias(call, account, region, alias))) throw aliasExists(target.aliasArn)
    await addAlias(call, stored, input.AliasName)
    return {}
  },
})
