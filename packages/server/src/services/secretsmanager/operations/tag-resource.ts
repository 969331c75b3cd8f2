// TagResource attaches tags to a secret, taking the place of values that their keys had; not if that would lock the caller out.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_TagResource.html

import { operation } from '../../../operation.ts'
import { mustKeepAccess } from '../lock-out.ts'
import { withTags } from '../model.ts'
import { SecretId, Tags } from '../shapes.ts'
import { updateSecret } from '../store.ts'
import { requestTagContext, sameTags } from '../tags.ts'
import { liveSecret, secretTarget } from '../target.ts'

export const tagResource = operation({
  name: 'TagResource',
  readOnly: false,

  input: { SecretId, Tags },

  target: secretTarget,

  conditions: ({ Tags }) => requestTagContext(Tags),

  async run(call) {
    const stored = liveSecret(call.target)
    const tags = withTags(stored.secret.tags, call.input.Tags, call.app.limits.tagsPerSecret)
    if (!sameTags(tags, stored.secret.tags)) {
      const secret = { ...stored.secret, tags, changedAt: call.now }
      mustKeepAccess(call, 'secretsmanager:TagResource', { ...stored, secret }, requestTagContext(call.input.Tags))
      await updateSecret(call, stored, secret)
    }
    return {}
  },
})
