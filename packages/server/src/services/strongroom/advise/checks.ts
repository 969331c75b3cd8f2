// The checks: from what is known of the secrets to findings, each with its evidence, its mend and a command. In an order that depends on nothing
// but the secrets.

import { createPauses } from '../../../pauses.ts'
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
  /** By the ARN of the secret, those who read most first. */
  readonly readings: ReadonlyMap<string, readonly BusyReading[]>
  readonly thresholds: Thresholds
  /** Service clock. */
  readonly now: number
}

type Told = Pick<Finding, 'evidence' | 'mend' | 'command'>

/** What is told of one secret, where there is something to tell. */
type OfOne = { readonly tell: (secret: Subject, known: Known) => Told | undefined }

/** What is told of secrets that belong together, where those that are not tagged still are enough. */
type OfGroup = {
  /** The same for secrets that belong together; undefined for one that is of no group. */
  readonly keyOf: (secret: Subject) => string | undefined
  readonly holds: (secrets: readonly Subject[], known: Known) => boolean
  readonly tellGroup: (secrets: readonly Subject[], key: string) => Told
  /** Whether secrets of other accounts belong to it too. */
  readonly elsewhere?: true
}

const RULES: { readonly [check in Check]: OfOne | OfGroup } = {
  'public-policy': { tell: tellPublicPolicy },
  'failing-rotation': { tell: tellFailingRotation },
  'no-rotation': { tell: tellUnrotated },
  'scattered-fields': {
    keyOf: (secret) => (isUsers(secret) && knownValue(secret)?.isText ? fieldOf(secret.name)?.stem : undefined),
    holds: areFields,
    tellGroup: tellScatteredFields,
  },
  'copied-value': {
    // What is the same everywhere, such as `true`, is another finding's.
    keyOf: (secret) => {
      const value = knownValue(secret)
      return isUsers(secret) && value?.isConfiguration === false ? value.fingerprint : undefined
    },
    holds: (secrets) => secrets.length >= 2,
    tellGroup: tellCopies,
    elsewhere: true,
  },
  'uncached-reads': { tell: tellUncachedReads },
  'user-tokens': {
    keyOf: (secret) => (isUsers(secret) && knownValue(secret)?.isToken ? userPattern(secret.name) : undefined),
    holds: (secrets, { thresholds }) => secrets.length >= thresholds.userTokens,
    tellGroup: tellUserTokens,
  },
  'plain-configuration': { tell: tellConfiguration },
  unread: { tell: tellUnread },
}

const DAY_MS = 86_400_000
const CALLERS_NAMED = 5
const FIELDS_NAMED = 10

/** By severity, then by check, then by the first secret; the account's own secrets come first, then by ARN. Lets other work in. */
export async function findAll(known: Known, checks: readonly Check[]): Promise<Advice> {
  const findings: Finding[] = []
  const dismissed = new Map<Check, number>()
  const foreign = new Set(known.elsewhere)
  const ownFirst = (a: Subject, b: Subject): number => Number(foreign.has(a)) - Number(foreign.has(b)) || byArn(a, b)
  const pause = createPauses()
  const own = known.secrets.toSorted(byArn)
  for (const check of CHECK_NAMES.filter((name) => checks.includes(name))) {
    const rule = RULES[check]
    const dismiss = (): Map<Check, number> => dismissed.set(check, (dismissed.get(check) ?? 0) + 1)
    if ('tell' in rule) {
      for (const secret of own) {
        const told = rule.tell(secret, known)
        if (told !== undefined && ignores(secret, check)) dismiss()
        else if (told !== undefined) findings.push({ check, secrets: [namesOf(secret)], ...told })
        await pause()
      }
      continue
    }
    const groups = new Map<string, Subject[]>()
    for (const secret of rule.elsewhere ? [...known.secrets, ...known.elsewhere] : known.secrets) {
      const key = rule.keyOf(secret)
      if (key !== undefined) addTo(groups, key, secret)
      await pause()
    }
    const found: Finding[] = []
    for (const [key, secrets] of groups) {
      if (!rule.holds(secrets, known)) continue
      const kept = secrets.filter((secret) => !ignores(secret, check)).sort(ownFirst)
      if (rule.holds(kept, known)) found.push({ check, secrets: kept.map(namesOf), ...rule.tellGroup(kept, key) })
      else dismiss()
      await pause()
    }
    findings.push(...found.sort((a, b) => byArn(a.secrets[0]!, b.secrets[0]!)))
  }
  return { findings, dismissed }
}

