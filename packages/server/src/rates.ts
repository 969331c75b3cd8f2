// Request rates: how many calls of a group of operations an account may make in a Region each second. A bucket of tokens for each, in the
// memory of the process, on the wall clock; a service says in a table what its groups are (`rates` of Service).

import { ConfigurationError } from './config.ts'
import type { AnyOperation, Service } from './operation.ts'
import { Lru } from './storage/cache.ts'

export type RateGroup = {
  /** With the service's name it is what `--rate` names: `secretsmanager.write`. */
  readonly name: string
  /** Names of operations, those too that the service does not have yet. No operation is in two groups. */
  readonly operations: readonly string[]
  /** Calls that a second brings, and the most that may come at once. */
  readonly perSecond: number
  /** Whether it holds only where the operator gives it a figure. */
  readonly optional?: true
}

export type Rates = {
  /**
   * 0 where a call of that account may go on, and has taken its token; else it is to be refused, and the refusal told after so many
   * milliseconds. `now` is the wall clock, in milliseconds.
   */
  take(operation: AnyOperation, account: string, region: string, now: number): number
}

type Bucket = { tokens: number; at: number }

/** Accounts × Regions × groups that were busy lately. A bucket that is forgotten is a full one. */
const BUCKETS_MAX = 20_000

/**
 * Who sends the next call as soon as one is refused would otherwise keep the server busy with refusing, and others waiting. Spread, so that
 * those who are refused together do not come back together.
 */
const REFUSAL_MS = { least: 50, spread: 100, step: 61 } as const

const UNLIMITED: Rates = { take: () => 0 }

/**
 * @param given what `--rate` says: `secretsmanager.write=200`, `secretsmanager.write=off`
 * @throws ConfigurationError for a group that there is not
 */
export function createRates(
  services: readonly Service[],
  { rates, rate: given }: { readonly rates: 'on' | 'off'; readonly rate: readonly string[] },
): Rates {
  const figures = readFigures(services, given)
  if (rates === 'off') return UNLIMITED
  const groups = new Map<AnyOperation, { readonly key: string; readonly perSecond: number }>()
  for (const service of services) {
    for (const { name, operations, perSecond, optional } of service.rates ?? []) {
      const key = `${service.name}.${name}`
      const figure = figures.get(key) ?? (optional ? undefined : perSecond)
      if (figure === undefined || figure === 'off') continue
      for (const operation of service.operations) {
        if (operations.includes(operation.name)) groups.set(operation, { key, perSecond: figure })
      }
    }
  }
  let refusals = 0
  const buckets = new Lru<string, Bucket>(BUCKETS_MAX)
  return {
    take: (operation, account, region, now) => {
      const group = groups.get(operation)
      if (group === undefined) return 0
      const { perSecond } = group
      const key = `${account} ${region} ${group.key}`
      const bucket = buckets.get(key)
      if (bucket === undefined) {
        buckets.set(key, { tokens: perSecond - 1, at: now })
        return 0
      }
      // Where the clock went back, nothing is added, and time counts from there.
      const elapsedMs = Math.max(0, now - bucket.at)
      const tokens = Math.min(perSecond, bucket.tokens + (elapsedMs * perSecond) / 1_000)
      bucket.at = now
      bucket.tokens = tokens < 1 ? tokens : tokens - 1
      return tokens >= 1 ? 0 : REFUSAL_MS.least + ((refusals++ * REFUSAL_MS.step) % REFUSAL_MS.spread)
    },
  }
}

function readFigures(services: readonly Service[], given: readonly string[]): ReadonlyMap<string, number | 'off'> {
  const known = services.flatMap(({ name, rates = [] }) => rates.map((group) => `${name}.${group.name}`))
  return new Map(
    given.map((text) => {
      const [group = '', figure = ''] = text.split('=')
      if (!known.includes(group)) {
        throw new ConfigurationError(`--rate ${text} names no group of operations: give one of ${known.join(', ')}`)
      }
      return [group, figure === 'off' ? figure : Number(figure)]
    }),
  )
}
