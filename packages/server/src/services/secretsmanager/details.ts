// What DescribeSecret and ListSecrets tell of a secret. No value and no KMS: it works whatever became of the key.

import type { AccessNotes } from './access.ts'
import { deletedDate, primaryRegionOf } from './model.ts'
import { rotationDetails } from './rotation/model.ts'
import type { StoredSecret } from './store.ts'

/** The members that both have; what is not set is absent. */
export function secretDetails(stored: StoredSecret, accesses: AccessNotes) {
  const { secret } = stored
  return {
    ARN: secret.arn,
    Name: secret.name,
    Type: secret.type,
    Description: secret.description,
    KmsKeyId: secret.kmsKeyId,
    ...rotationDetails(secret.rotation),
    LastChangedDate: secret.changedAt,
    LastAccessedDate: accesses.dayOfSecret(stored),
    DeletedDate: deletedDate(secret),
    Tags: secret.tags.length === 0 ? undefined : secret.tags.map(({ key, value }) => ({ Key: key, Value: value })),
    OwningService: secret.owningService,
    CreatedDate: secret.createdAt,
    PrimaryRegion: primaryRegionOf(stored.region, secret),
  }
}