const namesOf = ({ arn, name }: Subject) => ({ arn, name })

const byArn = (a: { readonly arn: string }, b: { readonly arn: string }): number =>
  a.arn < b.arn ? -1 : a.arn > b.arn ? 1 : 0

function addTo<T>(groups: Map<string, T[]>, key: string, item: T): void {
  const group = groups.get(key)
  if (group === undefined) groups.set(key, [item])
  else group.push(item)
}

const ignores = ({ tags }: Subject, check: Check): boolean =>
  tags.some(({ key, value }) => key === IGNORE_TAG && value.split(/\s+/).includes(check))

const knownValue = ({ value }: Subject): ValueFacts | undefined => (value === REFUSED ? undefined : value)

/** Neither a copy nor what a service looks after. */
const isUsers = ({ owningService, isReplica }: Subject): boolean => owningService === undefined && !isReplica

function tellPublicPolicy({ publicStatements: statements, name }: Subject): Told | undefined {
  if (statements === undefined || statements === REFUSED || statements.length === 0) return undefined
  return {
    evidence: `Statement ${statements.join(', ')} of its resource policy lets everyone in, whatever account they are of.`,
    mend: 'Name the accounts or roles that are meant, or narrow the statement by a condition such as aws:PrincipalOrgID (docs/policies.md).',
    command: `aws secretsmanager put-resource-policy --secret-id ${quoted(name)} --resource-policy file://policy.json --block-public-policy`,
  }
}

function tellFailingRotation(secret: Subject, { thresholds }: Known): Told | undefined {
  if (!isFailing(secret, thresholds)) return undefined
  const rotatedAt = secret.rotation?.rotatedAt
  const since =
    rotatedAt === undefined ? 'none has succeeded yet' : `the last that succeeded was on ${dateOf(rotatedAt)}`
  return {
    evidence: `Its latest ${secret.failures} rotations failed; ${since}.`,
    mend: 'See at which step and why, mend that, and rotate again (docs/rotation.md).',
    command: `strongroom rotation history ${quoted(secret.name)}`,
  }
}

const isFailing = ({ failures }: Subject, { failedRotations }: Thresholds): boolean =>
  typeof failures === 'number' && failures >= failedRotations

function tellUnrotated(secret: Subject, { thresholds, now }: Known): Told | undefined {
  const { rotation, currentSince, name } = secret
  if (currentSince === undefined || !isUsers(secret) || isFailing(secret, thresholds)) return undefined
  if (!isProduction(secret) || !isDatabase(secret)) return undefined
  const days = daysBetween(rotation?.rotatedAt ?? currentSince, now)
  const isOn = rotation?.enabled === true
  if (isOn && days <= thresholds.rotationDays) return undefined
  const what = knownValue(secret) === undefined ? 'By its name it is' : 'It holds the credentials of'
  const state = isOn
    ? `was last rotated ${days} days ago, though rotation is on`
    : `has rotation off, and a value that is ${daysBetween(currentSince, now)} days old`
  return {
    evidence: `${what} a production database, and it ${state}.`,
    mend: isOn
      ? 'Shorten its schedule, or rotate it now and see why the schedule did not (docs/rotation.md).'
      : 'Turn rotation on. A ready-made rotator needs no code, and with two users or two passwords no connection fails (docs/rotators.md).',
    command: `aws secretsmanager rotate-secret --secret-id ${quoted(name)}${isOn ? '' : ' --rotation-lambda-arn FUNCTION_ARN --rotation-rules AutomaticallyAfterDays=30'}`,
  }
}

/** By its value; by its name where the caller may not look into it. */
const isDatabase = (secret: Subject): boolean => knownValue(secret)?.isDatabase ?? namesDatabase(secret.name)

function areFields(secrets: readonly Subject[]): boolean {
  const fields = new Set(secrets.map(({ name }) => fieldOf(name)?.field))
  return fields.size >= 2 && fields.has('password')
}

