// UntagResource takes tags off a secret. Keys that it does not have are no error; what would lock the caller out is.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UntagResource.html

import { operation } from '../../../operation.ts'
import { mustKeepAccess } from '../lock-out.ts'
import { changeSecret } from '../replication.ts'
import { SecretId, TagKeys } from '../shapes.ts'
import { tagKeysContext, withoutTags } from '../tags.ts'
import { primarySecret, secretTarget } from '../target.ts'

export const untagResource = operation({
  name: 'UntagResource',
  readOnly: false,

  input: { SecretId, TagKeys },

  target: secretTarget,

  conditions: ({ TagKeys }) => tagKeysContext(TagKeys),

  async run(call) {
    const stored = primarySecret(call.target)
    const tags = withoutTags(stored.secret.tags, call.input.TagKeys)
    if (tags.length < stored.secret.tags.length) {
      const secret = { ...stored.secret, tags, changedAt: call.now }
      mustKeepAccess(call, 'secretsmanager:UntagResource', { ...stored, secret }, tagKeysContext(call.input.TagKeys))
      await changeSecret(call, stored, secret)
    }
    return {}
  },
})
