// ListSecretVersionIds lists the versions of a secret, newest first; those without staging labels only where they are asked for.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_ListSecretVersionIds.html

import type { Call } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import { openPageToken, sealPageToken } from '../../../protocol/page-token.ts'
import { boolean, list, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import type { Secret, SecretVersion } from '../model.ts'
import { Arn, MaxResults, NextToken, SecretId, SecretName, SecretVersionsListEntry } from '../shapes.ts'
import { listVersionDays } from '../store.ts'
import { existingSecret, secretTarget } from '../target.ts'

const PAGE_MAX = 100
const PURPOSE = 'secretsmanager:ListSecretVersionIds'

export const listSecretVersionIds = operation({
  name: 'ListSecretVersionIds',
  readOnly: true,

  input: {
    SecretId,
    MaxResults: optional(MaxResults),
    NextToken: optional(NextToken),
    IncludeDeprecated: optional(boolean()),
  },

  output: {
    Versions: optional(list(SecretVersionsListEntry)),
    NextToken: optional(NextToken),
    ARN: optional(Arn),
    Name: optional(SecretName),
  },

  target: secretTarget,

  async run(call) {
    const { input } = call
    const { secret } = existingSecret(call.target)
    const after = openPlace(call, secret, input.NextToken)
    const rest = secret.versions
      .filter((version) => input.IncludeDeprecated === true || version.stages.length > 0)
      .filter((version) => after === undefined || newestFirst(version, after) > 0)
      .toSorted(newestFirst)
    const page = rest.slice(0, input.MaxResults ?? PAGE_MAX)
    const days = await listVersionDays(call, secret.arn)
    const last = page.at(-1)
    return {
      ARN: secret.arn,
      Name: secret.name,
      Versions: page.map((version) => ({
        VersionId: version.id,
        ...(version.stages.length > 0 && { VersionStages: version.stages }),
        LastAccessedDate: call.app.accesses.dayOfVersion(secret.arn, version.id, days.get(version.id)),
        CreatedDate: version.createdAt,
        ...(version.value && { KmsKeyIds: [version.value.kmsKey] }),
      })),
      ...(last !== undefined && page.length < rest.length && { NextToken: sealPlace(call, secret, last) }),
    }
  },
})

/** A place in the list: versions come and go between two pages, so it is no number. */
type Place = { readonly createdAt: number; readonly id: string }

const newestFirst = (a: Place, b: Place): number =>
  b.createdAt - a.createdAt || (a.id === b.id ? 0 : a.id < b.id ? -1 : 1)

function sealPlace({ app, account }: Call, { arn }: Secret, { createdAt, id }: SecretVersion): string {
  return sealPageToken(app.keyring, PURPOSE, account, JSON.stringify({ arn, createdAt, id }))
}

/** @throws InvalidNextTokenException for a token that was not given to this account for this secret. */
function openPlace({ app, account }: Call, { arn }: Secret, token: string | undefined): Place | undefined {
  if (token === undefined) return undefined
  const json = openPageToken(app.keyring, PURPOSE, account, token)
  const place = json === undefined ? undefined : (JSON.parse(json) as Place & { readonly arn: string })
  if (place === undefined || place.arn !== arn) throw errors.invalidNextToken(token)
  return place
}
