// What the same use would cost on AWS in a month of 30 days. https://aws.amazon.com/secrets-manager/pricing/

const USD_PER_SECRET = 0.4
const USD_PER_CALL = 0.05 / 10_000
const MONTH_DAYS = 30

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

/** @param secrets how many there are: each for all of the month */
export function costOf(secrets: number, calls: { readonly calls: number; readonly days: number } | undefined): Cost {
  const secretsUsd = secrets * USD_PER_SECRET
  const perMonth = calls && Math.round((calls.calls * MONTH_DAYS) / calls.days)
  const callsUsd = (perMonth ?? 0) * USD_PER_CALL
  return {
    secrets,
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
