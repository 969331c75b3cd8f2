// Making a report: looks at the secrets of the account page by page, each page a read of its own under the caller's rights as of then, and then at
// what the calls were. Nothing of it is stored. docs/adr/0023-advice.md

import type { App } from '../../../app.ts'
import { listReadings, OTHERS, sumCalls } from '../../../audit/counts.ts'
import type { Call, Following } from '../../../call.ts'
import { findPrincipalByArn, isOpenAccount, listAccounts, parsePrincipalArn } from '../../iam/port.ts'
import { DEFAULT_ROLE_NAME } from '../../organizations/port.ts'
import { type Plain, REFUSED, surveyPage } from '../../secretsmanager/port.ts'
import { refuseCallOfSession, roleTarget } from '../../sts/port.ts'
import { adviceUnderWay, notTheManagementAccount } from '../errors.ts'
import { findAll } from './checks.ts'
import { type Cost, costOf } from './cost.ts'
import {
  type Advice,
  type BusyReading,
  CHECKS,
  type Check,
  READING_DAYS,
  type Subject,
  type Thresholds,
} from './model.ts'
import { isTelling } from './names.ts'
import { type Fingerprints, factsOf, type ValueFacts } from './value.ts'

export type Asked = {
  readonly checks: readonly Check[]
  readonly thresholds: Thresholds
  readonly acrossAccounts: boolean
}

export type Report = Advice & {
  /** Secrets of the account that were looked at. */
  readonly secrets: number
  /** Of how many secrets something was not looked at, for want of a permission. */
  readonly refused: {
    readonly secrets: number
    readonly values: number
    readonly rotations: number
    readonly policies: number
  }
  /** Whether the caller may not know who calls how often. */
  readonly callsRefused: boolean
  /** Where other accounts were asked for. */
  readonly accounts?: { readonly lookedInto: number; readonly refused: number }
  /** There are more secrets than one report looks at. */
  readonly isPart: boolean
  readonly cost: Cost
}

const PAGE_SECRETS = 100
/** Of all accounts of a report, those too that are scheduled for deletion. */
const SECRETS_MAX = 100_000
const REPORTS_MAX = 2
const READINGS_MAX = 10_000
const DAY_MS = 86_400_000

/** The accounts for which a report is being made. */
const underWay = new WeakMap<App, Set<string>>()

/** @throws LimitExceededException, InvalidRequestException, and what a look at the data throws */
export async function makeReport(following: Following, asked: Asked): Promise<Report> {
  const { app, account, identity } = following
  if (asked.acrossAccounts) {
    if (account !== app.organization.managementAccount) throw notTheManagementAccount()
    refuseCallOfSession(identity, 'sts', 'AssumeRole')
  }
  const running = underWay.get(app) ?? new Set()
  underWay.set(app, running)
  if (running.has(account) || running.size >= REPORTS_MAX) throw adviceUnderWay()
  running.add(account)
  try {
    return await make(following, asked)
  } finally {
    running.delete(account)
  }
}

async function make(following: Following, { checks, thresholds, acrossAccounts }: Asked): Promise<Report> {
  const { app } = following
  const fingerprints: Fingerprints = {
    key: app.keyring.newestKey('token', 'advise/fingerprint').key,
    nonce: app.randomBytes(32),
    bytesMin: thresholds.copiedBytes,
  }
  const own = await surveyAccount(following, checks, fingerprints, SECRETS_MAX, async (call) => call)
  // Only that the same value is there too is told of other accounts.
  const others = acrossAccounts && checks.includes('copied-value')
  const elsewhere = others ? await surveyOthers(following, fingerprints, SECRETS_MAX - own.secrets.length) : undefined
  const { calls, readings, callsRefused, now } = await lookAtCalls(following, checks, thresholds)
  const known = { secrets: own.secrets, elsewhere: elsewhere?.secrets ?? [], readings, thresholds, now }
  const count = (member: 'value' | 'failures' | 'publicStatements') =>
    own.secrets.filter((secret) => secret[member] === REFUSED).length
  return {
    ...(await findAll(known, checks)),
    secrets: own.secrets.length,
    refused: {
      secrets: own.hidden,
      values: count('value'),
      rotations: count('failures'),
      policies: count('publicStatements'),
    },
    callsRefused,
    ...(elsewhere && { accounts: { lookedInto: elsewhere.lookedInto, refused: elsewhere.refused } }),
    isPart: own.isPart || (elsewhere?.isPart ?? false),
    cost: costOf(own.secrets.length, calls),
  }
}

type Surveyed = { readonly secrets: readonly Subject[]; readonly hidden: number; readonly isPart: boolean }

