// A PostgreSQL dressed as Redshift: MD5 logins, and Redshift's own views over PostgreSQL's catalog. It runs what both have for real (users, groups, grants,
// default privileges, HAS_*_PRIVILEGE); it has no roles apart from users, and none of Redshift's own options of users.

import { setTimeout as sleep } from 'node:timers/promises'
import { startPostgresql, type TestPostgresql } from './postgresql.ts'

const VIEWS = `
  SET allow_system_table_mods = on;
  CREATE OR REPLACE FUNCTION pg_catalog.version() RETURNS text LANGUAGE sql STABLE
    AS $$ SELECT 'PostgreSQL 8.0.2 on i686-pc-linux-gnu, compiled by GCC, Redshift 1.0.77467'::text $$;
  CREATE VIEW pg_catalog.svl_user_info AS
    SELECT oid AS usesysid, CASE rolconnlimit WHEN -1 THEN 'UNLIMITED' ELSE rolconnlimit::text END AS useconnlimit,
      'RESTRICTED' AS syslogaccess, 0 AS sessiontimeout FROM pg_catalog.pg_authid;
  CREATE VIEW pg_catalog.svv_user_grants AS SELECT ''::text AS user_name, ''::text AS role_name, false AS admin_option WHERE false;
  CREATE VIEW pg_catalog.svv_column_privileges AS
    SELECT n.nspname AS namespace_name, r.relname AS relation_name, a.attname AS column_name, x.privilege_type,
        u.usename AS identity_name, 'user' AS identity_type
      FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS r ON r.oid = a.attrelid
        JOIN pg_catalog.pg_namespace AS n ON n.oid = r.relnamespace, aclexplode(a.attacl) AS x
        JOIN pg_catalog.pg_user AS u ON u.usesysid = x.grantee;
  CREATE VIEW pg_catalog.svv_function_privileges AS
    SELECT n.nspname AS namespace_name, f.proname AS function_name, oidvectortypes(f.proargtypes) AS argument_types,
        x.privilege_type, u.usename AS identity_name, 'user' AS identity_type
      FROM pg_catalog.pg_proc AS f JOIN pg_catalog.pg_namespace AS n ON n.oid = f.pronamespace, aclexplode(f.proacl) AS x
        JOIN pg_catalog.pg_user AS u ON u.usesysid = x.grantee;
  CREATE VIEW pg_catalog.pg_proc_info AS
    SELECT oid AS prooid, proname, pronamespace, proowner, proargtypes, prokind FROM pg_catalog.pg_proc;
  CREATE VIEW pg_catalog.svv_default_privileges AS
    SELECT COALESCE(n.nspname, '') AS schema_name, CASE d.defaclobjtype WHEN 'r' THEN 'RELATION' ELSE 'FUNCTION' END AS object_type,
        o.usename AS owner_name, x.privilege_type, COALESCE(u.usename, g.groname, 'public') AS grantee_name,
        CASE WHEN u.usename IS NOT NULL THEN 'user' WHEN g.groname IS NOT NULL THEN 'group' ELSE 'public' END AS grantee_type
      FROM pg_catalog.pg_default_acl AS d JOIN pg_catalog.pg_user AS o ON o.usesysid = d.defaclrole
        LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = d.defaclnamespace, aclexplode(d.defaclacl) AS x
        LEFT JOIN pg_catalog.pg_user AS u ON u.usesysid = x.grantee LEFT JOIN pg_catalog.pg_group AS g ON g.grosysid = x.grantee;
  GRANT SELECT ON pg_catalog.svl_user_info, pg_catalog.svv_user_grants, pg_catalog.svv_column_privileges,
    pg_catalog.svv_function_privileges, pg_catalog.pg_proc_info, pg_catalog.svv_default_privileges TO PUBLIC`

/** @returns a reason where PostgreSQL is not installed */
export async function startRedshiftLike(): Promise<TestPostgresql | { readonly reason: string }> {
  const server = await startPostgresql()
  if ('reason' in server) return server
  try {
    for (const database of ['template1', 'postgres']) await server.sql(VIEWS, database)
    const [row] = await server.sql('SELECT current_setting($$hba_file$$) AS file, pg_conf_load_time()::text AS loaded')
    await server.sql(
      `COPY (SELECT unnest(ARRAY['local all all trust', 'host all all 127.0.0.1/32 md5'])) TO '${row!.file}'`,
    )
    await server.sql('SELECT pg_reload_conf()')
    while ((await server.sql('SELECT pg_conf_load_time()::text AS loaded'))[0]!.loaded === row!.loaded) await sleep(20)
    return server
  } catch (error) {
    await server.stop()
    throw error
  }
}
