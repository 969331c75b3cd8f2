// What one login, or user of a contained database, may do, given to another: roles and permissions of the server and of each database, as differences, so
// that nothing that both have is touched. https://learn.microsoft.com/sql/relational-databases/system-catalog-views/sys-database-permissions-transact-sql

import { RotatorError } from '../../errors.ts'
import { name, type Row, run, type SqlserverConnection, text } from './connection.ts'

export type Users = {
  readonly base: string
  readonly clone: string
  /** Whether both are users of this database alone, without a login. */
  readonly contained: boolean
  /** Whether no other database can be seen from this one. */
  readonly azure: boolean
}

type Permission = {
  /** `GRANT`, `GRANT_WITH_GRANT_OPTION`, `DENY`. */
  readonly state: string
  /** `SELECT`, or `SELECT ([column])`. */
  readonly what: string
  /** ` ON SCHEMA::[s]`, or nothing for the whole. */
  readonly on: string
}

type Rights = { readonly roles: readonly string[]; readonly permissions: readonly Permission[] }

export type Database = {
  readonly name: string
  /** The base user's name here; `dbo` for whom the database belongs to. */
  readonly user: string
  readonly schema: string | null
  /** Whether the connection may pass on everything. */
  readonly control: boolean
  /** What the base user has rights on that have no name here. */
  readonly unknown: readonly string[]
}

/** @throws RotatorError `other` where a difference is left, although everything was given */
export async function align(connection: SqlserverConnection, users: Users): Promise<void> {
  const statements = async (): Promise<readonly string[]> => {
    const all = users.contained || users.azure ? [] : [...(await serverDifferences(connection, users))]
    for (const database of await databasesOf(connection, users)) {
      all.push(...(await databaseDifferences(connection, users, database)))
    }
    return all
  }
  // What a new user has by being there is seen only once it is.
  for (let round = 0; round < ROUNDS; round++) {
    const left = await statements()
    if (left.length === 0) return
    for (const statement of left) await run(connection, statement)
  }
  const [left] = await statements()
  if (left === undefined) return
  throw new RotatorError(
    'other',
    `The rights of ${users.clone} are not those of ${users.base}, although they were given: ${left.slice(0, 200)}.`,
  )
}

const ROUNDS = 2

/** Of the server: statements that make the clone's what the base login's are. */
export async function serverDifferences(
  connection: SqlserverConnection,
  { base, clone }: Users,
): Promise<readonly string[]> {
  const of = async (login: string): Promise<Rights> => ({
    roles: (
      await run(
        connection,
        `SELECT r.name AS name FROM sys.server_role_members AS m JOIN sys.server_principals AS r ON r.principal_id = m.role_principal_id
          JOIN sys.server_principals AS p ON p.principal_id = m.member_principal_id WHERE p.name = ${text(login)} ORDER BY r.name`,
      )
    ).map((row) => String(row.name)),
    permissions: (
      await run(
        connection,
        `SELECT g.state_desc AS state, g.permission_name AS what,
            CASE g.class WHEN 100 THEN N'' WHEN 101 THEN N' ON LOGIN::' + QUOTENAME(t.name) WHEN 105 THEN N' ON ENDPOINT::' + QUOTENAME(e.name) END AS [on]
          FROM sys.server_permissions AS g JOIN sys.server_principals AS p ON p.principal_id = g.grantee_principal_id
            LEFT JOIN sys.server_principals AS t ON g.class = 101 AND t.principal_id = g.major_id
            LEFT JOIN sys.endpoints AS e ON g.class = 105 AND e.endpoint_id = g.major_id
          WHERE p.name = ${text(login)} AND NOT (g.permission_name = 'CONNECT SQL' AND g.state_desc = 'GRANT')`,
      )
    ).map(permissionOf),
  })
  return differences('SERVER ROLE', clone, await of(base), await of(clone))
}

/** @throws RotatorError `permission` where it is on what has no name here: without one it would be on the whole database */
function permissionOf(row: Row): Permission {
  const [state, what] = [String(row.state), String(row.what)]
  if (typeof row.on !== 'string') throw new RotatorError('permission', `The right ${what} is on what cannot be named.`)
  return { state, what, on: row.on }
}

