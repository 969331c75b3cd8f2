// What a password must have: what the account asks for, or where it asks for nothing what AWS asks of every account.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_passwords_account-policy.html

import type { Call } from '../../call.ts'
import { compilePolicy } from '../../policy/compile.ts'
import type { ResourcePolicy } from '../../policy/engine.ts'
import * as errors from './errors.ts'
import type { PasswordPolicy } from './model.ts'
import { ACCOUNT, findRow, replaceRow } from './store.ts'
import { readAccount } from './users.ts'

type Caller = Pick<Call, 'app' | 'tx' | 'account'>

/** Undefined where the account has none of its own. */
export const findPasswordPolicy = async ({ app, tx, account }: Caller): Promise<PasswordPolicy | undefined> =>
  (await readAccount(app, tx, account)).passwordPolicy

export async function replacePasswordPolicy(
  { app, tx, account }: Caller,
  passwordPolicy: PasswordPolicy | undefined,
): Promise<void> {
  const stored = await findRow(app, tx, ACCOUNT, [account])
  if (stored === undefined) throw errors.noSuchAccount(account)
  const { passwordPolicy: _, ...body } = stored.body
  await replaceRow(app, tx, ACCOUNT, stored, { ...body, ...(passwordPolicy && { passwordPolicy }) })
}

type Kind = { readonly pattern: RegExp; readonly needs: string }

const UPPERCASE: Kind = { pattern: /[A-Z]/, needs: 'uppercase letter' }
const LOWERCASE: Kind = { pattern: /[a-z]/, needs: 'lowercase letter' }
const NUMBERS: Kind = { pattern: /[0-9]/, needs: 'number' }
const SYMBOLS: Kind = { pattern: /[!@#$%^&*()_+\-=[\]{}|']/, needs: 'symbol' }

/** Where an account has no policy: so many characters, and three of the four kinds. */
const DEFAULT_LENGTH = 8
const DEFAULT_KINDS = 3

/** @throws PasswordPolicyViolation */
export function checkPassword(policy: PasswordPolicy | undefined, password: string): void {
  const length = policy?.minimumPasswordLength ?? DEFAULT_LENGTH
  if (password.length < length) {
    throw errors.passwordPolicyViolation(`Password should have a minimum length of ${length}`)
  }
  const missing = requiredKinds(policy).filter(({ pattern }) => !pattern.test(password))
  const reasons = missing.map(({ needs }) => `Password should have at least one ${needs}`).join(', ')
  if (policy !== undefined) {
    if (missing.length > 0) throw errors.passwordPolicyViolation(reasons)
    return
  }
  const more = missing.length - (4 - DEFAULT_KINDS)
  if (more > 0) {
    throw errors.passwordPolicyViolation(`Password should meet ${more} more of the following requirements: ${reasons}`)
  }
}

function requiredKinds(policy: PasswordPolicy | undefined): readonly Kind[] {
  const kinds: readonly (readonly [boolean | undefined, Kind])[] = [
    [policy?.requireUppercaseCharacters, UPPERCASE],
    [policy?.requireLowercaseCharacters, LOWERCASE],
    [policy?.requireNumbers, NUMBERS],
    [policy?.requireSymbols, SYMBOLS],
  ]
  return kinds.filter(([required = true]) => required).map(([, kind]) => kind)
}

/** Lets every user of the account change their own password and see what it must have. A Deny of theirs still wins. */
export const USERS_MAY_CHANGE_PASSWORD: ResourcePolicy = {
  kind: 'normal',
  policy: {
    name: 'the password policy of the account',
    policy: compilePolicy(
      '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":"*","Action":["iam:ChangePassword","iam:GetAccountPasswordPolicy"],"Resource":"*","Condition":{"StringEquals":{"aws:PrincipalType":"User"}}}}',
      'resource',
    ),
  },
}
