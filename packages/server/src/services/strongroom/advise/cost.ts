// What the same use would cost on AWS in a month of 30 days. https://aws.amazon.com/secrets-manager/pricing/

import type { Subject } from './model.ts'

const USD_PER_SECRET = 0.4
const USD_PER_CALL = 0.05 / 10_000
const MONTH_DAYS = 30
const DAY_MS = 86_400_000

/** USD as text with two digits behind the point. */
export type Cost = {
  /** Replicas in the Region are secrets too. */
  readonly secrets: number
  readonly secretsUsd: string
  /** Absent where the caller may not know them. */
  readonly calls?: {
    /** That were made, in so many days, which may end with a part of one. */
    readonly counted: number
    readonly days: number
    readonly perMonth: number
    readonly usd: string
  }
  readonly usd: string
}

/** A secret that is younger than a month counts for its part of one. `now` is the service clock. */
export function costOf(
  secrets: readonly Pick<Subject, 'createdAt'>[],
  calls: { readonly calls: number; readonly days: number } | undefined,
  now: number,
): Cost {
  const months = secrets.map(({ createdAt }) => Math.min(1, Math.max(0, (now - createdAt) / (MONTH_DAYS * DAY_MS))))
  const secretsUsd = months.reduce((sum, part) => sum + part, 0) * USD_PER_SECRET
  const perMonth = calls && Math.round((calls.calls * MONTH_DAYS) / calls.days)
  const callsUsd = (perMonth ?? 0) * USD_PER_CALL
  return {
    secrets: secrets.length,
    secretsUsd: secretsUsd.toFixed(2),
    ...(calls &&
      perMonth !== undefined && {
        calls: {
          counted: calls.calls,
          days: Math.round(calls.days * 10) / 10,
          perMonth,
          usd: callsUsd.toFixed(2),
        },
      }),
    usd: (secretsUsd + callsUsd).toFixed(2),
  }
}
