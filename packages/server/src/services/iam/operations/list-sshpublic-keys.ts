// ListSSHPublicKeys lists no SSH public keys: this server has none. Terraform asks before it deletes a user.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListSSHPublicKeys.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { emptyPage } from '../paging.ts'
import { ExistingUserName, PageInput, PageOutput, SSHPublicKeyMetadata } from '../shapes.ts'
import { existingOwn, ownTarget } from '../target.ts'

export const listSSHPublicKeys = operation({
  name: 'ListSSHPublicKeys',
  readOnly: true,

  input: { UserName: optional(ExistingUserName), ...PageInput },

  output: { SSHPublicKeys: optional(list(SSHPublicKeyMetadata)), ...PageOutput },

  target: ownTarget,

  async run(call) {
    existingOwn(call.target)
    const { items, more } = await emptyPage(call, 'ListSSHPublicKeys')
    return { SSHPublicKeys: items, ...more }
  },
})
