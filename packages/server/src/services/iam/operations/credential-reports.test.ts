import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTestDatabase } from '../../../storage/testing.ts'
import type { TestServer } from '../../../testing.ts'
import { COLUMNS, readReport, requestReport } from '../credential-report.ts'
import { iamClient, iamOn, notAllowed, refusal, startIam } from '../testing.ts'
import { enabledAuthenticator } from '../testing-mfa.ts'

const HOUR_MS = 60 * 60_000

async function until(server: TestServer, isDone: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 100; tries++) {
    await server.jobs.runDue()
    if (await isDone()) return
  }
  assert.fail('the report was not written')
}

test('a report is asked for, written by a job, and shown for four hours', async (t) => {
  const { server, iam } = await startIam(t)
  const state = async () => (await iam.generateCredentialReport({})).State
  const isComplete = async () => (await state()) === 'COMPLETE'
  await assert.rejects(iam.getCredentialReport({}), refusal('ReportNotPresent', 410, 'No report exists.'))
  const { State, Description } = await iam.generateCredentialReport({})
  assert.deepEqual([State, Description], ['STARTED', 'No report exists. Starting a new report generation task'])
  await until(server, isComplete)
  const { ReportFormat, GeneratedTime, Content } = await iam.getCredentialReport({})
  assert.equal(ReportFormat, 'text/csv')
  await iam.createUser({ UserName: 'late' })
  assert.equal(await state(), 'COMPLETE')
  const again = await iam.getCredentialReport({})
  assert.deepEqual([again.Content, again.GeneratedTime], [Content, GeneratedTime])

  server.clock.advance(4 * HOUR_MS)
  const expired = refusal('ReportExpired', 410, 'The report is older than four hours.')
  await assert.rejects(iam.getCredentialReport({}), expired)
  assert.equal(await state(), 'STARTED')
  await until(server, isComplete)
  assert.match(Buffer.from((await iam.getCredentialReport({})).Content!).toString(), /^late,/m)
})

test('until the job is done a report is in progress, and asking again asks for no second one', async (t) => {
  const { app, write, read } = iamOn(await openTestDatabase(t))
  const now = 1_700_000_000_000
  assert.equal(await write((tx) => requestReport(app, tx, '111122223333', now)), 'STARTED')
  assert.equal(await write((tx) => requestReport(app, tx, '111122223333', now + 5 * HOUR_MS)), 'INPROGRESS')
  await assert.rejects(
    read((tx) => readReport(app, tx, '111122223333', now)),
    { code: 'ReportInProgress', status: 404 },
  )
})

test('the columns are those of AWS; a line tells of the root user and of each user', async (t) => {
  const { server, iam, account, clientOf } = await startIam(t)
  await iam.createUser({ UserName: 'a,b' })
  await iam.createUser({ UserName: 'none', Path: '/team/' })
  const one = (await iam.createAccessKey({ UserName: 'a,b' })).AccessKey!
  const { AccessKeyId } = (await iam.createAccessKey({ UserName: 'a,b' })).AccessKey!
  await iam.updateAccessKey({ UserName: 'a,b', AccessKeyId, Status: 'Inactive' })
  await clientOf('with-key')
  await iam.createUser({ UserName: 'signs-in' })
  await iam.createLoginProfile({ UserName: 'signs-in', Password: 'Correct-horse-1' })
  await enabledAuthenticator(iam, 'signs-in')
  await iam.updateAccountPasswordPolicy({ MaxPasswordAge: 90 })
  const used = iamClient(t, server, { accessKeyId: one.AccessKeyId!, secretAccessKey: one.SecretAccessKey! })
  await assert.rejects(used.getAccountSummary({}), { name: 'AccessDenied' })
  await iam.generateCredentialReport({})
  await until(server, async () => (await iam.generateCredentialReport({})).State === 'COMPLETE')
  const text = Buffer.from((await iam.getCredentialReport({})).Content!).toString()
  const [columns, root, ...users] = text.trimEnd().split('\n')
  assert.equal(
    columns,
    'user,arn,user_creation_time,password_enabled,password_last_used,password_last_changed,password_next_rotation,mfa_active,' +
      'access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,access_key_1_last_used_service,' +
      'access_key_2_active,access_key_2_last_rotated,access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,' +
      'cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated',
  )
  const times = (line: string) => line.replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00/g, 'T')
  const noKey = 'false,N/A,N/A,N/A,N/A'
  const noCertificates = 'false,N/A,false,N/A'
  assert.equal(
    times(root!),
    `<root_account>,arn:aws:iam::${account}:root,T,not_supported,no_information,not_supported,not_supported,false,${noKey},${noKey},${noCertificates}`,
  )
  assert.equal(users.length, 5)
  assert.equal(
    times(users[0]!),
    `"a,b","arn:aws:iam::${account}:user/a,b",T,false,N/A,N/A,N/A,false,` +
      `true,T,T,${server.region},iam,false,T,N/A,N/A,N/A,${noCertificates}`,
  )
  assert.match(times(users[1]!), new RegExp(`^administrator,.*,true,T,T,${server.region},iam,false,`))
  assert.equal(
    times(users[2]!),
    `none,arn:aws:iam::${account}:user/team/none,T,false,N/A,N/A,N/A,false,${noKey},${noKey},${noCertificates}`,
  )
  assert.equal(
    times(users[3]!),
    `signs-in,arn:aws:iam::${account}:user/signs-in,T,true,no_information,T,T,true,${noKey},${noKey},${noCertificates}`,
  )
  const [, , , , , changed, next] = users[3]!.split(',')
  assert.equal(Date.parse(next!) - Date.parse(changed!), 90 * 24 * HOUR_MS)
  for (const line of [root!, ...users.slice(1)]) assert.equal(line.split(',').length, COLUMNS.length)
})

test('each asks for its own permission, on *', async (t) => {
  const { account, clientOf } = await startIam(t)
  const stranger = await clientOf('stranger')
  const calls = [
    ['GenerateCredentialReport', () => stranger.generateCredentialReport({})],
    ['GetCredentialReport', () => stranger.getCredentialReport({})],
  ] as const
  for (const [operation, call] of calls) {
    await assert.rejects(call(), notAllowed(`arn:aws:iam::${account}:user/stranger`, `iam:${operation}`, '*'))
  }
})
