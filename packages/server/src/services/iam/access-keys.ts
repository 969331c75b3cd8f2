// Access keys are made, switched and deleted here. The owner's row lists them: an access key that it does not list is none, and the status
// that it gives is the one that holds.

import { IntegrityError } from '../../errors.ts'
import type { Transaction } from '../../storage/database.ts'
import * as errors from './errors.ts'
import { ACCESS_KEYS_PER_OWNER_MAX, type AccessKeyEntry, type AccessKeyStatus, type NewAccessKey } from './model.ts'
import {
  ACCESS_KEY,
  ACCOUNT,
  deleteRow,
  findRow,
  type IamReader,
  type IamWriter,
  insertRow,
  replaceRow,
  sealSecret,
  USER,
} from './store.ts'
import { newAccessKeyId, newSecretAccessKey } from './unique-id.ts'
import { readUser } from './users.ts'

/** The name of a user, or the root user of the account. */
export type OwnerName = { readonly userName: string } | 'root'

/** A key of its own making for bootstrap; otherwise both parts are random. */
export type ChosenKey = { readonly accessKeyId: string; readonly secretAccessKey: string }

/** An owner's list of keys, and how to replace it. */
type OwnedKeys = {
  readonly userId: string | undefined
  readonly accessKeys: readonly AccessKeyEntry[]
  readonly replace: (accessKeys: readonly AccessKeyEntry[]) => Promise<void>
}

/** Makes an active access key. Two at most for each owner. */
export async function createAccessKey(
  app: IamWriter,
  tx: Transaction,
  account: string,
  owner: OwnerName,
  now: number,
  chosen?: ChosenKey,
): Promise<NewAccessKey> {
  const { userId, accessKeys, replace } = await readKeys(app, tx, account, owner)
  if (accessKeys.length >= ACCESS_KEYS_PER_OWNER_MAX) {
    throw errors.quotaExceeded('AccessKeysPerUser', ACCESS_KEYS_PER_OWNER_MAX)
  }
  const accessKeyId = chosen?.accessKeyId ?? newAccessKeyId(account, app.randomBytes)
  if ((await findRow(app, tx, ACCESS_KEY, [accessKeyId])) !== undefined) throw errors.accessKeyExists(accessKeyId)
  const secretAccessKey = chosen?.secretAccessKey ?? newSecretAccessKey(app.randomBytes)
  const entry: AccessKeyEntry = { accessKeyId, status: 'Active', createdAt: now }
  await insertRow(app, tx, ACCESS_KEY, [accessKeyId], {
    account,
    ...(userId !== undefined && { userId }),
    sealedSecret: sealSecret(app, account, userId, accessKeyId, secretAccessKey),
  })
  await replace([...accessKeys, entry])
  return { ...entry, secretAccessKey }
}

export async function setAccessKeyStatus(
  app: IamReader,
  tx: Transaction,
  account: string,
  owner: OwnerName,
  accessKeyId: string,
  status: AccessKeyStatus,
): Promise<void> {
  const { accessKeys, replace } = await readKeys(app, tx, account, owner)
  const entry = mustList(accessKeys, accessKeyId)
  await mustHaveRow(app, tx, accessKeyId)
  if (entry.status === status) return
  await replace(accessKeys.map((one) => (one === entry ? { ...one, status } : one)))
}

export async function deleteAccessKey(
  app: IamReader,
  tx: Transaction,
  account: string,
  owner: OwnerName,
  accessKeyId: string,
): Promise<void> {
  const { accessKeys, replace } = await readKeys(app, tx, account, owner)
  const entry = mustList(accessKeys, accessKeyId)
  await deleteRow(tx, ACCESS_KEY, [accessKeyId])
  await replace(accessKeys.filter((one) => one !== entry))
}

/** Oldest first. @throws IntegrityError where a key that the owner lists is altered or gone. */
export async function listAccessKeys(
  app: IamReader,
  tx: Transaction,
  account: string,
  owner: OwnerName,
): Promise<readonly AccessKeyEntry[]> {
  const { accessKeys } = await readKeys(app, tx, account, owner)
  for (const { accessKeyId } of accessKeys) await mustHaveRow(app, tx, accessKeyId)
  return accessKeys
}

async function readKeys(app: IamReader, tx: Transaction, account: string, owner: OwnerName): Promise<OwnedKeys> {
  if (owner === 'root') {
    const root = await findRow(app, tx, ACCOUNT, [account])
    if (root === undefined) throw errors.noSuchAccount(account)
    const replace = (accessKeys: readonly AccessKeyEntry[]) =>
      replaceRow(app, tx, ACCOUNT, root, { ...root.body, accessKeys })
    return { userId: undefined, accessKeys: root.body.accessKeys, replace }
  }
  const user = await readUser(app, tx, account, owner.userName)
  const replace = (accessKeys: readonly AccessKeyEntry[]) =>
    replaceRow(app, tx, USER, user, { ...user.body, accessKeys })
  return { userId: user.key[1], accessKeys: user.body.accessKeys, replace }
}

function mustList(accessKeys: readonly AccessKeyEntry[], accessKeyId: string): AccessKeyEntry {
  const entry = accessKeys.find((one) => one.accessKeyId === accessKeyId)
  if (entry === undefined) throw errors.noSuchAccessKey(accessKeyId)
  return entry
}

async function mustHaveRow(app: IamReader, tx: Transaction, accessKeyId: string): Promise<void> {
  if ((await findRow(app, tx, ACCESS_KEY, [accessKeyId])) === undefined) {
    throw new IntegrityError(ACCESS_KEY.name, [accessKeyId], 'is gone, though its owner lists it')
  }
}