function tellScatteredFields(secrets: readonly Subject[], stem: string): Told {
  const more = secrets.length > FIELDS_NAMED ? ` and ${secrets.length - FIELDS_NAMED} more` : ''
  const named = secrets.slice(0, FIELDS_NAMED).map(({ name }) => name)
  return {
    evidence: `${secrets.length} secrets hold one field each of the same thing: ${named.join(', ')}${more}.`,
    mend: 'Keep them in one secret as JSON: they then change together, rotators can work on them, and AWS would charge for one.',
    command: `aws secretsmanager create-secret --name ${quoted(stem)} --secret-string file://fields.json`,
  }
}

function tellCopies(secrets: readonly Subject[]): Told {
  const accounts = new Set(secrets.map(({ arn }) => arn.split(':')[4]))
  const where = accounts.size === 1 ? '' : ` of ${accounts.size} accounts`
  const kept = accounts.size === 1 ? secrets[0]!.name : secrets[0]!.arn
  return {
    evidence: `${secrets.length} secrets${where} have the same value.`,
    mend: 'Keep one, let the others read it by its resource policy, and delete the copies: a rotation then reaches everyone (docs/sharing.md).',
    command: `aws secretsmanager put-resource-policy --secret-id ${quoted(kept)} --resource-policy file://policy.json --block-public-policy`,
  }
}

function tellUncachedReads({ arn }: Subject, { readings }: Known): Told | undefined {
  const callers = readings.get(arn)
  if (callers === undefined) return undefined
  const named = callers.slice(0, CALLERS_NAMED).map(rateOf).join('; ')
  const more = callers.length > CALLERS_NAMED ? `; and ${callers.length - CALLERS_NAMED} more callers` : ''
  return {
    evidence: `${named}${more}. A process that keeps the value for 5 minutes reads it 288 times a day.`,
    mend: "Read it through a cache: the cache library, or one of AWS's caching clients (docs/caching.md).",
    command: 'npm install @strongroom/cache',
  }
}

const rateOf = ({ caller, calls, day }: BusyReading): string =>
  `${caller} read it ${calls.toLocaleString('en-US')} times on ${dateOf(day)}, ${rateText(calls / 1_440)}`

const rateText = (perMinute: number): string =>
  perMinute >= 1 ? `${round(perMinute)} times a minute` : `${round(perMinute * 60)} times an hour`

const round = (value: number): string => String(value >= 10 ? Math.round(value) : Math.round(value * 10) / 10)

function tellUserTokens(secrets: readonly Subject[], pattern: string): Told {
  return {
    evidence: `${secrets.length} secrets named ${pattern} hold a token each.`,
    mend: 'Keep tokens of users in the database of the application, encrypted under a KMS key: they are data, and grow with the users (docs/kms.md).',
    command: 'aws kms create-key --description "tokens of users"',
  }
}

function tellConfiguration(secret: Subject): Told | undefined {
  if (!isUsers(secret) || knownValue(secret)?.isConfiguration !== true) return undefined
  return {
    evidence: 'Its value has the form of plain configuration: switches, numbers, addresses or the like.',
    mend: 'Keep it in Parameter Store, where it costs nothing on AWS, and delete the secret (docs/parameters.md).',
    command: `aws ssm put-parameter --name ${quoted(`/${secret.name.replace(/^\//, '')}`)} --type String --value file://value.txt`,
  }
}

function tellUnread(secret: Subject, { thresholds: { unreadDays }, now }: Known): Told | undefined {
  const { readDay, createdAt, name } = secret
  // A replica waits for the day on which it is needed; a secret of a service is the service's to delete.
  if (!isUsers(secret)) return undefined
  const days = daysBetween(Math.max(readDay ?? 0, createdAt), now)
  if (days <= unreadDays) return undefined
  return {
    evidence:
      readDay === undefined
        ? `It was never read since it was created ${days} days ago.`
        : `It was last read on ${dateOf(readDay)}, ${days} days ago.`,
    mend: 'Delete it if nobody needs it. It can be restored while its recovery window is open.',
    command: `aws secretsmanager delete-secret --secret-id ${quoted(name)} --recovery-window-in-days 30`,
  }
}

const daysBetween = (from: number, to: number): number => Math.max(0, Math.floor((to - from) / DAY_MS))

const dateOf = (time: number): string => new Date(time).toISOString().slice(0, 10)

/** As a shell takes it: names of secrets may have an exclamation mark. */
const quoted = (name: string): string => (/^[\w/+=.@:-]+$/.test(name) ? name : `'${name}'`)
