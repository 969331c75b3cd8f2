// ListUserTags lists the tags of a user, by key.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListUserTags.html

import { operation } from '../../../operation.ts'
import { pageOf } from '../paging.ts'
import { ExistingUserName, PageInput, PageOutput, Tags } from '../shapes.ts'
import { shownTags, tagSource } from '../tags.ts'
import { existingUser, userTarget } from '../target.ts'

export const listUserTags = operation({
  name: 'ListUserTags',
  readOnly: true,

  input: { UserName: ExistingUserName, ...PageInput },

  output: { Tags, ...PageOutput },

  target: userTarget,

  async run(call) {
    const { items, more } = await pageOf(call, 'ListUserTags', tagSource(existingUser(call.target).body.tags))
    return { Tags: shownTags(items), ...more }
  },
})
