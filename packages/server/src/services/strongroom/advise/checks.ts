// The checks: from what is known of the secrets to findings, each with its evidence, its mend and a command. Pure, and in an order that depends on
// nothing but the names.

import { REFUSED } from '../../secretsmanager/port.ts'
import {
  type Advice,
  type BusyReading,
  CHECK_NAMES,
  type Check,
  type Finding,
  IGNORE_TAG,
  type Subject,
  type Thresholds,
} from './model.ts'
import { fieldOf, isProduction, namesDatabase, userPattern } from './names.ts'
import type { ValueFacts } from './value.ts'

export type Known = {
  /** Of the caller's account. */
  readonly secrets: readonly Subject[]
  /** Of other accounts, which are only compared. */
  readonly elsewhere: readonly Subject[]
  readonly readings: readonly BusyReading[]
  readonly thresholds: Thresholds
  /** Service clock. */
  readonly now: number
}

const DAY_MS = 86_400_000
const CALLERS_NAMED = 5

/** A finding in the making: it stands where enough of its secrets are left when those that are tagged are not looked at. */
type Candidate = {
  readonly secrets: readonly Subject[]
  /** Whether so many, or such, are enough; absent: one is. */
  readonly holds?: (secrets: readonly Subject[]) => boolean
  readonly tell: (secrets: readonly Subject[]) => Pick<Finding, 'evidence' | 'mend' | 'command'>
}

const FINDERS: { readonly [check in Check]: (known: Known) => readonly Candidate[] } = {
  'public-policy': findPublicPolicies,
  'failing-rotation': findFailingRotations,
  'no-rotation': findUnrotated,
  'scattered-fields': findScatteredFields,
  'copied-value': findCopies,
  'uncached-reads': findUncachedReads,
  'user-tokens': findUserTokens,
  'plain-configuration': findConfiguration,
  unread: findUnread,
}

/** By severity, then by check, then by the first secret; the account's own secrets come first, then by ARN. */
export function findAll(known: Known, checks: readonly Check[]): Advice {
  const findings: Finding[] = []
  const dismissed = new Map<Check, number>()
  const foreign = new Set(known.elsewhere)
  const ownFirst = (a: Subject, b: Subject): number => Number(foreign.has(a)) - Number(foreign.has(b)) || byArn(a, b)
  for (const check of CHECK_NAMES.filter((name) => checks.includes(name))) {
    const found: Finding[] = []
    for (const { secrets, holds = isAny, tell } of FINDERS[check](known)) {
      if (!holds(secrets)) continue
      const kept = secrets.filter((secret) => !ignores(secret, check)).sort(ownFirst)
      if (holds(kept)) found.push({ check, secrets: kept.map(({ arn, name }) => ({ arn, name })), ...tell(kept) })
      else dismissed.set(check, (dismissed.get(check) ?? 0) + 1)
    }
    findings.push(...found.sort((a, b) => byArn(a.secrets[0]!, b.secrets[0]!)))
  }
  return { findings, dismissed }
}

const isAny = (secrets: readonly Subject[]): boolean => secrets.length > 0

const byArn = (a: { readonly arn: string }, b: { readonly arn: string }): number =>
  a.arn < b.arn ? -1 : a.arn > b.arn ? 1 : 0

const ignores = ({ tags }: Subject, check: Check): boolean =>
  tags.some(({ key, value }) => key === IGNORE_TAG && value.split(/\s+/).includes(check))

const knownValue = ({ value }: Subject): ValueFacts | undefined => (value === REFUSED ? undefined : value)

function findPublicPolicies({ secrets }: Known): readonly Candidate[] {
  return secrets.flatMap((secret) => {
    const { publicStatements: statements, name } = secret
    if (statements === undefined || statements === REFUSED || statements.length === 0) return []
    const evidence = `Statement ${statements.join(', ')} of its resource policy lets everyone in, whatever account they are of.`
    const mend =
      'Name the accounts or roles that are meant, or narrow the statement by a condition such as aws:PrincipalOrgID (docs/policies.md).'
    const command = `aws secretsmanager put-resource-policy --secret-id ${quoted(name)} --resource-policy file://policy.json --block-public-policy`
    return [{ secrets: [secret], tell: () => ({ evidence, mend, command }) }]
  })
}

