// The master password of a database: managed, rotated, given back, or set by hand. What reaches the database is done by a rotation or a job,
// after what is to be done is written down.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html

import type { Call } from '../../call.ts'
import { ServiceError } from '../../errors.ts'
import { beginOwnedRotation, createOwnedSecret, findOwnedState } from '../secretsmanager/port.ts'
import { scheduleChange } from './change-password.ts'
import * as errors from './errors.ts'
import { databaseArn, type RegisteredDatabase, type SealedPassword } from './model.ts'
import { openPassword, sealPassword } from './password.ts'
import { secretValueOf } from './rotator.ts'
import { type StoredDatabase, updateDatabase } from './store.ts'

/** https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html#rds-secrets-manager-overview */
const ROTATED_EVERY_DAYS = 7

const OWNER = 'rds'

export type MasterInput = {
  readonly ManageMasterUserPassword?: boolean | undefined
  readonly RotateMasterUserPassword?: boolean | undefined
  readonly MasterUserPassword?: string | undefined
  readonly MasterUserSecretKmsKeyId?: string | undefined
  readonly ApplyImmediately?: boolean | undefined
}

/**
 * What ModifyDBInstance and ModifyDBCluster ask for; the database as it is afterwards.
 * @throws InvalidParameterCombination, InvalidParameterValue, InvalidDBInstanceState, InvalidDBClusterStateFault, KMSKeyNotAccessibleFault,
 * AccessDenied
 */
export async function modifyMaster(
  call: Call,
  stored: StoredDatabase,
  input: MasterInput,
): Promise<RegisteredDatabase> {
  const { database } = stored
  checkCombination(database, input)
  const { ManageMasterUserPassword: manage, MasterUserPassword: password } = input
  const asks = manage !== undefined || password !== undefined || input.RotateMasterUserPassword === true
  if (!asks) return database
  if (manage === true && database.secret !== undefined && database.change === undefined) return database
  await mustBeAvailable(call, database)
  if (manage === true) return beginManaging(call, stored, input.MasterUserSecretKmsKeyId)
  if (password !== undefined) return beginChange(call, stored, password)
  if (input.RotateMasterUserPassword === true) {
    await beginOwnedRotation(call, OWNER, database.secret!.name, { authorize: true })
  }
  return database
}

/** In AWS's words where AWS tells them. https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_ModifyDBInstance.html */
function checkCombination(database: RegisteredDatabase, input: MasterInput): void {
  const { ManageMasterUserPassword: manage, RotateMasterUserPassword: rotate, MasterUserPassword: password } = input
  const managed = database.secret !== undefined
  if (password !== undefined && (manage ?? managed)) {
    throw errors.invalidCombination(
      'MasterUserPassword can not be specified when ManageMasterUserPassword is turned on.',
    )
  }
  if (manage === false && managed && password === undefined) {
    throw errors.invalidCombination('MasterUserPassword must be specified to turn ManageMasterUserPassword off.')
  }
  if (input.MasterUserSecretKmsKeyId !== undefined && (manage !== true || managed)) {
    throw errors.invalidCombination(
      'MasterUserSecretKmsKeyId can only be specified together with ManageMasterUserPassword, when that is turned on.',
    )
  }
  if (rotate === true) {
    if (!managed || manage !== undefined) {
      throw errors.invalidCombination('RotateMasterUserPassword needs a master user password that is managed.')
    }
    if (input.ApplyImmediately !== true) {
      throw errors.invalidCombination('You must specify ApplyImmediately when RotateMasterUserPassword is specified.')
    }
  }
  if (password !== undefined) checkPassword(database, password)
}

/** https://docs.aws.amazon.com/AmazonRDS/latest/APIReference/API_CreateDBInstance.html (MasterUserPassword) */
export function checkPassword({ engine }: Pick<RegisteredDatabase, 'engine'>, password: string): void {
  const max = engine.includes('postgres') ? 128 : 41
  if (password.length < 8 || password.length > max) throw errors.passwordLength(8, max)
  if (!/^[!-~]+$/.test(password) || /[/@"]/.test(password)) throw errors.invalidPassword()
}

/** Two changes of one password never meet. @throws InvalidDBInstanceState, InvalidDBClusterStateFault */
export async function mustBeAvailable(call: Call, database: RegisteredDatabase): Promise<void> {
  const { kind, identifier, change, secret } = database
  if (change !== undefined) throw errors.wrongState(kind, identifier, 'resetting-master-credentials')
  const state = secret && (await findOwnedState(call, OWNER, secret.name))
  if (state?.rotating === true) throw errors.wrongState(kind, identifier, 'rotating-master-credentials')
}

/**
 * The secret is made with the password that works now, and rotated at once: until the new one is set everybody who asks is told the old one,
 * and afterwards who registered it knows it no longer.
 */
export async function beginManaging(
  call: Call,
  stored: StoredDatabase,
  kmsKeyId: string | undefined,
): Promise<RegisteredDatabase> {
  const { password: sealed, refusal: _, ...rest } = stored.database
  const { kind, identifier, masterUsername } = rest
  const arn = databaseArn(call, kind, identifier)
  const kmsKeyArn = await askForKey(call, kmsKeyId)
  const name = `rds!${kind}-${call.app.uuid()}`
  const value = JSON.stringify(secretValueOf(masterUsername, await openPassword(call, rest, sealed!)))
  const created = await createOwnedSecret(call, OWNER, {
    name,
    versionId: call.app.uuid(),
    value,
    description: `Secret associated with primary RDS DB ${kind === 'db' ? 'instance' : 'cluster'}: ${arn}`,
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    systemTags: [{ key: kind === 'db' ? 'aws:rds:primaryDBInstanceArn' : 'aws:rds:primaryDBClusterArn', value: arn }],
    rotationRules: { AutomaticallyAfterDays: ROTATED_EVERY_DAYS },
  })
  await beginOwnedRotation(call, OWNER, name, { authorize: false })
  const secret = { name, arn: created.arn, kmsKeyArn, ...(kmsKeyId !== undefined && { kmsKeyId }) }
  const managed: RegisteredDatabase = { ...rest, secret }
  await updateDatabase(call, stored, managed)
  return managed
}

/** What RDS asks of KMS before it takes a key. https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-secrets-manager.html#rds-secrets-manager-permissions */
async function askForKey(call: Call, kmsKeyId: string | undefined): Promise<string> {
  const { kms } = call.app
  try {
    if (kmsKeyId !== undefined) await kms.askFor(call, 'secretsmanager', kmsKeyId, 'CreateGrant')
    return await kms.askFor(call, 'secretsmanager', kmsKeyId, 'DescribeKey')
  } catch (error) {
    if (!(error instanceof ServiceError) || error.status >= 500) throw error
    throw errors.keyNotAccessible(error)
  }
}

async function beginChange(call: Call, stored: StoredDatabase, password: string): Promise<RegisteredDatabase> {
  const { refusal: _, ...database } = stored.database
  const sealed: SealedPassword = await sealPassword(call, database, password)
  const change = { id: call.app.uuid(), password: sealed, begun: false, release: database.secret !== undefined }
  const changing: RegisteredDatabase = { ...database, change }
  await updateDatabase(call, stored, changing)
  await scheduleChange(call, changing)
  return changing
}
