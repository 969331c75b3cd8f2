// What the reports on an account tell of passwords and MFA devices. Read through here alone, so that whatever keeps them is asked in one place.

import type { Transaction } from '../../storage/database.ts'
import type { AccountBody, UserBody } from './model.ts'

/** Times in milliseconds. */
export type SignIn = {
  /** Absent: no password. */
  readonly password?: {
    readonly changedAt: number
    readonly usedAt?: number
    /** When the password policy of the account has it changed. */
    readonly nextRotationAt?: number
  }
  readonly mfaActive: boolean
}

/** This server has neither passwords nor MFA devices. */
const NONE: SignIn = { mfaActive: false }

/** Of a user, or of the root user; the account has the password policy. */
export const signInOf = (_owner: UserBody | AccountBody, _account: AccountBody): SignIn => NONE

/** The MFA devices of an account, and how many of them are somebody's. */
export const countMfaDevices = async (
  _tx: Transaction,
  _account: string,
): Promise<{ readonly all: number; readonly inUse: number }> => ({ all: 0, inUse: 0 })