/** @param as who looks, in each read; undefined where nobody may any more */
async function surveyAccount(
  following: Following,
  checks: readonly Check[],
  fingerprints: Fingerprints,
  max: number,
  as: (call: Call) => Promise<Call | undefined>,
): Promise<Surveyed> {
  const needs = (what: (typeof CHECKS)[Check]['needs']) => checks.some((check) => CHECKS[check].needs === what)
  const examine = (name: string, value: Plain): ValueFacts => factsOf(value, name, fingerprints)
  const secrets: Subject[] = []
  let hidden = 0
  let after: string | undefined
  let left = max
  do {
    if (left <= 0) return { secrets, hidden, isPart: true }
    left -= PAGE_SECRETS
    const survey = {
      after,
      limit: PAGE_SECRETS,
      rotations: needs('rotations'),
      policies: needs('policies'),
      ...(needs('values') && { examine }),
    }
    const page = await following.asOfNow(async (call) => {
      const looking = await as(call)
      const role = looking === call ? undefined : looking?.principal.role?.arn
      const lookedAs = role === undefined ? {} : { additionalEventData: { lookedAs: role } }
      return looking && surveyPage(looking, survey, (event) => call.also({ ...event, ...lookedAs }))
    })
    if (page === undefined) break
    secrets.push(...page.secrets.map((one) => ({ ...one, tags: one.tags.filter(({ key }) => isTelling(key)) })))
    hidden += page.hidden
    after = page.next
  } while (after !== undefined)
  return { secrets, hidden, isPart: false }
}

/**
 * The secrets of all other accounts, for their fingerprints. The caller looks as the role by which Organizations reaches an account, where it
 * may assume it, and so with the rights of that role.
 */
async function surveyOthers(following: Following, fingerprints: Fingerprints, max: number) {
  const secrets: Subject[] = []
  let lookedInto = 0
  let refused = 0
  let isPart = false
  for (const accountId of await otherAccounts(following)) {
    const as = (call: Call): Promise<Call | undefined> => asAccessRole(call, accountId)
    const may = (await following.asOfNow(as)) !== undefined
    if (may) lookedInto += 1
    else refused += 1
    if (!may) continue
    const found = await surveyAccount(following, ['copied-value'], fingerprints, max - secrets.length, as)
    secrets.push(...found.secrets)
    isPart ||= found.isPart
  }
  return { secrets, lookedInto, refused, isPart }
}

const ACCOUNTS_PER_READ = 500

async function otherAccounts({ account, asOfNow }: Following): Promise<readonly string[]> {
  const ids: string[] = []
  let after = ''
  for (;;) {
    const page = await asOfNow(({ app, tx }) => listAccounts(app, tx, after, ACCOUNTS_PER_READ))
    ids.push(...page.filter(({ status }) => status !== 'SUSPENDED').map(({ accountId }) => accountId))
    if (page.length < ACCOUNTS_PER_READ) return ids.filter((id) => id !== account)
    after = page.at(-1)!.accountId
  }
}

/** The call as a session of the account's access role would make it; undefined where the caller may not assume that. */
async function asAccessRole(call: Call, accountId: string): Promise<Call | undefined> {
  const { app, tx, partition, region, identity } = call
  // Neither may ever call AssumeRole, whatever a trust policy says.
  if (identity.kind === 'root' || identity.kind === 'federated-user') return undefined
  if (!(await isOpenAccount(app, tx, accountId))) return undefined
  const arn = `arn:${partition}:iam::${accountId}:role/${DEFAULT_ROLE_NAME}`
  const { resource, resourcePolicy, concealed } = await roleTarget(call, arn)
  const permission = {
    action: 'sts:AssumeRole',
    resource,
    resourceAccount: accountId,
    ...(resourcePolicy && { resourcePolicy }),
  }
  if (!call.decide(permission, concealed).allow) return undefined
  const principal = await findPrincipalByArn(app, tx, parsePrincipalArn(arn), { policies: [], policyArns: [] })
  return principal && call.suppose!({ principal, region, service: { protocol: 'json' } }).call
}

async function lookAtCalls(following: Following, checks: readonly Check[], { readsPerDay }: Thresholds) {
  await following.app.callCounts.flush()
  return following.asOfNow(async ({ app, tx, account, region, now, decide }) => {
    const { allow } = decide({ action: 'cloudtrail:LookupEvents', resource: '*', resourceAccount: account })
    if (!allow) return { calls: undefined, readings: new Map<string, BusyReading[]>(), callsRefused: true, now }
    const wallNow = app.wallNow()
    const today = Math.floor(wallNow / DAY_MS) * DAY_MS
    const from = today - 30 * DAY_MS
    const summed = await sumCalls(tx, { account, region, from, to: today })
    const calls = { calls: summed?.calls ?? 0, days: Math.max(1, (wallNow - (summed?.since ?? wallNow)) / DAY_MS) }
    const busiest = new Map<string, BusyReading>()
    if (checks.includes('uncached-reads')) {
      for (let day = today - READING_DAYS * DAY_MS; day <= today; day += DAY_MS) {
        for (const reading of await listReadings(tx, { account, region, day }, readsPerDay, READINGS_MAX)) {
          const key = `${reading.arn} ${reading.caller}`
          const caller = callerText(reading.caller)
          if ((busiest.get(key)?.calls ?? 0) < reading.calls) busiest.set(key, { ...reading, caller, day })
        }
      }
    }
    const readings = Map.groupBy(
      [...busiest.values()].sort((a, b) => b.calls - a.calls || (a.caller < b.caller ? -1 : 1)),
      ({ arn }) => arn,
    )
    return { calls, readings, callsRefused: false, now }
  })
}

const callerText = (caller: string): string =>
  caller === OTHERS ? 'Several other callers together' : /^\d{12}$/.test(caller) ? `Account ${caller}` : caller