function findFailingRotations({ secrets, thresholds }: Known): readonly Candidate[] {
  return secrets
    .filter((secret) => isFailing(secret, thresholds))
    .map((secret) => {
      const evidence = `Its latest ${secret.failures} rotations failed${since(secret.rotation?.rotatedAt)}.`
      const mend = 'See at which step and why, mend that, and rotate again (docs/rotation.md).'
      const command = `strongroom rotation history ${quoted(secret.name)}`
      return { secrets: [secret], tell: () => ({ evidence, mend, command }) }
    })
}

const isFailing = ({ failures }: Subject, { failedRotations }: Thresholds): boolean =>
  typeof failures === 'number' && failures >= failedRotations

const since = (rotatedAt: number | undefined): string =>
  rotatedAt === undefined ? '; none has succeeded yet' : `; the last that succeeded was on ${dateOf(rotatedAt)}`

function findUnrotated({ secrets, thresholds, now }: Known): readonly Candidate[] {
  return secrets.flatMap((secret) => {
    const { rotation, currentSince, owningService, isReplica, name } = secret
    if (currentSince === undefined || owningService !== undefined || isReplica) return []
    if (!isProduction(secret) || !isDatabase(secret) || isFailing(secret, thresholds)) return []
    const days = Math.floor((now - (rotation?.rotatedAt ?? currentSince)) / DAY_MS)
    const isOn = rotation?.enabled === true
    if (isOn && days <= thresholds.rotationDays) return []
    const what = knownValue(secret) === undefined ? 'By its name it is' : 'It holds the credentials of'
    const state = isOn
      ? `was last rotated ${days} days ago, though rotation is on`
      : `has rotation off, and a value that is ${days} days old`
    const evidence = `${what} a production database, and it ${state}.`
    const mend = isOn
      ? 'Shorten its schedule, or rotate it now and see why the schedule did not (docs/rotation.md).'
      : 'Turn rotation on. A ready-made rotator needs no code, and with two users or two passwords no connection fails (docs/rotators.md).'
    const command = `aws secretsmanager rotate-secret --secret-id ${quoted(name)}${isOn ? '' : ' --rotation-lambda-arn FUNCTION_ARN --rotation-rules AutomaticallyAfterDays=30'}`
    return [{ secrets: [secret], tell: () => ({ evidence, mend, command }) }]
  })
}

/** By its value; by its name where the caller may not look into it. */
const isDatabase = (secret: Subject): boolean => knownValue(secret)?.isDatabase ?? namesDatabase(secret.name)

function findScatteredFields({ secrets }: Known): readonly Candidate[] {
  const own = secrets.filter((secret) => knownValue(secret)?.isText === true && isUsers(secret))
  return [...groups(own, ({ name }) => fieldOf(name)?.stem)].map(([stem, members]) => ({
    secrets: members,
    holds: (kept) => {
      const fields = new Set(kept.map(({ name }) => fieldOf(name)!.field))
      return fields.size >= 2 && fields.has('password')
    },
    tell: (kept) => ({
      evidence: `${kept.length} secrets hold one field each of the same thing: ${kept.map(({ name }) => name).join(', ')}.`,
      mend: 'Keep them in one secret as JSON: they then change together, rotators can work on them, and AWS would charge for one.',
      command: `aws secretsmanager create-secret --name ${quoted(stem)} --secret-string file://fields.json`,
    }),
  }))
}

/** Neither a copy nor what a service looks after. */
const isUsers = ({ owningService, isReplica }: Subject): boolean => owningService === undefined && !isReplica

function findCopies({ secrets, elsewhere }: Known): readonly Candidate[] {
  // What is the same everywhere, such as `true`, is another finding's.
  const own = [...secrets, ...elsewhere].filter((secret) => isUsers(secret) && !knownValue(secret)?.isConfiguration)
  return [...groups(own, (secret) => knownValue(secret)?.fingerprint).values()].map((members) => ({
    secrets: members,
    holds: (kept) => kept.length >= 2,
    tell: (kept) => {
      const accounts = new Set(kept.map(({ arn }) => accountOf(arn)))
      const where = accounts.size === 1 ? '' : ` of ${accounts.size} accounts`
      return {
        evidence: `${kept.length} secrets${where} have the same value.`,
        mend: 'Keep one, let the others read it by its resource policy, and delete the copies: a rotation then reaches everyone (docs/sharing.md).',
        command: `aws secretsmanager put-resource-policy --secret-id ${quoted(kept[0]!.arn)} --resource-policy file://policy.json --block-public-policy`,
      }
    },
  }))
}

