// ListAccessKeys lists the access keys of a user, or of whose request it is, oldest first, without their secrets.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_ListAccessKeys.html

import { operation } from '../../../operation.ts'
import { list, optional } from '../../../shape/shape.ts'
import { listAccessKeys as listKeys } from '../access-keys.ts'
import { listed, pageOf } from '../paging.ts'
import { AccessKeyMetadata, ExistingUserName, PageInput, PageOutput } from '../shapes.ts'
import { ownTarget } from '../target.ts'

export const listAccessKeys = operation({
  name: 'ListAccessKeys',
  readOnly: true,

  input: { UserName: optional(ExistingUserName), ...PageInput },

  output: { AccessKeyMetadata: list(AccessKeyMetadata), ...PageOutput },

  target: ownTarget,

  async run(call) {
    const { app, tx, account, target } = call
    const keys = await listKeys(app, tx, account, target.owner)
    const oldestFirst = listed(
      keys,
      ({ createdAt, accessKeyId }) => `${String(createdAt).padStart(15, '0')} ${accessKeyId}`,
    )
    const { items, more } = await pageOf(call, 'ListAccessKeys', oldestFirst)
    return {
      AccessKeyMetadata: items.map(({ accessKeyId, status, createdAt }) => ({
        UserName: target.stored?.body.userName,
        AccessKeyId: accessKeyId,
        Status: status,
        CreateDate: createdAt,
      })),
      ...more,
    }
  },
})