/** Those in which the base user is, as far as the connection sees them. */
export async function databasesOf(connection: SqlserverConnection, users: Users): Promise<readonly Database[]> {
  const here = users.contained || users.azure
  const names = (
    await run(
      connection,
      here
        ? 'SELECT DB_NAME() AS name'
        : "SELECT name FROM sys.databases WHERE state = 0 AND is_read_only = 0 AND name <> N'tempdb' AND HAS_DBACCESS(name) = 1 ORDER BY name",
    )
  ).map((row) => String(row.name))
  const found: Database[] = []
  for (const database of names) {
    const by = users.contained ? `p.name = ${text(users.base)}` : `p.sid = SUSER_SID(${text(users.base)})`
    const [user] = await run(
      connection,
      `SELECT p.name AS name, p.default_schema_name AS [schema], HAS_PERMS_BY_NAME(${text(database)}, 'DATABASE', 'CONTROL') AS control
        FROM ${name(database)}.sys.database_principals AS p WHERE p.type = 'S' AND ${by}`,
    )
    if (user === undefined) continue
    const unknown = await run(
      connection,
      `SELECT DISTINCT g.class_desc AS class FROM ${name(database)}.sys.database_permissions AS g
        JOIN ${name(database)}.sys.database_principals AS p ON p.principal_id = g.grantee_principal_id
        WHERE p.name = ${text(String(user.name))} AND g.class NOT IN (${CLASSES})`,
    )
    found.push({
      ...{ name: database, user: String(user.name), schema: user.schema === null ? null : String(user.schema) },
      ...{ control: Number(user.control) === 1, unknown: unknown.map((row) => String(row.class)) },
    })
  }
  return found
}

/** Database, object or column, schema, principal, type, symmetric key, certificate, asymmetric key. */
const CLASSES = '0, 1, 3, 4, 6, 24, 25, 26'