const accountOf = (arn: string): string => arn.split(':')[4]!

function findUncachedReads({ secrets, readings }: Known): readonly Candidate[] {
  const bySecret = groups(readings, ({ arn }) => arn)
  return secrets.flatMap((secret) => {
    const busy = bySecret.get(secret.arn)
    if (busy === undefined) return []
    const callers = busy.toSorted((a, b) => b.calls - a.calls || (a.caller < b.caller ? -1 : 1))
    const named = callers.slice(0, CALLERS_NAMED).map(rateOf).join('; ')
    const more = callers.length > CALLERS_NAMED ? `; and ${callers.length - CALLERS_NAMED} more callers` : ''
    const evidence = `${named}${more}. A process that keeps the value for 5 minutes reads it 288 times a day.`
    const mend =
      'Read it through a cache: the cache library, the agent, or AWS’s own caching clients (docs/caching.md).'
    return [{ secrets: [secret], tell: () => ({ evidence, mend, command: 'npm install @strongroom/cache' }) }]
  })
}

const rateOf = ({ caller, calls, day }: BusyReading): string =>
  `${caller} read it ${calls.toLocaleString('en-US')} times on ${dateOf(day)}, ${rateText(calls / 1_440)}`

const rateText = (perMinute: number): string =>
  perMinute >= 1 ? `${round(perMinute)} times a minute` : `${round(perMinute * 60)} times an hour`

const round = (value: number): string => String(value >= 10 ? Math.round(value) : Math.round(value * 10) / 10)

function findUserTokens({ secrets, thresholds }: Known): readonly Candidate[] {
  const tokens = secrets.filter((secret) => isUsers(secret) && knownValue(secret)?.isToken === true)
  return [...groups(tokens, ({ name }) => userPattern(name))].map(([pattern, members]) => ({
    secrets: members,
    holds: (kept) => kept.length >= thresholds.userTokens,
    tell: (kept) => ({
      evidence: `${kept.length} secrets named ${pattern} hold a token each.`,
      mend: 'Keep tokens of users in the database of the application, encrypted under a KMS key: they are data, and grow with the users (docs/kms.md).',
      command: 'aws kms create-key --description "tokens of users"',
    }),
  }))
}

function findConfiguration({ secrets }: Known): readonly Candidate[] {
  return secrets
    .filter((secret) => isUsers(secret) && knownValue(secret)?.isConfiguration === true)
    .map((secret) => {
      const evidence = 'Its value has the form of plain configuration: switches, numbers, addresses or the like.'
      const mend =
        'Keep it in Parameter Store, where it costs nothing on AWS, and delete the secret (docs/parameters.md).'
      const command = `aws ssm put-parameter --name ${quoted(`/${secret.name.replace(/^\//, '')}`)} --type String --value file://value.txt`
      return { secrets: [secret], tell: () => ({ evidence, mend, command }) }
    })
}

function findUnread({ secrets, thresholds: { unreadDays }, now }: Known): readonly Candidate[] {
  return secrets.flatMap((secret) => {
    const { isReplica, owningService, readDay, createdAt, name } = secret
    // A replica waits for the day on which it is needed; a secret of a service is the service's to delete.
    if (isReplica || owningService !== undefined) return []
    const days = Math.floor((now - Math.max(readDay ?? 0, createdAt)) / DAY_MS)
    if (days <= unreadDays) return []
    const evidence =
      readDay === undefined
        ? `It was never read since it was created ${days} days ago.`
        : `It was last read on ${dateOf(readDay)}, ${days} days ago.`
    const mend = 'Delete it if nobody needs it. It can be restored while its recovery window is open.'
    const command = `aws secretsmanager delete-secret --secret-id ${quoted(name)} --recovery-window-in-days 30`
    return [{ secrets: [secret], tell: () => ({ evidence, mend, command }) }]
  })
}

function groups<T>(items: readonly T[], keyOf: (item: T) => string | undefined): ReadonlyMap<string, readonly T[]> {
  const found = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    if (key === undefined) continue
    const group = found.get(key)
    if (group === undefined) found.set(key, [item])
    else group.push(item)
  }
  return found
}

const dateOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

/** As a shell takes it: names of secrets may have an exclamation mark. */
const quoted = (name: string): string => (/^[\w/+=.@:-]+$/.test(name) ? name : `'${name}'`)
