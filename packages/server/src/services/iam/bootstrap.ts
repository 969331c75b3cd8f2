// The first account and its administrator: made at first start, recovered when lost. The only ways in that need no signature; the one is
// open only while there is no account, the other only to who may use the admin socket.

import type { Transaction } from '../../storage/database.ts'
import { type ChosenKey, createAccessKey, deleteAccessKey } from './access-keys.ts'
import { managedPolicyArn } from './managed-policies.ts'
import { ACCESS_KEYS_PER_OWNER_MAX, type AccessKeyEntry, type NewAccessKey } from './model.ts'
import { findByName, findFirstAccount, type IamWriter, insertFirstAccount, USER } from './store.ts'
import { attachUserPolicy, createAccount, createUser, readUser } from './users.ts'

export const ADMINISTRATOR = 'administrator'
const FIRST_ACCOUNT_NAME = 'first account'

/** What the operator chose for the first start. An empty text is a choice not made. */
export type Preset = {
  readonly accountId?: string
  readonly accessKeyId?: string
  readonly secretAccessKey?: string
}

/** What the credentials file holds. */
export type AdministratorCredentials = {
  readonly accountId: string
  readonly accessKeyId: string
  readonly secretAccessKey: string
}

/** A preset that cannot be used; the message is one line with the option and the mend, and never the secret. */
export class PresetError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'PresetError'
  }
}

/**
 * Makes the first account with the user `administrator`, who has AdministratorAccess and one access key; its root user has none. Undefined
 * where an earlier start did so: a preset then has no effect, as it is for the first start only.
 * @throws PresetError
 */
export async function bootstrapIdentity(
  app: IamWriter,
  tx: Transaction,
  now: number,
  preset: Preset = {},
): Promise<AdministratorCredentials | undefined> {
  const { accountId: presetAccount, key } = checkPreset(preset)
  if ((await findFirstAccount(app, tx)) !== undefined) return undefined
  const accountId = await createAccount(app, tx, {
    name: FIRST_ACCOUNT_NAME,
    now,
    ...(presetAccount !== undefined && { accountId: presetAccount }),
  })
  await insertFirstAccount(app, tx, accountId)
  await ensureAdministrator(app, tx, accountId, now)
  return credentials(accountId, await createAccessKey(app, tx, accountId, administrator, now, key))
}

/**
 * A new active access key of the first account's administrator. The user and its AdministratorAccess are made again where they are lost; of
 * two access keys the oldest inactive one is deleted, or else the oldest. What other policies deny the user stays denied.
 * @throws IntegrityError where its rows were altered. @throws Error where there is no account yet.
 */
export async function recoverAdministrator(
  app: IamWriter,
  tx: Transaction,
  now: number,
): Promise<AdministratorCredentials> {
  const accountId = await findFirstAccount(app, tx)
  if (accountId === undefined) throw new Error('there is no account yet: start the server once')
  await ensureAdministrator(app, tx, accountId, now)
  // As the user's row lists them, so that a lost row of a key stops nobody.
  const keys = (await readUser(app, tx, accountId, ADMINISTRATOR)).body.accessKeys
  if (keys.length >= ACCESS_KEYS_PER_OWNER_MAX) {
    await deleteAccessKey(app, tx, accountId, administrator, leastNeeded(keys).accessKeyId)
  }
  return credentials(accountId, await createAccessKey(app, tx, accountId, administrator, now))
}

const administrator = { userName: ADMINISTRATOR }

async function ensureAdministrator(app: IamWriter, tx: Transaction, accountId: string, now: number): Promise<void> {
  if ((await findByName(app, tx, USER, accountId, ADMINISTRATOR)) === undefined) {
    await createUser(app, tx, accountId, { userName: ADMINISTRATOR, now })
  }
  const arn = managedPolicyArn(app.partition, 'AdministratorAccess')
  await attachUserPolicy(app, tx, accountId, ADMINISTRATOR, arn)
}

/** Keys are listed oldest first. */
const leastNeeded = (keys: readonly AccessKeyEntry[]): AccessKeyEntry =>
  keys.find(({ status }) => status === 'Inactive') ?? keys[0]!

const credentials = (accountId: string, { accessKeyId, secretAccessKey }: NewAccessKey): AdministratorCredentials => ({
  accountId,
  accessKeyId,
  secretAccessKey,
})

const VARIABLE = 'STRONGROOM_BOOTSTRAP'

function checkPreset(preset: Preset): { readonly accountId: string | undefined; readonly key: ChosenKey | undefined } {
  const accountId = preset.accountId || undefined
  const accessKeyId = preset.accessKeyId || undefined
  const secretAccessKey = preset.secretAccessKey || undefined
  if (accountId !== undefined && !/^\d{12}$/.test(accountId)) {
    throw new PresetError(`${VARIABLE}_ACCOUNT_ID=${shown(accountId)} is not allowed: give 12 digits`)
  }
  if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
    const missing = accessKeyId === undefined ? 'ACCESS_KEY_ID' : 'SECRET_ACCESS_KEY'
    throw new PresetError(
      `${VARIABLE}_${missing} is missing: give the access key id and the secret access key, or neither`,
    )
  }
  if (accessKeyId === undefined || secretAccessKey === undefined) return { accountId, key: undefined }
  if (!/^[A-Z0-9]{16,128}$/.test(accessKeyId)) {
    const mend = 'give 16 to 128 capital letters and digits'
    throw new PresetError(`${VARIABLE}_ACCESS_KEY_ID=${shown(accessKeyId)} is not allowed: ${mend}`)
  }
  if (accessKeyId.startsWith('ASIA')) {
    const mend = 'ASIA begins temporary access keys, give one that begins with AKIA'
    throw new PresetError(`${VARIABLE}_ACCESS_KEY_ID=${accessKeyId} is not allowed: ${mend}`)
  }
  if (!/^[\x21-\x7e]{40,128}$/.test(secretAccessKey)) {
    const mend = 'give 40 to 128 printable characters without spaces'
    throw new PresetError(`${VARIABLE}_SECRET_ACCESS_KEY=(not shown) is not allowed: ${mend}`)
  }
  return { accountId, key: { accessKeyId, secretAccessKey } }
}

/** On one line and short, whatever was given. */
const shown = (value: string): string => value.replaceAll(/[^\x21-\x7e]/g, '?').slice(0, 64)
