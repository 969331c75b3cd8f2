// DeleteDBInstance and DeleteDBCluster: the database is let go of, and its managed secret deleted. The database itself is not touched.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html#rds-secrets-manager-delete

import type { Call } from '../../call.ts'
import { deleteOwnedSecret, findOwnedState } from '../secretsmanager/port.ts'
import * as errors from './errors.ts'
import { mustBeAvailable } from './master-password.ts'
import type { RegisteredDatabase } from './model.ts'
import { removeDatabase } from './store.ts'
import { type DatabaseTarget, existingDatabase } from './target.ts'

export async function letGo(
  call: Call,
  target: DatabaseTarget,
  skipFinalSnapshot: boolean | undefined,
): Promise<RegisteredDatabase> {
  const stored = existingDatabase(target)
  const { database } = stored
  if (skipFinalSnapshot !== true) {
    throw errors.invalidCombination(
      'FinalDBSnapshotIdentifier is required unless SkipFinalSnapshot is specified; snapshots are not supported.',
    )
  }
  await mustBeAvailable(call, database)
  const { secret } = database
  if (secret !== undefined && (await findOwnedState(call, 'rds', secret.name)) !== undefined) {
    await deleteOwnedSecret(call, 'rds', secret.name)
  }
  await removeDatabase(call, stored)
  return database
}
