// A managed master password of a real MariaDB: registered, rotated while an application logs in with what GetSecretValue returns, given back.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startMariadb } from '../../../../rotators/src/testing/mariadb.ts'
import { startTestServer, withJobsOnDemand } from '../../testing.ts'
import { call } from '../secretsmanager/testing.ts'
import { askDatabases, rdsClient } from './testing.ts'

test('the master password of a MariaDB is managed, rotated and given back', async (t) => {
  const mariadb = await startMariadb()
  if ('reason' in mariadb) return t.skip(`NOT RUN: ${mariadb.reason}`)
  t.after(() => mariadb.stop())
  const server = await withJobsOnDemand(t, await startTestServer(t))
  const rds = rdsClient(t, server)
  await mariadb.sql(
    "CREATE USER 'master'@'%' IDENTIFIED BY 'first password'; GRANT ALL ON *.* TO 'master'@'%' WITH GRANT OPTION",
  )
  const logIn = (password: string): Promise<void> => mariadb.logIn('master', password)
  const { status, body } = await askDatabases(server, 'register', {
    Identifier: 'shop',
    Engine: 'mariadb',
    Host: 'localhost',
    Port: mariadb.port,
    CertificateAuthority: mariadb.authority,
    MasterUsername: 'master',
    MasterUserPassword: 'first password',
  })
  assert.equal(status, 200, JSON.stringify(body))
  const DBInstanceIdentifier = 'shop'
  const { DBInstance } = await rds.modifyDBInstance({ DBInstanceIdentifier, ManageMasterUserPassword: true })
  const SecretId = DBInstance!.MasterUserSecret!.SecretArn!
  const passwords = new Set<string>(['first password'])
  for (let rotation = 0; rotation < 3; rotation++) {
    if (rotation > 0) {
      await rds.modifyDBInstance({ DBInstanceIdentifier, RotateMasterUserPassword: true, ApplyImmediately: true })
    }
    await server.jobs.runDue()
    const { username, password, ...others } = JSON.parse(
      (await call(server, 'GetSecretValue', { SecretId })).SecretString,
    )
    assert.deepEqual([username, others, passwords.has(password)], ['master', {}, false])
    passwords.add(password)
    await logIn(password)
    const { DBInstances } = await rds.describeDBInstances({ DBInstanceIdentifier })
    assert.equal(DBInstances?.[0]?.MasterUserSecret?.SecretStatus, 'active')
  }
  await assert.rejects(logIn('first password'), /Access denied/)
  await rds.modifyDBInstance({
    DBInstanceIdentifier,
    ManageMasterUserPassword: false,
    MasterUserPassword: 'back-in-our-hands',
  })
  await server.jobs.runDue()
  await logIn('back-in-our-hands')

  await mariadb.sql("INSTALL SONAME 'simple_password_check'; SET GLOBAL strict_password_validation = ON")
  await rds.modifyDBInstance({ DBInstanceIdentifier, MasterUserPassword: 'alllowercase' })
  await server.jobs.runDue()
  const { Status, Refusal } = (await askDatabases(server, 'show', { Identifier: 'shop' })).body.Database
  assert.equal(Status, 'available')
  assert.match(Refusal, /refuses the new password/)
  await logIn('back-in-our-hands')
  await mariadb.sql("UNINSTALL SONAME 'simple_password_check'")
  // This test itself has sent the first one in a statement.
  passwords.delete('first password')
  passwords.add('back-in-our-hands')
  for (const password of passwords)
    assert.ok(!mariadb.log().includes(password), 'a password is in the log of the server')
})
