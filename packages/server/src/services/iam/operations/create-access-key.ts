// CreateAccessKey makes an access key of a user, or of whose request it is. Its secret is in this answer and nowhere else.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateAccessKey.html

import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import { createAccessKey as create } from '../access-keys.ts'
import { AccessKey, ExistingUserName } from '../shapes.ts'
import { ownTarget } from '../target.ts'

const output = { AccessKey }

export const createAccessKey = operation({
  name: 'CreateAccessKey',
  readOnly: false,

  input: { UserName: optional(ExistingUserName) },

  output,

  target: ownTarget,

  responseElements: (result) => redact(output, result),

  async run({ app, tx, account, now, target }) {
    const { accessKeyId, status, createdAt, secretAccessKey } = await create(app, tx, account, target.owner, now)
    return {
      AccessKey: {
        UserName: target.stored?.body.userName,
        AccessKeyId: accessKeyId,
        Status: status,
        SecretAccessKey: secretAccessKey,
        CreateDate: createdAt,
      },
    }
  },
})
