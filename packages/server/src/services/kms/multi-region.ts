// The keys of a multi-Region set: one id and one material in several Regions, each with a row of its own that keeps its policy, tags,
// aliases, grants and state. What they share is written to all of them in one transaction.
// https://docs.aws.amazon.com/kms/latest/developerguide/multi-region-keys-overview.html

import { IntegrityError } from '../../errors.ts'
import { type KmsKey, relatedRegions } from './model.ts'
import { findKey, type Store, type StoredKey, updateKey } from './store.ts'

/** The other keys of a key's set; none of a key that is in one Region. @throws IntegrityError where one is gone */
export async function relatedKeys(store: Store, key: KmsKey): Promise<readonly StoredKey[]> {
  const related: StoredKey[] = []
  for (const region of relatedRegions(key)) {
    const stored = await findKey(store, key.accountId, region, key.keyId)
    if (stored === undefined)
      throw new IntegrityError('kms_key', [key.accountId, region, key.keyId], 'is gone from its multi-Region set')
    related.push(stored)
  }
  return related
}

/** Changes what a key shares with the others of its set, in all of them. @returns the key itself as it is then. */
export async function updateShared(
  store: Store,
  stored: StoredKey,
  change: (key: KmsKey) => KmsKey | Promise<KmsKey>,
): Promise<StoredKey> {
  for (const related of await relatedKeys(store, stored.key)) await updateKey(store, related, await change(related.key))
  return updateKey(store, stored, await change(stored.key))
}
