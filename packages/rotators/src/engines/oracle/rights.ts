// What one Oracle user may do, given to another: system privileges, roles, privileges on objects and columns, and quotas, as differences, so that nothing that
// both have is touched. https://docs.oracle.com/en/database/oracle/oracle-database/19/refrn/DBA_TAB_PRIVS.html

import { RotatorError } from '../../errors.ts'
import { type OracleConnection, quoted, type Row, run } from './connection.ts'

export type Users = { readonly base: string; readonly clone: string }

export type Difference = {
  readonly statement: string
  /** The system privilege that lets a master do it. */
  readonly needs: string
}

/** @throws RotatorError `other` where a difference is left, although everything was given */
export async function align(connection: OracleConnection, users: Users): Promise<void> {
  for (const { statement } of await differences(connection, users)) await run(connection, statement)
  const [left] = await differences(connection, users)
  if (left === undefined) return
  throw new RotatorError(
    'other',
    `The rights of ${users.clone} are not those of ${users.base}, although they were given: ${left.statement.slice(0, 200)}.`,
  )
}

/** Whether the user has tables, code or anything else of its own. */
export async function isOwner(connection: OracleConnection, user: string): Promise<boolean> {
  const rows = await run(connection, 'SELECT OBJECT_NAME FROM DBA_OBJECTS WHERE OWNER = :username AND ROWNUM = 1', {
    username: user,
  })
  return rows.length > 0
}

/** Statements that make the clone's what the base user's are. */
export async function differences(
  connection: OracleConnection,
  { base, clone }: Users,
): Promise<readonly Difference[]> {
  const [wanted, had] = [await rightsOf(connection, base), await rightsOf(connection, clone)]
  const whom = quoted(clone)
  const same = (one: Right) => (other: Right) => one.what === other.what && one.option === other.option
  const changes: Difference[] = [
    ...had.rights
      .filter((one) => !wanted.rights.some(same(one)))
      .map(({ what, needs }) => ({ statement: `REVOKE ${what} FROM ${whom}`, needs })),
    ...wanted.rights
      .filter((one) => !had.rights.some(same(one)))
      .map(({ what, option, needs }) => ({
        statement: `GRANT ${what} TO ${whom}${option && ` WITH ${option}`}`,
        needs,
      })),
  ]
  if (wanted.defaults.join() !== had.defaults.join()) {
    const roles = wanted.defaults.map(quoted).join(', ') || 'NONE'
    changes.push({ statement: `ALTER USER ${whom} DEFAULT ROLE ${roles}`, needs: 'ALTER USER' })
  }
  for (const tablespace of new Set([...wanted.quotas.keys(), ...had.quotas.keys()])) {
    const quota = wanted.quotas.get(tablespace) ?? '0'
    if (quota === (had.quotas.get(tablespace) ?? '0')) continue
    const size = quota === '-1' ? 'UNLIMITED' : quota
    changes.push({ statement: `ALTER USER ${whom} QUOTA ${size} ON ${quoted(tablespace)}`, needs: 'ALTER USER' })
  }
  return changes
}

type Right = {
  /** As it stands in GRANT: `SELECT ON "S"."T"`. */
  readonly what: string
  /** `ADMIN OPTION`, `GRANT OPTION`, or nothing. */
  readonly option: string
  readonly needs: string
}

type Rights = {
  readonly rights: readonly Right[]
  readonly defaults: readonly string[]
  readonly quotas: ReadonlyMap<string, string>
}

async function rightsOf(connection: OracleConnection, username: string): Promise<Rights> {
  const rows = (sql: string): Promise<readonly Row[]> => run(connection, sql, { username })
  const said = (row: Row, column: string): string => String(row[column])
  const option = (row: Row, column: string, name: string): string => (row[column] === 'YES' ? name : '')

  const system = await rows(
    'SELECT PRIVILEGE, ADMIN_OPTION FROM DBA_SYS_PRIVS WHERE GRANTEE = :username ORDER BY PRIVILEGE',
  )
  const roles = await rows(
    'SELECT GRANTED_ROLE, ADMIN_OPTION, DEFAULT_ROLE FROM DBA_ROLE_PRIVS WHERE GRANTEE = :username ORDER BY GRANTED_ROLE',
  )
  const objects = await rows(
    `SELECT DISTINCT OWNER, TABLE_NAME, TYPE, PRIVILEGE, GRANTABLE FROM DBA_TAB_PRIVS WHERE GRANTEE = :username ORDER BY OWNER, TABLE_NAME, PRIVILEGE`,
  )
  const columns = await rows(
    `SELECT DISTINCT OWNER, TABLE_NAME, COLUMN_NAME, PRIVILEGE, GRANTABLE FROM DBA_COL_PRIVS WHERE GRANTEE = :username ORDER BY OWNER, TABLE_NAME, COLUMN_NAME`,
  )
  const quotas = await rows('SELECT TABLESPACE_NAME, MAX_BYTES FROM DBA_TS_QUOTAS WHERE USERNAME = :username')
  return {
    rights: [
      ...system.map((row) => ({
        ...{ what: said(row, 'PRIVILEGE'), option: option(row, 'ADMIN_OPTION', 'ADMIN OPTION') },
        needs: 'GRANT ANY PRIVILEGE',
      })),
      ...roles.map((row) => ({
        ...{ what: quoted(said(row, 'GRANTED_ROLE')), option: option(row, 'ADMIN_OPTION', 'ADMIN OPTION') },
        needs: 'GRANT ANY ROLE',
      })),
      ...objects.map((row) => ({
        ...{ what: `${said(row, 'PRIVILEGE')} ON ${objectOf(row)}`, option: option(row, 'GRANTABLE', 'GRANT OPTION') },
        needs: 'GRANT ANY OBJECT PRIVILEGE',
      })),
      ...columns.map((row) => ({
        what: `${said(row, 'PRIVILEGE')} (${quoted(said(row, 'COLUMN_NAME'))}) ON ${objectOf(row)}`,
        ...{ option: option(row, 'GRANTABLE', 'GRANT OPTION'), needs: 'GRANT ANY OBJECT PRIVILEGE' },
      })),
    ],
    defaults: roles.filter((row) => row.DEFAULT_ROLE === 'YES').map((row) => said(row, 'GRANTED_ROLE')),
    quotas: new Map(quotas.map((row) => [said(row, 'TABLESPACE_NAME'), said(row, 'MAX_BYTES')])),
  }
}

/** Those of these types are of no schema. */
const ALONE = ['DIRECTORY', 'USER', 'EDITION']

function objectOf({ OWNER, TABLE_NAME, TYPE }: Row): string {
  const name = quoted(String(TABLE_NAME))
  return ALONE.includes(String(TYPE)) ? `${TYPE} ${name}` : `${quoted(String(OWNER))}.${name}`
}