/** In one database: statements that make the clone's what the base user's are, and open to each the schemas of the other. */
export async function databaseDifferences(
  connection: SqlserverConnection,
  { clone, contained, base }: Users,
  database: Database,
): Promise<readonly string[]> {
  const db = name(database.name)
  const by = contained ? `p.name = ${text(clone)}` : `p.sid = SUSER_SID(${text(clone)})`
  const [there] = await run(
    connection,
    `SELECT p.name AS name, p.default_schema_name AS [schema] FROM ${db}.sys.database_principals AS p WHERE p.type = 'S' AND ${by}`,
  )
  const rightsOf = async (user: string): Promise<Rights> => {
    // Whom the database belongs to may do everything: so does a db_owner.
    if (user === 'dbo') return { roles: ['db_owner'], permissions: [] }
    const roles = await run(
      connection,
      `SELECT r.name AS name FROM ${db}.sys.database_role_members AS m JOIN ${db}.sys.database_principals AS r ON r.principal_id = m.role_principal_id
        JOIN ${db}.sys.database_principals AS p ON p.principal_id = m.member_principal_id WHERE p.name = ${text(user)} ORDER BY r.name`,
    )
    const permissions = await run(
      connection,
      `SELECT g.state_desc AS state, g.permission_name + ISNULL(N' (' + QUOTENAME(c.name) + N')', N'') AS what,
          CASE g.class
            WHEN 0 THEN N''
            WHEN 1 THEN N' ON OBJECT::' + QUOTENAME(os.name) + N'.' + QUOTENAME(o.name)
            WHEN 3 THEN N' ON SCHEMA::' + QUOTENAME(s.name)
            WHEN 4 THEN CASE t.type WHEN 'R' THEN N' ON ROLE::' WHEN 'A' THEN N' ON APPLICATION ROLE::' ELSE N' ON USER::' END + QUOTENAME(t.name)
            WHEN 6 THEN N' ON TYPE::' + QUOTENAME(ys.name) + N'.' + QUOTENAME(y.name)
            WHEN 24 THEN N' ON SYMMETRIC KEY::' + QUOTENAME(k.name)
            WHEN 25 THEN N' ON CERTIFICATE::' + QUOTENAME(ce.name)
            WHEN 26 THEN N' ON ASYMMETRIC KEY::' + QUOTENAME(ak.name) END AS [on]
        FROM ${db}.sys.database_permissions AS g JOIN ${db}.sys.database_principals AS p ON p.principal_id = g.grantee_principal_id
          LEFT JOIN ${db}.sys.all_objects AS o ON g.class = 1 AND o.object_id = g.major_id LEFT JOIN ${db}.sys.schemas AS os ON os.schema_id = o.schema_id
          LEFT JOIN ${db}.sys.all_columns AS c ON g.class = 1 AND g.minor_id > 0 AND c.object_id = g.major_id AND c.column_id = g.minor_id
          LEFT JOIN ${db}.sys.schemas AS s ON g.class = 3 AND s.schema_id = g.major_id
          LEFT JOIN ${db}.sys.database_principals AS t ON g.class = 4 AND t.principal_id = g.major_id
          LEFT JOIN ${db}.sys.types AS y ON g.class = 6 AND y.user_type_id = g.major_id LEFT JOIN ${db}.sys.schemas AS ys ON ys.schema_id = y.schema_id
          LEFT JOIN ${db}.sys.symmetric_keys AS k ON g.class = 24 AND k.symmetric_key_id = g.major_id
          LEFT JOIN ${db}.sys.certificates AS ce ON g.class = 25 AND ce.certificate_id = g.major_id
          LEFT JOIN ${db}.sys.asymmetric_keys AS ak ON g.class = 26 AND ak.asymmetric_key_id = g.major_id
        WHERE p.name = ${text(user)} AND g.class IN (${CLASSES}) AND NOT (g.permission_name = 'CONNECT' AND g.class = 0 AND g.state_desc = 'GRANT')`,
    )
    return { roles: roles.map((row) => String(row.name)), permissions: permissions.map(permissionOf) }
  }
  // Objects belong to their schema, so that only schemas of the one are to be opened to the other.
  const schemasOf = async (user: string): Promise<readonly Permission[]> =>
    (
      await run(
        connection,
        `SELECT s.name AS name FROM ${db}.sys.schemas AS s JOIN ${db}.sys.database_principals AS p ON p.principal_id = s.principal_id
          WHERE p.name = ${text(user)}`,
      )
    ).map((row) => ({ state: 'GRANT', what: 'CONTROL', on: ` ON SCHEMA::${name(String(row.name))}` }))
  const user =
    there === undefined
      ? contained || database.user === 'dbo' || database.user === base
        ? clone
        : alternateUser(database.user)
      : String(there.name)
  const nothing: Rights = { roles: [], permissions: [] }
  const schema = database.schema === null || database.user === 'dbo' ? '' : `DEFAULT_SCHEMA = ${name(database.schema)}`
  const [own, had] = [await rightsOf(database.user), there === undefined ? nothing : await rightsOf(user)]
  const [ofBase, ofClone] = [await schemasOf(database.user), there === undefined ? [] : await schemasOf(user)]
  const isDbo = database.user === 'dbo'
  const wanted: Rights = {
    roles: own.roles,
    permissions: [
      ...own.permissions.filter(({ on }) => !ofClone.some((one) => one.on === on)),
      ...(isDbo ? [] : ofBase),
    ],
  }
  const open = isDbo
    ? []
    : ofClone.filter(({ what, on }) => !own.permissions.some((one) => one.what === what && one.on === on))
  const statements = [
    ...(there === undefined
      ? [`CREATE USER ${name(user)} FOR LOGIN ${name(clone)}${schema && ` WITH ${schema}`}`]
      : []),
    ...(there !== undefined && schema !== '' && there.schema !== database.schema
      ? [`ALTER USER ${name(user)} WITH ${schema}`]
      : []),
    ...differences('ROLE', user, wanted, had),
    ...open.map(({ what, on }) => `GRANT ${what}${on} TO ${name(database.user)}`),
  ]
  return statements.map((statement) => `EXEC ${db}.sys.sp_executesql ${text(statement)}`)
}

/** Where a login's user has another name than the login. */
const alternateUser = (user: string): string => `${user}_clone`

function differences(role: string, clone: string, base: Rights, had: Rights): readonly string[] {
  const same = (one: Permission) => (other: Permission) =>
    one.state === other.state && one.what === other.what && one.on === other.on
  const whom = name(clone)
  return [
    ...had.roles
      .filter((one) => !base.roles.includes(one))
      .map((one) => `ALTER ${role} ${name(one)} DROP MEMBER ${whom}`),
    ...base.roles
      .filter((one) => !had.roles.includes(one))
      .map((one) => `ALTER ${role} ${name(one)} ADD MEMBER ${whom}`),
    ...had.permissions
      .filter((one) => !base.permissions.some(same(one)))
      .map(({ what, on }) => `REVOKE ${what}${on} FROM ${whom} CASCADE`),
    ...base.permissions
      .filter((one) => !had.permissions.some(same(one)))
      .map(({ state, what, on }) =>
        state === 'DENY'
          ? `DENY ${what}${on} TO ${whom} CASCADE`
          : `GRANT ${what}${on} TO ${whom}${state === 'GRANT_WITH_GRANT_OPTION' ? ' WITH GRANT OPTION' : ''}`,
      ),
  ]
}
