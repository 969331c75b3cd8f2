// What the rest of the server asks of RDS: registered databases for our own routes, and what rotates their master secrets.

import { RotatorError } from '@strongroom/rotators'
import type { ManagedRotator } from '../secretsmanager/port.ts'
import { findEngine, masterRotator } from './rotator.ts'
import { findDatabaseOfSecret, type Store } from './store.ts'

export { pageOf } from './list.ts'
export { INSTANCE_ENGINES, type Kind, type RegisteredDatabase } from './model.ts'
export { deregisterDatabase, type Registration, registerDatabase, tryLogin } from './register.ts'
export { Marker, MasterUserPassword, MasterUserSecret, MaxRecords } from './shapes.ts'
export { shownRegistration } from './shown.ts'
export { listDatabases } from './store.ts'
export { existingDatabase, resolveDatabase } from './target.ts'

type Of = {
  readonly account: string
  readonly region: string
  readonly secret: { readonly name: string; readonly arn: string }
}

/** What rotates the master secret of a database, by its sealed row. @throws RotatorError where there is none, or the password is being changed */
export async function masterRotatorOf(store: Store, { account, region, secret }: Of): Promise<ManagedRotator> {
  const database = await findDatabaseOfSecret(store, account, region, secret)
  if (database === undefined) throw new RotatorError('permission', 'The secret is of no database that is registered.')
  if (database.change !== undefined) throw new RotatorError('unreachable', 'The master password is being changed.')
  const engine = findEngine(database.engine)
  if (engine === undefined) throw new RotatorError('permission', `This server has no rotator for ${database.engine}.`)
  return { rotator: masterRotator(database, engine), authorities: database.ca === undefined ? [] : [database.ca] }
}
