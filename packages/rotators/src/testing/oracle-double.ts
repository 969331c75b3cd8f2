// A double of Oracle's driver, not of its protocol, which is not documented: it keeps users and passwords, two of them where the profile has a rollover time,
// lets in who knows one, and of everything else keeps what it was told and answers by rule.

import type { DriverConnection, OracleDriver, Row } from '../engines/oracle/connection.ts'

export type DoubleUser = {
  /** The current one first. */
  passwords: readonly string[]
  readonly rollover?: boolean
}

export type OracleDouble = {
  readonly driver: OracleDriver
  readonly users: Map<string, DoubleUser>
  /** Every statement, without those that look. */
  readonly statements: string[]
  /** What was connected to. */
  readonly connectStrings: string[]
}

type Answer = readonly Row[] | { readonly refused: number } | undefined

/** `answer` of a statement; undefined is success without rows. */
export function makeOracleDouble(
  answer: (sql: string, binds: { readonly [name: string]: string }, user: string) => Answer,
): OracleDouble {
  const users = new Map<string, DoubleUser>()
  const statements: string[] = []
  const connectStrings: string[] = []

  const set = (name: string, password: string): void => {
    const user = users.get(name)
    // The original one and the last stay; those between do not.
    const [kept] = user?.rollover ? user.passwords.slice(-1) : []
    users.set(name, { ...user, passwords: kept === undefined ? [password] : [password, kept] })
  }

  const connect = async (user: string, password: string): Promise<DriverConnection> => {
    if (!users.get(user)?.passwords.includes(password)) throw refusal(1017)
    return {
      callTimeout: 0,
      oracleServerVersion: 1_922_000_000,
      async execute(sql, binds) {
        const text = sql.replace(/\s+/g, ' ').trim()
        if (!text.startsWith('SELECT')) statements.push(text)
        const told = answer(text, binds, user)
        if (told !== undefined && 'refused' in told) throw refusal(told.refused)
        if (told !== undefined) return { rows: told }
        const change = /^(ALTER|CREATE) USER "([^"]+)" IDENTIFIED BY "([^"]*)"/.exec(text)
        if (change) {
          if ((change[1] === 'CREATE') === users.has(change[2]!)) throw refusal(change[1] === 'CREATE' ? 1920 : 1918)
          set(change[2]!, change[3]!)
        }
        const ended = /^ALTER USER "([^"]+)" EXPIRE PASSWORD ROLLOVER PERIOD$/.exec(text)?.[1]
        const one = ended === undefined ? undefined : users.get(ended)
        if (one) users.set(ended!, { ...one, passwords: one.passwords.slice(0, 1) })
        return {}
      },
      async changePassword(name, old, fresh) {
        const told = answer('changePassword', {}, user)
        if (told !== undefined && 'refused' in told) throw refusal(told.refused)
        if (name !== user || !users.get(name)?.passwords.includes(old)) throw refusal(1017)
        statements.push(`changePassword of ${name}`)
        set(name, fresh)
      },
      async close() {},
    }
  }
  return {
    users,
    statements,
    connectStrings,
    driver: {
      OUT_FORMAT_OBJECT: 4002,
      async getConnection({ user, password, connectString }) {
        connectStrings.push(connectString)
        return connect(user, password)
      },
    },
  }
}

const refusal = (number: number): Error =>
  Object.assign(new Error(`ORA-${String(number).padStart(5, '0')}: refused, in words that may quote the statement`), {
    errorNum: number,
  })
