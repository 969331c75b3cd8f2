// Accounts, users and policies are made and changed here. Every document is compiled before it is stored, so that what is stored can be
// evaluated.

import { createHash } from 'node:crypto'
import { compilePolicy } from '../../policy/compile.ts'
import { MalformedPolicyError } from '../../policy/errors.ts'
import type { Transaction } from '../../storage/database.ts'
import * as errors from './errors.ts'
import { findManagedPolicy, isManagedPolicyArn } from './managed-policies.ts'
import {
  type AccountBody,
  ATTACHED_POLICIES_PER_USER_MAX,
  type AttachedPolicy,
  INLINE_POLICIES_PER_USER_CHARACTERS_MAX,
  MANAGED_POLICY_CHARACTERS_MAX,
  policyArn,
  policyCharacters,
  type Tag,
  type UserBody,
} from './model.ts'
import {
  ACCOUNT,
  findRow,
  findUserByName,
  type IamReader,
  type IamWriter,
  insertRow,
  POLICY,
  POLICY_VERSION,
  replaceRow,
  type Stored,
  USER,
} from './store.ts'
import { newAccountId, newUniqueId } from './unique-id.ts'

const USER_NAME = /^[\w+=,.@-]{1,64}$/
const POLICY_NAME = /^[\w+=,.@-]{1,128}$/
/** Tab, line feed, carriage return and Latin-1 from the space on. */
const DOCUMENT = /^[\t\n\r\x20-\xff]+$/

export type NewAccount = {
  readonly name: string
  readonly now: number
  /** 12 digits; without it a free one is taken. */
  readonly accountId?: string
  readonly email?: string
  readonly tags?: readonly Tag[]
}

/** Makes an account without access keys. Returns its id. */
export async function createAccount(
  app: IamWriter,
  tx: Transaction,
  { name, now, accountId, email, tags = [] }: NewAccount,
): Promise<string> {
  const taken = async (id: string) => (await findRow(app, tx, ACCOUNT, [id])) !== undefined
  let id = accountId ?? newAccountId(app.randomBytes)
  while (await taken(id)) {
    if (accountId !== undefined) throw errors.accountExists(accountId)
    id = newAccountId(app.randomBytes)
  }
  await insertRow(app, tx, ACCOUNT, [id], {
    name,
    createdAt: now,
    accessKeys: [],
    ...(email !== undefined && { email }),
    ...(tags.length > 0 && { tags }),
  })
  return id
}

export async function findAccount(app: IamReader, tx: Transaction, account: string): Promise<AccountBody | undefined> {
  return (await findRow(app, tx, ACCOUNT, [account]))?.body
}

/** Returns the id of the user, AIDA.... Names are unique in the account without regard to case. */
export async function createUser(
  app: IamWriter,
  tx: Transaction,
  account: string,
  { userName, now, path = '/' }: { readonly userName: string; readonly now: number; readonly path?: string },
): Promise<string> {
  if (!USER_NAME.test(userName)) throw errors.invalidName('userName', '[\\w+=,.@-]+')
  if ((await findRow(app, tx, ACCOUNT, [account])) === undefined) throw errors.noSuchAccount(account)
  if ((await findUserByName(app, tx, account, userName)) !== undefined) throw errors.userExists(userName)
  const userId = newUniqueId('AIDA', app.randomBytes)
  const lists = { accessKeys: [], inlinePolicies: [], attachedPolicies: [] }
  await insertRow(app, tx, USER, [account, userId], { userName, path, createdAt: now, ...lists })
  return userId
}

export async function readUser(
  app: IamReader,
  tx: Transaction,
  account: string,
  userName: string,
): Promise<Stored<UserBody>> {
  const user = await findUserByName(app, tx, account, userName)
  if (user === undefined) throw errors.noSuchUser(userName)
  return user
}

