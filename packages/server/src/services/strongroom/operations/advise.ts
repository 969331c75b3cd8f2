// Advise finds what the practice of Secrets Manager warns of among the secrets of the caller's account in a Region, as far as the caller may know
// them, and tells what the same use would cost on AWS. No AWS operation: docs/advise.md.

import { operation } from '../../../operation.ts'
import { boolean, enumeration, integer, list, optional, string, structure, timestamp } from '../../../shape/shape.ts'
import { CHECK_NAMES, CHECKS, DEFAULT_THRESHOLDS, SEVERITIES } from '../advise/model.ts'
import { makeReport, type Report } from '../advise/report.ts'

const days = optional(integer({ min: 1, max: 3_650 }))
const Check = enumeration(...CHECK_NAMES)
const Severity = enumeration(...SEVERITIES)
/** Of one finding, and of the others of its kind together; SecretCount tells how many there are. At least one is named. */
const SECRETS_NAMED = 100
const SECRETS_NAMED_OF_KIND = 5_000

export const advise = operation({
  name: 'Advise',
  readOnly: true,
  path: '/_strongroom/advise',

  input: {
    /** What is looked for; absent: all. Values are looked into only where a finding needs them. */
    Findings: optional(list(Check, { min: 1, max: 32 })),
    /** Of each kind; the summary counts all of them. */
    MaxResults: optional(integer({ min: 1, max: 500 })),
    /** Whether values are compared with those of all other accounts; takes strongroom:AdviseAcrossAccounts. */
    AcrossAccounts: optional(boolean()),
    RotationDays: days,
    UnreadDays: days,
    ReadsPerDay: optional(integer({ min: 1, max: 1_000_000_000 })),
    UserTokens: optional(integer({ min: 2, max: 100_000 })),
    FailedRotations: optional(integer({ min: 1, max: 10 })),
    CopiedBytes: optional(integer({ min: 1, max: 65_536 })),
  },

  output: {
    /** By severity, kind and ARN. */
    Findings: list(
      structure({
        Finding: Check,
        Severity,
        Secrets: list(structure({ ARN: string(), Name: string() })),
        SecretCount: integer(),
        Evidence: string(),
        Mend: string(),
        Command: string(),
      }),
    ),
    /** Every kind that was looked for, also where nothing was found. */
    Summary: list(structure({ Finding: Check, Severity, Count: integer(), Dismissed: integer() })),
    Date: timestamp(),
    SecretCount: integer(),
    /** There are more secrets than one report looks at. */
    Incomplete: boolean(),
    /** Of how many secrets something was not looked at, since the caller may not. */
    NotLookedInto: structure({
      Secrets: integer(),
      Values: integer(),
      Rotations: integer(),
      Policies: integer(),
      Calls: boolean(),
    }),
    OtherAccounts: optional(structure({ LookedInto: integer(), NotLookedInto: integer() })),
    /** In USD, for a month of 30 days. */
    CostOnAws: structure({
      Secrets: integer(),
      SecretsUsd: string(),
      Calls: optional(integer()),
      CallDays: optional(integer({ fractions: true })),
      CallsPerMonth: optional(integer()),
      CallsUsd: optional(string()),
      Usd: string(),
    }),
  },

  target: async ({ account }) => ({ resource: '*', shown: '*', account }),

  permissions: ({ AcrossAccounts }, { account }) => [
    { action: 'strongroom:Advise', resource: '*', shown: '*', resourceAccount: account },
    ...(AcrossAccounts
      ? [{ action: 'strongroom:AdviseAcrossAccounts', resource: '*', shown: '*', resourceAccount: account }]
      : []),
  ],

  prepare: (following) => {
    const { input } = following
    const checks = input.Findings ?? CHECK_NAMES
    const thresholds = {
      rotationDays: input.RotationDays ?? DEFAULT_THRESHOLDS.rotationDays,
      unreadDays: input.UnreadDays ?? DEFAULT_THRESHOLDS.unreadDays,
      readsPerDay: input.ReadsPerDay ?? DEFAULT_THRESHOLDS.readsPerDay,
      userTokens: input.UserTokens ?? DEFAULT_THRESHOLDS.userTokens,
      failedRotations: input.FailedRotations ?? DEFAULT_THRESHOLDS.failedRotations,
      copiedBytes: input.CopiedBytes ?? DEFAULT_THRESHOLDS.copiedBytes,
    }
    return makeReport(following, { checks, thresholds, acrossAccounts: input.AcrossAccounts ?? false })
  },

  async run({ now, input, prepared }) {
    const { findings, dismissed, secrets, refused, callsRefused, accounts, isPart, cost } = prepared as Report
    const max = input.MaxResults ?? 100
    const asked = CHECK_NAMES.filter((check) => input.Findings === undefined || input.Findings.includes(check))
    const byCheck = new Map(asked.map((check) => [check, findings.filter((finding) => finding.check === check)]))
    return {
      Findings: [...byCheck.values()].flatMap((found) => {
        let left = SECRETS_NAMED_OF_KIND
        return found.slice(0, max).map(({ check, secrets, evidence, mend, command }) => {
          const named = secrets.slice(0, Math.max(1, Math.min(SECRETS_NAMED, left)))
          left -= named.length
          return {
            Finding: check,
            Severity: CHECKS[check].severity,
            Secrets: named.map(({ arn, name }) => ({ ARN: arn, Name: name })),
            SecretCount: secrets.length,
            Evidence: evidence,
            Mend: mend,
            Command: command,
          }
        })
      }),
      Summary: [...byCheck].map(([check, found]) => ({
        Finding: check,
        Severity: CHECKS[check].severity,
        Count: found.length,
        Dismissed: dismissed.get(check) ?? 0,
      })),
      Date: now,
      SecretCount: secrets,
      Incomplete: isPart,
      NotLookedInto: {
        Secrets: refused.secrets,
        Values: refused.values,
        Rotations: refused.rotations,
        Policies: refused.policies,
        Calls: callsRefused,
      },
      OtherAccounts: accounts && { LookedInto: accounts.lookedInto, NotLookedInto: accounts.refused },
      CostOnAws: {
        Secrets: cost.secrets,
        SecretsUsd: cost.secretsUsd,
        Calls: cost.calls?.counted,
        CallDays: cost.calls?.days,
        CallsPerMonth: cost.calls?.perMonth,
        CallsUsd: cost.calls?.usd,
        Usd: cost.usd,
      },
    }
  },
})
