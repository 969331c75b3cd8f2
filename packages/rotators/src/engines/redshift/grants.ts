// What one Redshift user may do, given to another: memberships, and privileges in one database, as differences, so that nothing that both have is touched.
// https://docs.aws.amazon.com/redshift/latest/dg/r_GRANT.html

import type pg from 'pg'
import { RotatorError } from '../../errors.ts'
import { driver, type PostgresqlConnection, query } from '../postgresql/connection.ts'

/** Bytes. https://docs.aws.amazon.com/redshift/latest/dg/r_names.html */
const NAME_BYTES_MAX = 127

/** A quoted identifier. @throws RotatorError `secret` for what the server would cut off */
export function name(identifier: string): string {
  if (identifier.includes('\0') || Buffer.byteLength(identifier) > NAME_BYTES_MAX) {
    throw new RotatorError('secret', `A name is longer than ${NAME_BYTES_MAX} bytes.`)
  }
  return driver().escapeIdentifier(identifier)
}

/** @throws RotatorError `secret` where it has a backslash, which servers of this age may read as the beginning of something else */
export function literal(text: string): string {
  if (text.includes('\\')) throw new RotatorError('secret', 'A name has a backslash, which this rotator does not send.')
  return driver().escapeLiteral(text)
}

const all = async <Row extends pg.QueryResultRow>(connection: PostgresqlConnection, text: string) =>
  query<Row>(connection, text)

async function run(connection: PostgresqlConnection, statements: readonly string[]): Promise<void> {
  for (const statement of statements) await query(connection, statement)
}

/** Groups and roles of the clone become those of the base user. */
export async function alignMemberships(connection: PostgresqlConnection, base: string, clone: string): Promise<void> {
  await run(connection, await membershipChanges(connection, base, clone))
}

async function membershipChanges(
  connection: PostgresqlConnection,
  base: string,
  clone: string,
): Promise<readonly string[]> {
  const groupsOf = async (user: string): Promise<readonly string[]> =>
    (
      await all<{ name: string }>(
        connection,
        `SELECT g.groname AS name FROM pg_group AS g, pg_user AS u WHERE u.usename = ${literal(user)} AND u.usesysid = ANY (g.grolist)
          ORDER BY g.groname`,
      )
    ).map((row) => row.name)
  /** As they stand in GRANT. https://docs.aws.amazon.com/redshift/latest/dg/r_SVV_USER_GRANTS.html */
  const rolesOf = async (user: string): Promise<readonly Role[]> =>
    all<Role>(
      connection,
      `SELECT role_name AS name, admin_option AS admin FROM svv_user_grants WHERE user_name = ${literal(user)} ORDER BY role_name`,
    )
  const [groups, had] = [await groupsOf(base), await groupsOf(clone)]
  const [roles, hadRoles] = [await rolesOf(base), await rolesOf(clone)]
  const same = (one: Role) => (other: Role) => one.name === other.name && one.admin === other.admin
  return [
    ...had.filter((one) => !groups.includes(one)).map((one) => `ALTER GROUP ${name(one)} DROP USER ${name(clone)}`),
    ...groups.filter((one) => !had.includes(one)).map((one) => `ALTER GROUP ${name(one)} ADD USER ${name(clone)}`),
    ...hadRoles
      .filter((one) => !roles.some(same(one)))
      .map((one) => `REVOKE ROLE ${name(one.name)} FROM ${name(clone)}`),
    ...roles
      .filter((one) => !hadRoles.some(same(one)))
      .map((one) => `GRANT ROLE ${name(one.name)} TO ${name(clone)}${one.admin ? ' WITH ADMIN OPTION' : ''}`),
  ]
}

type Role = { readonly name: string; readonly admin: boolean }

/** What is granted in the database that the connection is to, and of it. */
export async function alignDatabase(connection: PostgresqlConnection, base: string, clone: string): Promise<void> {
  await run(connection, await changes(connection, base, clone))
}

/** @throws RotatorError `other` where anything is still to be done: then a privilege comes, or does not go, by another way than was seen */
export async function mustBeAligned(connection: PostgresqlConnection, base: string, clone: string): Promise<void> {
  const left = [...(await membershipChanges(connection, base, clone)), ...(await changes(connection, base, clone))]
  if (left.length === 0) return
  throw new RotatorError('other', `${clone} and ${base} may not do the same, although it was granted: ${left[0]}.`)
}

