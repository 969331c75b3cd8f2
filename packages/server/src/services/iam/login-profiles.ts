// Passwords of users: made, changed and checked against what the account asks for. Only their hashes are kept, in the user's row. Hashing is slow
// on purpose, and so done before the transaction; in it, hashes are compared with those that the row has by then.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords.html

import type { App } from '../../app.ts'
import { sameBytes } from '../../crypto/mac.ts'
import { passwordHash, SALT_BYTES } from '../../crypto/password.ts'
import type { Transaction } from '../../storage/database.ts'
import * as errors from './errors.ts'
import type { LoginProfile, PasswordPolicy, UserBody } from './model.ts'
import { type IamReader, replaceRow, type Stored, USER } from './store.ts'

/** As many as PasswordReusePrevention may ask for. */
const REMEMBERED_PASSWORDS_MAX = 24

/** A password under the salt of the profile that it is for, in base64. */
export type HashedPassword = { readonly salt: string; readonly hash: string }

type Hasher = Pick<App, 'randomBytes'>

/** Under a new salt. */
export async function hashNewPassword({ randomBytes }: Hasher, password: string): Promise<HashedPassword> {
  return hashUnder(Buffer.from(randomBytes(SALT_BYTES)).toString('base64'), password)
}

/** Each under the salt of the password that the user has now. Undefined where there is no such user, or it has none. */
export async function hashForUser(
  { database }: Pick<App, 'database'>,
  find: (tx: Transaction) => Promise<Stored<UserBody> | undefined>,
  passwords: readonly string[],
): Promise<readonly HashedPassword[] | undefined> {
  const salt = (await database.transaction('read', find))?.body.loginProfile?.salt
  return salt === undefined ? undefined : Promise.all(passwords.map((password) => hashUnder(salt, password)))
}

const hashUnder = async (salt: string, password: string): Promise<HashedPassword> => ({
  salt,
  hash: (await passwordHash(password, Buffer.from(salt, 'base64'))).toString('base64'),
})

/** @throws NoSuchEntity */
export function readLoginProfile({ body }: Stored<UserBody>): LoginProfile {
  if (body.loginProfile === undefined) throw errors.noLoginProfile(body.userName)
  return body.loginProfile
}

type NewProfile = { readonly hashed: HashedPassword; readonly passwordResetRequired: boolean; readonly now: number }

/** @throws EntityAlreadyExists */
export async function createLoginProfile(
  app: IamReader,
  tx: Transaction,
  user: Stored<UserBody>,
  { hashed: { salt, hash }, passwordResetRequired, now }: NewProfile,
): Promise<LoginProfile> {
  const { body } = user
  if (body.loginProfile !== undefined) throw errors.loginProfileExists(body.userName)
  const profile = { createdAt: now, passwordSetAt: now, passwordResetRequired, salt, hashes: [hash] }
  await replaceRow(app, tx, USER, user, { ...body, loginProfile: profile })
  return profile
}

type Change = {
  readonly hashed?: HashedPassword | undefined
  readonly passwordResetRequired?: boolean | undefined
  readonly policy: PasswordPolicy | undefined
  readonly now: number
}

/**
 * What is absent stays.
 * @throws NoSuchEntity; PasswordPolicyViolation for a password that was in use; EntityTemporarilyUnmodifiable where the profile was made anew
 * since the password was hashed for it.
 */
export async function updateLoginProfile(
  app: IamReader,
  tx: Transaction,
  user: Stored<UserBody>,
  { hashed, passwordResetRequired, policy, now }: Change,
): Promise<void> {
  const profile = readLoginProfile(user)
  if (hashed !== undefined) {
    mustFit(user, hashed)
    const unusable = profile.hashes.slice(0, policy?.passwordReusePrevention ?? 0)
    if (unusable.some((hash) => isSame(hash, hashed.hash))) {
      throw errors.passwordPolicyViolation('Password does not conform to the account password policy.')
    }
  }
  const loginProfile: LoginProfile = {
    ...profile,
    ...(passwordResetRequired !== undefined && { passwordResetRequired }),
    ...(hashed !== undefined && {
      passwordSetAt: now,
      hashes: [hashed.hash, ...profile.hashes].slice(0, REMEMBERED_PASSWORDS_MAX),
    }),
  }
  await replaceRow(app, tx, USER, user, { ...user.body, loginProfile })
}

/** @throws NoSuchEntity; AccessDenied where this is not the password in use; EntityTemporarilyUnmodifiable as for a change. */
export function mustBePassword(user: Stored<UserBody>, hashed: HashedPassword): void {
  mustFit(user, hashed)
  if (!isSame(readLoginProfile(user).hashes[0]!, hashed.hash)) throw errors.wrongPassword()
}

/** @throws NoSuchEntity */
export async function deleteLoginProfile(app: IamReader, tx: Transaction, user: Stored<UserBody>): Promise<void> {
  readLoginProfile(user)
  const { loginProfile: _, ...body } = user.body
  await replaceRow(app, tx, USER, user, body)
}

function mustFit(user: Stored<UserBody>, { salt }: HashedPassword): void {
  if (readLoginProfile(user).salt !== salt) throw errors.loginProfileChanging(user.body.userName)
}

const isSame = (a: string, b: string): boolean => sameBytes(Buffer.from(a, 'base64'), Buffer.from(b, 'base64'))

export const shownLoginProfile = ({ body }: Stored<UserBody>, profile: LoginProfile) => ({
  UserName: body.userName,
  CreateDate: profile.createdAt,
  PasswordResetRequired: profile.passwordResetRequired,
})
