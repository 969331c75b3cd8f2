// Parameter policies: what a parameter does by itself when its time has come. An advanced parameter may have up to ten. Pure.
// https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html

import * as errors from './errors.ts'

const POLICIES_MAX = 10
const HOUR_MS = 3_600_000
/** A hundred years: what is due later is not due. */
const OFFSET_MS_MAX = 36_500 * 24 * HOUR_MS

/** Times are milliseconds since the epoch, of the service clock. */
export type ParameterPolicy = {
  /** As answers show it. */
  readonly text: string
  /** What it was put to; PutParameter without Policies leaves it. */
  readonly createdAt: number
  /** It told what it had to tell. */
  readonly done?: true
} & (
  | { readonly type: 'Expiration'; readonly at: number }
  | { readonly type: 'ExpirationNotification'; readonly beforeMs: number }
  | { readonly type: 'NoChangeNotification'; readonly afterMs: number }
)

/**
 * The policies of a request; none where it takes them all away (`[{}]`).
 * @throws ServiceError ValidationException, PoliciesLimitExceededException, InvalidPolicyTypeException, InvalidPolicyAttributeException,
 * IncompatiblePolicyException
 */
export function parsePolicies(text: string, now: number): readonly ParameterPolicy[] {
  const given = parseArray(text)
  if (given.length > POLICIES_MAX) throw errors.tooManyPolicies(POLICIES_MAX)
  if (given.length === 1 && Object.keys(given[0]!).length === 0) return []
  const policies = given.map((policy) => parsePolicy(policy, now))
  const expirations = policies.filter(({ type }) => type === 'Expiration').length
  if (expirations > 1) throw errors.incompatiblePolicies('A parameter can have one Expiration policy.')
  if (expirations === 0 && policies.some(({ type }) => type === 'ExpirationNotification')) {
    throw errors.incompatiblePolicies('An ExpirationNotification policy needs an Expiration policy.')
  }
  return policies
}

type Given = { readonly [member: string]: unknown }

const isObject = (value: unknown): value is Given =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function parseArray(text: string): readonly Given[] {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw errors.policiesNotJson()
  }
  if (!Array.isArray(value) || !value.every(isObject)) throw errors.policiesNotJson()
  return value
}

function parsePolicy(given: Given, now: number): ParameterPolicy {
  const { Type, Version, Attributes, ...others } = given
  const bare = { text: JSON.stringify(given), createdAt: now }
  if (Type !== 'Expiration' && Type !== 'ExpirationNotification' && Type !== 'NoChangeNotification') {
    throw errors.unknownPolicyType()
  }
  if (Version !== '1.0') throw errors.policyAttribute('The Version of a policy is 1.0.')
  if (Object.keys(others).length > 0 || !isObject(Attributes)) {
    throw errors.policyAttribute('A policy has Type, Version and Attributes.')
  }
  switch (Type) {
    case 'Expiration':
      return { ...bare, type: Type, at: parseTimestamp(Attributes, now) }
    case 'ExpirationNotification':
      return { ...bare, type: Type, beforeMs: parseOffset(Attributes, 'Before') }
    case 'NoChangeNotification':
      return { ...bare, type: Type, afterMs: parseOffset(Attributes, 'After') }
  }
}

/** ISO 8601 with its offset. */
const TIMESTAMP = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)$/

/** Date.parse takes the 31st of February for the third of March. */
function isDay(date: string): boolean {
  const at = Date.parse(date)
  return !Number.isNaN(at) && new Date(at).toISOString().startsWith(date)
}

function parseTimestamp({ Timestamp, ...others }: Given, now: number): number {
  const at =
    typeof Timestamp === 'string' && TIMESTAMP.test(Timestamp) && isDay(Timestamp.slice(0, 10))
      ? Date.parse(Timestamp)
      : Number.NaN
  if (Number.isNaN(at) || Object.keys(others).length > 0) {
    throw errors.policyAttribute('Timestamp is a time in ISO 8601, such as 2030-12-02T21:34:33.000Z.')
  }
  if (at <= now) throw errors.policyAttribute('Timestamp must be in the future.')
  return at
}

function parseOffset(given: Given, member: 'Before' | 'After'): number {
  const { [member]: amount, Unit, ...others } = given
  const count = typeof amount === 'string' && /^\d{1,9}$/.test(amount) ? Number(amount) : amount
  const unitMs = Unit === 'Days' ? 24 * HOUR_MS : Unit === 'Hours' ? HOUR_MS : Number.NaN
  const ms = Number.isSafeInteger(count) ? (count as number) * unitMs : Number.NaN
  if (!(ms > 0 && ms <= OFFSET_MS_MAX) || Object.keys(others).length > 0) {
    throw errors.policyAttribute(`${member} is a whole number, and Unit is Days or Hours.`)
  }
  return ms
}

/** Policies that stay where a new version has none of its own: what tells that nothing changed begins anew. */
export const afterChange = (policies: readonly ParameterPolicy[]): readonly ParameterPolicy[] =>
  policies.map((policy) => {
    if (policy.type !== 'NoChangeNotification') return policy
    const { done, ...pending } = policy
    return pending
  })

/** When a policy acts; undefined where it did. `modifiedAt` is of the latest version. */
export function dueAt(
  policy: ParameterPolicy,
  policies: readonly ParameterPolicy[],
  modifiedAt: number,
): number | undefined {
  if (policy.done) return undefined
  switch (policy.type) {
    case 'Expiration':
      return policy.at
    case 'NoChangeNotification':
      return modifiedAt + policy.afterMs
    case 'ExpirationNotification': {
      const expiration = policies.find(({ type }) => type === 'Expiration')
      return expiration?.type === 'Expiration' ? expiration.at - policy.beforeMs : undefined
    }
  }
}

/** When the next of them acts; undefined where none will. */
export function nextDue(policies: readonly ParameterPolicy[], modifiedAt: number): number | undefined {
  const times = policies.flatMap((policy) => dueAt(policy, policies, modifiedAt) ?? [])
  return times.length === 0 ? undefined : Math.min(...times)
}

/** As DescribeParameters shows them. */
export const shownPolicies = (policies: readonly ParameterPolicy[]) =>
  policies.map(({ text, type, done }) => ({
    PolicyText: text,
    PolicyType: type,
    PolicyStatus: done ? 'Finished' : 'Pending',
  }))

/** Those of an older version, which act no more. */
export const shownFormerPolicies = (texts: readonly string[]) =>
  texts.map((text) => ({
    PolicyText: text,
    PolicyType: (JSON.parse(text) as { readonly Type: string }).Type,
    PolicyStatus: 'Finished',
  }))
