// GetAccessKeyLastUsed tells whose an access key is and when it was used last, to about 15 minutes.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_GetAccessKeyLastUsed.html

import { operation } from '../../../operation.ts'
import { optional, string, structure, timestamp } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { AccessKeyId } from '../shapes.ts'
import { findKeyUse } from '../store.ts'
import { accessKeyTarget } from '../target.ts'

export const getAccessKeyLastUsed = operation({
  name: 'GetAccessKeyLastUsed',
  readOnly: true,

  input: { AccessKeyId },

  output: {
    UserName: optional(string()),
    AccessKeyLastUsed: optional(
      structure({ LastUsedDate: optional(timestamp()), ServiceName: string(), Region: string() }),
    ),
  },

  target: accessKeyTarget,

  async run({ app, tx, input, target }) {
    if (target.identity === undefined) throw errors.noSuchAccessKey(input.AccessKeyId)
    const use = app.uses.pending(input.AccessKeyId) ?? (await findKeyUse(tx, input.AccessKeyId))
    return {
      UserName: target.identity.userName,
      AccessKeyLastUsed: {
        LastUsedDate: use?.usedAt,
        ServiceName: use?.service ?? 'N/A',
        Region: use?.region ?? 'N/A',
      },
    }
  },
})
