// ListAliases lists the aliases of the caller's account in a region, or those of one key.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_ListAliases.html

import { operation } from '../../../operation.ts'
import { boolean, list, optional } from '../../../shape/shape.ts'
import { keyNotFound } from '../errors.ts'
import { aliasArn, aliasesOf, arnOf, type KmsAlias, parseKeyIdOrArn } from '../model.ts'
import { listingOf, page } from '../paging.ts'
import { AliasEntry, KeyId, Limit, Marker, NextMarker } from '../shapes.ts'
import { findAlias, findKey, listAliases as listStored } from '../store.ts'

export const listAliases = operation({
  name: 'ListAliases',
  readOnly: true,
  input: { KeyId: optional(KeyId), Limit: optional(Limit), Marker: optional(Marker) },
  output: { Aliases: optional(list(AliasEntry)), NextMarker: optional(NextMarker), Truncated: optional(boolean()) },
  // By the caller's own policies, also where a key is named: they are names of the account.
  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  async run(call) {
    const { account, region, input } = call
    const listing = listingOf(call, 'ListAliases', input.KeyId ?? '', 50)
    let found: readonly KmsAlias[]
    if (input.KeyId === undefined) found = await listStored(call, account, region, listing.after, listing.limit + 1)
    else {
      const name = parseKeyIdOrArn(input.KeyId, call)
      const stored = name.account === account ? await findKey(call, account, region, name.keyId) : undefined
      if (stored === undefined) throw keyNotFound(arnOf({ ...call, accountId: name.account, keyId: name.keyId }))
      const names = aliasesOf(stored.key)
        .toSorted()
        .filter((aliasName) => aliasName > listing.after)
      const aliases = await Promise.all(
        names.slice(0, listing.limit + 1).map((aliasName) => findAlias(call, account, region, aliasName)),
      )
      found = aliases.flatMap((alias) => alias ?? [])
    }
    const { items, ...rest } = page(
      call,
      'ListAliases',
      input.KeyId ?? '',
      listing,
      found,
      ({ aliasName }) => aliasName,
    )
    return {
      Aliases: items.map(({ aliasName, targetKeyId, createdAt, updatedAt = createdAt }) => ({
        AliasName: aliasName,
        AliasArn: aliasArn(call, aliasName),
        TargetKeyId: targetKeyId,
        CreationDate: createdAt,
        LastUpdatedDate: updatedAt,
      })),
      ...rest,
    }
  },
})