const changes = async (connection: PostgresqlConnection, base: string, clone: string): Promise<readonly string[]> => [
  ...(await privilegeChanges(connection, base, clone)),
  ...(await explicitChanges(connection, base, clone)),
]

type Difference = {
  /** As it stands in GRANT. */
  readonly on: string
  readonly privilege: string
  readonly owner: string
  /** Whether the base user has it, and the clone has not. */
  readonly lacks: boolean
}

const OURS = "n.nspname NOT LIKE 'pg!_%' ESCAPE '!' AND n.nspname NOT IN ('information_schema', 'catalog_history')"

const each = (privileges: readonly string[]): string =>
  `(${privileges.map((one) => `SELECT CAST(${literal(one)} AS varchar) AS privilege`).join(' UNION ALL ')}) AS p`

/**
 * By HAS_*_PRIVILEGE, which sees what groups, PUBLIC and ownership give as well. https://docs.aws.amazon.com/redshift/latest/dg/r_HAS_TABLE_PRIVILEGE.html
 */
async function privilegeChanges(
  connection: PostgresqlConnection,
  base: string,
  clone: string,
): Promise<readonly string[]> {
  const [b, c] = [literal(base), literal(clone)]
  const database = `has_database_privilege(${c}, d.datname, p.privilege)`
  const differences = [
    ...(await all<Difference>(
      connection,
      `SELECT 'DATABASE ' || quote_ident(d.datname) AS "on", p.privilege, u.usename AS owner, NOT ${database} AS lacks
        FROM pg_database AS d JOIN pg_user AS u ON u.usesysid = d.datdba, ${each(['CREATE', 'TEMPORARY'])}
        WHERE d.datname = current_database() AND has_database_privilege(${b}, d.datname, p.privilege) <> ${database}`,
    )),
    ...(await all<Difference>(
      connection,
      `SELECT 'SCHEMA ' || quote_ident(n.nspname) AS "on", p.privilege, u.usename AS owner,
          NOT has_schema_privilege(${c}, n.nspname, p.privilege) AS lacks
        FROM pg_namespace AS n JOIN pg_user AS u ON u.usesysid = n.nspowner, ${each(['USAGE', 'CREATE'])}
        WHERE ${OURS} AND has_schema_privilege(${b}, n.nspname, p.privilege) <> has_schema_privilege(${c}, n.nspname, p.privilege)`,
    )),
    ...(await all<Difference>(
      connection,
      `SELECT 'TABLE ' || t.name AS "on", p.privilege, t.owner, NOT has_table_privilege(${c}, t.name, p.privilege) AS lacks
        FROM (
          SELECT quote_ident(n.nspname) || '.' || quote_ident(r.relname) AS name, u.usename AS owner
            FROM pg_class AS r JOIN pg_namespace AS n ON n.oid = r.relnamespace JOIN pg_user AS u ON u.usesysid = r.relowner
            WHERE r.relkind IN ('r', 'v') AND ${OURS}
        ) AS t, ${each(['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REFERENCES'])}
        WHERE has_table_privilege(${b}, t.name, p.privilege) <> has_table_privilege(${c}, t.name, p.privilege)`,
    )),
  ]
  const statements = differences.map(({ on, privilege, owner, lacks }) => {
    // What the one made is the other's too, with all that can be done with it.
    if (owner === clone) return `GRANT ALL ON ${on} TO ${name(base)}`
    if (owner === base) return `GRANT ALL ON ${on} TO ${name(clone)}`
    return lacks ? `GRANT ${privilege} ON ${on} TO ${name(clone)}` : `REVOKE ${privilege} ON ${on} FROM ${name(clone)}`
  })
  return [...new Set(statements)]
}

type Explicit = { readonly grantee: string; readonly on: string; readonly privilege: string }