/** Adds an inline policy, or replaces the one of the same name. */
export async function putUserPolicy(
  app: IamWriter,
  tx: Transaction,
  account: string,
  userName: string,
  policyName: string,
  document: string,
): Promise<void> {
  if (!POLICY_NAME.test(policyName)) throw errors.invalidName('policyName', '[\\w+=,.@-]+')
  mustCompile(document)
  const user = await readUser(app, tx, account, userName)
  const others = user.body.inlinePolicies.filter((policy) => policy.policyName !== policyName)
  const inlinePolicies = [...others, { policyName, document }]
  const characters = inlinePolicies.reduce((sum, policy) => sum + policyCharacters(policy.document), 0)
  if (characters > INLINE_POLICIES_PER_USER_CHARACTERS_MAX) {
    throw errors.inlinePoliciesTooLong(user.body.userName, INLINE_POLICIES_PER_USER_CHARACTERS_MAX)
  }
  await replaceRow(app, tx, USER, user, { ...user.body, inlinePolicies })
}

/** Attaches a policy of AWS, or one of the account's own. Attaching it twice is attaching it once. */
export async function attachUserPolicy(
  app: IamWriter,
  tx: Transaction,
  account: string,
  userName: string,
  arn: string,
): Promise<void> {
  const attached = await mustFindPolicy(app, tx, account, arn)
  const user = await readUser(app, tx, account, userName)
  const { attachedPolicies } = user.body
  if (attachedPolicies.some((policy) => policy.arn === arn)) return
  if (attachedPolicies.length >= ATTACHED_POLICIES_PER_USER_MAX) {
    throw errors.quotaExceeded('PoliciesPerUser', ATTACHED_POLICIES_PER_USER_MAX)
  }
  await replaceRow(app, tx, USER, user, { ...user.body, attachedPolicies: [...attachedPolicies, attached] })
}

/** Makes a customer managed policy. Returns its ARN. */
export async function createPolicy(
  app: IamWriter,
  tx: Transaction,
  account: string,
  { policyName, document, now, path = '/' }: NewPolicy,
): Promise<string> {
  if (!POLICY_NAME.test(policyName)) throw errors.invalidName('policyName', '[\\w+=,.@-]+')
  mustCompile(document)
  if (policyCharacters(document) > MANAGED_POLICY_CHARACTERS_MAX) {
    throw errors.quotaExceeded('PolicySize', MANAGED_POLICY_CHARACTERS_MAX)
  }
  if ((await findRow(app, tx, ACCOUNT, [account])) === undefined) throw errors.noSuchAccount(account)
  const arn = policyArn(app.partition, account, path, policyName)
  if ((await findRow(app, tx, POLICY, [account, arn])) !== undefined) throw errors.policyExists(policyName)
  const policyId = newUniqueId('ANPA', app.randomBytes)
  const digest = digestOf(document)
  await insertRow(app, tx, POLICY_VERSION, [account, arn, 'v1'], { document })
  await insertRow(app, tx, POLICY, [account, arn], {
    policyId,
    policyName,
    path,
    createdAt: now,
    updatedAt: now,
    versions: [{ versionId: 'v1', createdAt: now, digest }],
    defaultVersionId: 'v1',
    lastVersion: 1,
    document,
    tags: [],
  })
  return arn
}

export type NewPolicy = {
  readonly policyName: string
  readonly document: string
  readonly now: number
  readonly path?: string
}

async function mustFindPolicy(app: IamReader, tx: Transaction, account: string, arn: string): Promise<AttachedPolicy> {
  if (isManagedPolicyArn(app.partition, arn)) {
    if (findManagedPolicy(app.partition, arn) === undefined) throw errors.noSuchPolicy(arn)
    return { arn }
  }
  const policy = await findRow(app, tx, POLICY, [account, arn])
  if (policy === undefined) throw errors.noSuchPolicy(arn)
  return { arn, policyId: policy.body.policyId }
}

function mustCompile(document: string): void {
  if (!DOCUMENT.test(document)) throw errors.malformedPolicy('The policy has characters other than those of Latin-1.')
  try {
    compilePolicy(document, 'identity')
  } catch (error) {
    throw error instanceof MalformedPolicyError ? errors.malformedPolicy(error.message) : error
  }
}

const digestOf = (document: string): string => createHash('sha256').update(document).digest('base64')
