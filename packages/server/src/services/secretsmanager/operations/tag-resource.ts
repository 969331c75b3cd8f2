// TagResource attaches tags to a secret, taking the place of values that their keys had.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_TagResource.html

import { operation } from '../../../operation.ts'
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
    const tags = withTags(stored.secret.tags, call.input.Tags)
    // AWS refuses a change of tags that would cost the caller its own access. No policy of this server can depend on tags
    // yet, for policies have no conditions; the check belongs here once they do.
    if (!sameTags(tags, stored.secret.tags)) {
      await updateSecret(call, stored, { ...stored.secret, tags, changedAt: call.now })
    }
    return {}
  },
})
