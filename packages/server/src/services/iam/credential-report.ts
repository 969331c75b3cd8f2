// The credential report of an account: who has which credentials, and when they were used last. A job writes it, and it is shown for four hours.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_getting-report.html

import { setImmediate as nextTurn } from 'node:timers/promises'
import type { App } from '../../app.ts'
import { outsideHandler, schedule } from '../../jobs/job.ts'
import type { Transaction } from '../../storage/database.ts'
import * as errors from './errors.ts'
import { type AccessKeyEntry, type AccountBody, type PasswordPolicy, rootArn, type UserBody, userArn } from './model.ts'
import {
  CREDENTIAL_REPORT,
  findKeyUse,
  findRow,
  type IamReader,
  insertRow,
  listByName,
  replaceRow,
  USER,
} from './store.ts'
import { readAccount } from './users.ts'

/** How long a report is shown, and no new one written. */
const VALID_MS = 4 * 60 * 60_000
const DAY_MS = 24 * 60 * 60_000

export const WRITE_CREDENTIAL_REPORT = 'iam.WriteCredentialReport'

export type ReportState = 'STARTED' | 'INPROGRESS' | 'COMPLETE'

/** Has the report written where there is none of the last four hours. */
export async function requestReport(
  app: IamReader,
  tx: Transaction,
  account: string,
  now: number,
): Promise<ReportState> {
  const row = await findRow(app, tx, CREDENTIAL_REPORT, [account])
  if (row?.body.pending) return 'INPROGRESS'
  if (row?.body.report !== undefined && now - row.body.report.generatedAt < VALID_MS) return 'COMPLETE'
  if (row === undefined) await insertRow(app, tx, CREDENTIAL_REPORT, [account], { pending: true })
  else await replaceRow(app, tx, CREDENTIAL_REPORT, row, { ...row.body, pending: true })
  const id = `${WRITE_CREDENTIAL_REPORT}:${account}`
  await schedule(tx, { id, kind: WRITE_CREDENTIAL_REPORT, dueAt: now, payload: account })
  return 'STARTED'
}

/** @throws ReportNotPresent, ReportInProgress, ReportExpired */
export async function readReport(
  app: IamReader,
  tx: Transaction,
  account: string,
  now: number,
): Promise<{ readonly generatedAt: number; readonly csv: string }> {
  const row = await findRow(app, tx, CREDENTIAL_REPORT, [account])
  if (row === undefined) throw errors.reportNotPresent()
  const { report, pending } = row.body
  if (report !== undefined && now - report.generatedAt < VALID_MS) return report
  throw pending ? errors.reportInProgress() : errors.reportExpired()
}

/** Beside all other work, since an account may have thousands of users; a report that nobody asked for is not kept. */
export const writeCredentialReport = outsideHandler({
  work: (app, account, signal) => app.database.transaction('read', (tx) => reportOf(app, tx, account, signal)),
  finish: async (app, tx, account, csv) => {
    const row = await findRow(app, tx, CREDENTIAL_REPORT, [account])
    if (!row?.body.pending) return
    const report = { generatedAt: app.now(), csv }
    await replaceRow(app, tx, CREDENTIAL_REPORT, row, { pending: false, report })
  },
  timeoutMs: 60_000,
  retryMsMax: 60_000,
  concurrency: 1,
})

const KEY_COLUMNS = ['active', 'last_rotated', 'last_used_date', 'last_used_region', 'last_used_service']

/** AWS's, in AWS's order. */
export const COLUMNS: readonly string[] = [
  'user',
  'arn',
  'user_creation_time',
  'password_enabled',
  'password_last_used',
  'password_last_changed',
  'password_next_rotation',
  'mfa_active',
  ...KEY_COLUMNS.map((column) => `access_key_1_${column}`),
  ...KEY_COLUMNS.map((column) => `access_key_2_${column}`),
  'cert_1_active',
  'cert_1_last_rotated',
  'cert_2_active',
  'cert_2_last_rotated',
]

/** This server takes no signing certificates. */
const NO_CERTIFICATES = ['false', 'N/A', 'false', 'N/A']
const USERS_AT_A_TIME = 200

async function reportOf(app: App, tx: Transaction, account: string, signal: AbortSignal): Promise<string> {
  const root = await readAccount(app, tx, account)
  const lines = [COLUMNS, await rootLine(app, tx, account, root)]
  for (let after = '', more = true; more; ) {
    signal.throwIfAborted()
    const users = await listByName(app, tx, USER, account, after, USERS_AT_A_TIME)
    for (const { body } of users) lines.push(await userLine(app, tx, account, body, root.passwordPolicy))
    more = users.length === USERS_AT_A_TIME
    if (more) after = String(USER.lookup(users.at(-1)!.body)[0])
    await nextTurn()
  }
  return `${lines.map((line) => line.map(csvField).join(',')).join('\n')}\n`
}

/** The root user has neither a password nor an MFA device here. */
const rootLine = (app: App, tx: Transaction, account: string, body: AccountBody): Promise<readonly string[]> => {
  const passwords = ['not_supported', 'no_information', 'not_supported', 'not_supported']
  return line(app, tx, '<root_account>', rootArn(app.partition, account), body, passwords, false)
}

function userLine(
  app: App,
  tx: Transaction,
  account: string,
  body: UserBody,
  policy: PasswordPolicy | undefined,
): Promise<readonly string[]> {
  const mfaActive = (body.mfaDevices ?? []).length > 0
  return line(app, tx, body.userName, userArn(app.partition, account, body), body, passwordsOf(body, policy), mfaActive)
}

/** Nothing signs in with a password yet, so none was ever used. */
function passwordsOf({ loginProfile }: UserBody, policy: PasswordPolicy | undefined): readonly string[] {
  if (loginProfile === undefined) return ['false', 'N/A', 'N/A', 'N/A']
  const { passwordSetAt } = loginProfile
  const days = policy?.maxPasswordAge
  const next = days === undefined ? 'N/A' : time(passwordSetAt + days * DAY_MS)
  return ['true', 'no_information', time(passwordSetAt), next]
}

async function line(
  app: App,
  tx: Transaction,
  user: string,
  arn: string,
  { createdAt, accessKeys }: UserBody | AccountBody,
  passwords: readonly string[],
  mfaActive: boolean,
): Promise<readonly string[]> {
  const [first, second] = accessKeys
  const keys = [...(await keyFields(app, tx, first)), ...(await keyFields(app, tx, second))]
  return [user, arn, time(createdAt), ...passwords, String(mfaActive), ...keys, ...NO_CERTIFICATES]
}

async function keyFields(app: App, tx: Transaction, key: AccessKeyEntry | undefined): Promise<readonly string[]> {
  if (key === undefined) return ['false', 'N/A', 'N/A', 'N/A', 'N/A']
  const use = app.uses.pending(key.accessKeyId) ?? (await findKeyUse(tx, key.accessKeyId))
  const used = use === undefined ? ['N/A', 'N/A', 'N/A'] : [time(use.usedAt), use.region, use.service]
  return [String(key.status === 'Active'), time(key.createdAt), ...used]
}

/** `2026-11-26T14:40:27+00:00`. */
const time = (ms: number): string => `${new Date(ms).toISOString().slice(0, 19)}+00:00`

/** Names of users may have commas. https://www.rfc-editor.org/rfc/rfc4180 */
const csvField = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text)