/** Where there is no such function: privileges of columns, functions and procedures, that were granted to the user itself. */
async function explicitChanges(
  connection: PostgresqlConnection,
  base: string,
  clone: string,
): Promise<readonly string[]> {
  const both = `(${literal(base)}, ${literal(clone)})`
  const routine = `(CASE WHEN f.prokind = 'p' THEN 'PROCEDURE ' ELSE 'FUNCTION ' END)
    || quote_ident(n.nspname) || '.' || quote_ident(f.proname) || '(' || oidvectortypes(f.proargtypes) || ')'`
  const granted = [
    ...(await all<Explicit>(
      connection,
      `SELECT identity_name AS grantee, privilege_type || ' (' || quote_ident(column_name) || ')' AS privilege,
          'TABLE ' || quote_ident(namespace_name) || '.' || quote_ident(relation_name) AS "on"
        FROM svv_column_privileges WHERE identity_type = 'user' AND identity_name IN ${both}`,
    )),
    ...(await all<Explicit>(
      connection,
      `SELECT g.identity_name AS grantee, 'EXECUTE' AS privilege, ${routine} AS "on"
        FROM svv_function_privileges AS g
          JOIN pg_namespace AS n ON n.nspname = g.namespace_name
          JOIN pg_proc_info AS f ON f.pronamespace = n.oid AND f.proname = g.function_name
            AND REPLACE(oidvectortypes(f.proargtypes), ' ', '') = REPLACE(g.argument_types, ' ', '')
        WHERE g.identity_type = 'user' AND g.identity_name IN ${both}`,
    )),
  ]
  const owned = await all<Explicit>(
    connection,
    `SELECT u.usename AS grantee, 'EXECUTE' AS privilege, ${routine} AS "on"
      FROM pg_proc_info AS f JOIN pg_namespace AS n ON n.oid = f.pronamespace JOIN pg_user AS u ON u.usesysid = f.proowner
      WHERE ${OURS} AND u.usename IN ${both}`,
  )
  const has = (grantee: string, { on, privilege }: Explicit): boolean =>
    [...granted, ...owned].some((one) => one.grantee === grantee && one.on === on && one.privilege === privilege)
  const ofOwner = (one: Explicit): string => (one.grantee === base ? clone : base)
  const statements = [
    ...owned
      .filter((one) => !has(ofOwner(one), one))
      .map((one) => `GRANT EXECUTE ON ${one.on} TO ${name(ofOwner(one))}`),
    ...granted
      .filter((one) => one.grantee === base && !has(clone, one))
      .map(({ on, privilege }) => `GRANT ${privilege} ON ${on} TO ${name(clone)}`),
    ...granted
      .filter((one) => one.grantee === clone && !has(base, one))
      .map(({ on, privilege }) => `REVOKE ${privilege} ON ${on} FROM ${name(clone)}`),
  ]
  return [...new Set(statements)]
}

type Default = {
  readonly schema: string | null
  readonly object: string
  readonly owner: string
  readonly privilege: string
  readonly grantee: string
  readonly type: string
}

/**
 * What either will make is the other's too; what others give the base user, or the base user others, by default, goes for the clone as well.
 * https://docs.aws.amazon.com/redshift/latest/dg/r_ALTER_DEFAULT_PRIVILEGES.html
 */
export async function alignDefaults(connection: PostgresqlConnection, base: string, clone: string): Promise<void> {
  const given = await all<Default>(
    connection,
    `SELECT NULLIF(schema_name, '') AS schema, object_type AS object, owner_name AS owner, privilege_type AS privilege,
        grantee_name AS grantee, grantee_type AS type
      FROM svv_default_privileges WHERE owner_name = ${literal(base)} OR (grantee_name = ${literal(base)} AND grantee_type = 'user')`,
  )
  const objects: { readonly [type: string]: string } = { FUNCTION: 'FUNCTIONS', PROCEDURE: 'PROCEDURES' }
  const copied = given.flatMap(({ schema, object, owner, privilege, grantee, type }) => {
    const from = owner === base ? clone : owner
    const target = type === 'user' && grantee === base ? clone : grantee
    if (from === target || !/^(INSERT|SELECT|UPDATE|DELETE|REFERENCES|DROP|EXECUTE)$/.test(privilege)) return []
    const whom = type === 'public' ? 'PUBLIC' : type === 'user' ? name(target) : `${type.toUpperCase()} ${name(target)}`
    const where = schema === null ? '' : ` IN SCHEMA ${name(schema)}`
    return `ALTER DEFAULT PRIVILEGES FOR USER ${name(from)}${where} GRANT ${privilege} ON ${objects[object] ?? 'TABLES'} TO ${whom}`
  })
  const mutual = [
    [base, clone],
    [clone, base],
  ].flatMap(([one, other]) =>
    ['TABLES', 'FUNCTIONS'].map(
      (kind) => `ALTER DEFAULT PRIVILEGES FOR USER ${name(one!)} GRANT ALL ON ${kind} TO ${name(other!)}`,
    ),
  )
  await run(connection, [...new Set([...copied, ...mutual])])
}
