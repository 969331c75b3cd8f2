// DeleteAlias takes a name from a key, which stays as it is.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_DeleteAlias.html

import { operation } from '../../../operation.ts'
import { aliasPermissions, aliasTarget, dropAlias } from '../aliases.ts'
import { aliasNotFound } from '../errors.ts'
import { AliasName } from '../shapes.ts'
import { removeAlias } from '../store.ts'
import { existingKey } from '../target.ts'

export const deleteAlias = operation({
  name: 'DeleteAlias',
  readOnly: false,
  input: { AliasName },
  target: aliasTarget,
  permissions: (_, target) => aliasPermissions('kms:DeleteAlias', target, ['current']),

  async run(call) {
    const { input, target, account, region } = call
    if (target.current === undefined) throw aliasNotFound(target.aliasArn)
    await dropAlias(call, existingKey(target.current), input.AliasName)
    await removeAlias(call, account, region, input.AliasName)
    return {}
  },
})
