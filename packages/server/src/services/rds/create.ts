// CreateDBInstance and CreateDBCluster: an endpoint that was registered for it becomes the database. No database is made.
// docs/databases.md

import type { Call } from '../../call.ts'
import * as errors from './errors.ts'
import { beginManaging, type MasterInput, modifyMaster } from './master-password.ts'
import type { RegisteredDatabase } from './model.ts'
import { findDatabase, updateDatabase } from './store.ts'
import { withTags } from './tags.ts'
import type { DatabaseTarget } from './target.ts'

type Given = Pick<MasterInput, 'ManageMasterUserPassword' | 'MasterUserPassword' | 'MasterUserSecretKmsKeyId'> & {
  readonly Engine: string
  readonly MasterUsername?: string | undefined
  readonly Port?: number | undefined
  readonly Tags?: Parameters<typeof withTags>[1]
}

/**
 * What the call says of the endpoint must be so. A MasterUserPassword is set in the database.
 * @throws DBInstanceAlreadyExists, DBClusterAlreadyExistsFault, InvalidParameterValue, InvalidParameterCombination
 */
export async function adopt(
  call: Call,
  { kind, named, stored }: DatabaseTarget,
  input: Given,
  databaseName: readonly [parameter: string, value: string | undefined],
): Promise<RegisteredDatabase> {
  if (stored === undefined) throw errors.notRegistered(kind, named)
  const { awaitsCreate, ...database } = stored.database
  if (awaitsCreate === undefined) throw errors.alreadyExists(kind)
  const said: readonly (readonly [string, string | number | undefined, string | number])[] = [
    ['Engine', input.Engine, database.engine],
    ['MasterUsername', input.MasterUsername, database.masterUsername],
    ['Port', input.Port, database.port],
    [databaseName[0], databaseName[1], database.dbname ?? 'none'],
  ]
  for (const [parameter, value, registered] of said) {
    if (value !== undefined && value !== registered) throw errors.notTheEndpoint(parameter, String(registered))
  }
  const { ManageMasterUserPassword: manage, MasterUserPassword: password } = input
  if (manage !== true && password === undefined) {
    throw errors.invalidCombination('Specify MasterUserPassword or ManageMasterUserPassword.')
  }
  const adopted: RegisteredDatabase = { ...database, tags: withTags([], input.Tags) }
  await updateDatabase(call, stored, adopted)
  const now = (await findDatabase(call, adopted))!
  if (manage === true && password === undefined) return beginManaging(call, now, input.MasterUserSecretKmsKeyId)
  return modifyMaster(call, now, input)
}
