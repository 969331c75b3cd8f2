// UntagResource takes tags off a secret. Keys that it does not have are no error; what would lock the caller out is.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UntagResource.html

import { operation } from '../../../operation.ts'
import { mustKeepAccess } from '../lock-out.ts'
import { SecretId, TagKeys } from '../shapes.ts'
import { updateSecret } from '../store.ts'
import { tagKeysContext, withoutTags } from '../tags.ts'
import { liveSecret, secretTarget } from '../target.ts'

export const untagResource = operation({
  name: 'UntagResource',
  readOnly: false,

  input: { SecretId, TagKeys },

  target: secretTarget,

  conditions: ({ TagKeys }) => tagKeysContext(TagKeys),

  async run(call) {
    const stored = liveSecret(call.target)
    const tags = withoutTags(stored.secret.tags, call.input.TagKeys)
    if (tags.length < stored.secret.tags.length) {
      const secret = { ...stored.secret, tags, changedAt: call.now }
      mustKeepAccess(call, 'secretsmanager:UntagResource', { ...stored, secret }, tagKeysContext(call.input.TagKeys))
      await updateSecret(call, stored, secret)
    }
    return {}
  },
})
