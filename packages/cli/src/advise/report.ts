// A report as POST /_strongroom/advise gives it, for people and for programs.

import { SEVERITIES, type Severity } from '@strongroom/server/services/strongroom/advise/model.ts'
import type { Connection } from '../connection.ts'
import { colored, type OutputFormat, printable, printListing, type Style } from '../output.ts'
import { signedCall } from '../signed-call.ts'
import type { AdviseOptions } from './command.ts'

type Finding = {
  readonly Finding: string
  readonly Severity: Severity
  readonly Secrets: readonly { readonly ARN: string; readonly Name: string }[]
  readonly SecretCount: number
  readonly Evidence: string
  readonly Mend: string
  readonly Command: string
}

export type Report = {
  readonly Findings: readonly Finding[]
  readonly Summary: readonly {
    readonly Finding: string
    readonly Severity: Severity
    readonly Count: number
    readonly Dismissed: number
  }[]
  /** Seconds since the epoch. */
  readonly Date: number
  readonly SecretCount: number
  readonly Incomplete: boolean
  readonly NotLookedInto: {
    readonly Secrets: number
    readonly Values: number
    readonly Rotations: number
    readonly Policies: number
    readonly Calls: boolean
  }
  readonly OtherAccounts?: { readonly LookedInto: number; readonly NotLookedInto: number }
  readonly CostOnAws: {
    readonly Secrets: number
    readonly SecretsUsd: string
    readonly Calls?: number
    readonly CallDays?: number
    readonly CallsPerMonth?: number
    readonly CallsUsd?: string
    readonly Usd: string
  }
}

/** Of each kind; how many there are is told besides. */
const FINDINGS_MAX = 500

/** @throws UsageError */
export const askForAdvice = (given: AdviseOptions, connection: Connection): Promise<Report> =>
  signedCall<Report>(
    '/_strongroom/advise',
    {
      Findings: given.finding,
      MaxResults: FINDINGS_MAX,
      AcrossAccounts: given.allAccounts,
      RotationDays: given.rotationDays,
      UnreadDays: given.unreadDays,
      ReadsPerDay: given.readsPerDay,
      UserTokens: given.userTokens,
      FailedRotations: given.failedRotations,
      CopiedBytes: given.copiedBytes,
    },
    connection,
  )

/** Whether a finding of this severity, or of a graver one, is there. */
export const failsOn = ({ Summary }: Report, least: Severity): boolean =>
  Summary.some(({ Severity, Count }) => Count > 0 && SEVERITIES.indexOf(Severity) >= SEVERITIES.indexOf(least))

/** Text is the findings alone, one a line: severity, finding, names of the secrets, evidence, mend, command. What they do not tell goes to standard error. */
export function printReport(report: Report, format: OutputFormat): void {
  const { Findings } = report
  if (format !== 'table') {
    const rows = Findings.map(({ Finding, Severity, Evidence, Mend, Command, ...about }) => [
      ...[Severity, Finding, namesOf(about).join(' ')],
      ...[Evidence, Mend, Command],
    ])
    printListing({ columns: [], rows, json: report }, format)
    if (format === 'text')
      for (const line of missingLines(report)) process.stderr.write(`strongroom: ${printable(line)}\n`)
    return
  }
  if (Findings.length > 0) {
    const rows = Findings.map((one) => [one.Severity, one.Finding, shortNames(one), one.Evidence])
    printListing({ columns: ['severity', 'finding', 'secret', 'evidence'], rows, json: report }, format)
    say('')
  }
  for (const { Finding, Severity } of report.Summary) {
    const first = Findings.find((one) => one.Finding === Finding)
    if (first === undefined) continue
    say(`${colored(STYLES[Severity] ?? 'dim', printable(Finding))}: ${printable(first.Mend)}`)
    say(`  ${colored('dim', printable(first.Command))}`)
  }
  if (Findings.length > 0) say('')
  for (const line of [...countLines(report), costLine(report)]) say(printable(line))
}

const say = (line: string): void => void process.stdout.write(`${line}\n`)

const STYLES: { readonly [severity in Severity]: Style } = { high: 'red', medium: 'yellow', low: 'dim' }
const NAMES_SHOWN = 3

/** With their account where they are of several. */
function namesOf({ Secrets }: Pick<Finding, 'Secrets'>): readonly string[] {
  const accountOf = (arn: string): string => arn.split(':')[4] ?? ''
  const several = new Set(Secrets.map(({ ARN }) => accountOf(ARN))).size > 1
  return Secrets.map(({ ARN, Name }) => (several ? `${accountOf(ARN)}:${Name}` : Name))
}

function shortNames(finding: Finding): string {
  const names = namesOf(finding).slice(0, NAMES_SHOWN)
  const more = finding.SecretCount - names.length
  return `${names.join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}

function countLines(report: Report): readonly string[] {
  const { Summary, SecretCount } = report
  const dismissed = Summary.reduce((sum, { Dismissed }) => sum + Dismissed, 0)
  return [
    `${counted(totalOf(report), 'finding')} in ${counted(SecretCount, 'secret')}; ${figure(dismissed)} dismissed by a tag.`,
    ...missingLines(report),
  ]
}

const totalOf = ({ Summary }: Report): number => Summary.reduce((sum, { Count }) => sum + Count, 0)

/** What the findings of a report do not tell. */
function missingLines(report: Report): readonly string[] {
  const { Findings, Incomplete, NotLookedInto: not, OtherAccounts: others } = report
  const kinds = [
    [not.Secrets, 'secret'],
    [not.Values, 'value'],
    [not.Policies, 'resource policy', 'resource policies'],
    [not.Rotations, 'history of rotation', 'histories of rotation'],
  ] as const
  const missed = kinds.filter(([count]) => count > 0).map(([count, one, more]) => counted(count, one, more))
  if (not.Calls) missed.push('who calls')
  return [
    ...(totalOf(report) > Findings.length
      ? [`${figure(Findings.length)} of ${counted(totalOf(report), 'finding')} are shown.`]
      : []),
    ...(missed.length > 0 ? [`Not looked into, since you may not: ${missed.join(', ')}.`] : []),
    ...(others === undefined
      ? []
      : [`Other accounts: ${figure(others.LookedInto)} looked into, ${figure(others.NotLookedInto)} not.`]),
    ...(Incomplete ? ['There are more secrets than one report looks at.'] : []),
  ]
}

function costLine({ CostOnAws: cost }: Report): string {
  const calls =
    cost.CallsPerMonth === undefined
      ? 'calls not counted in'
      : `${counted(cost.CallsPerMonth, 'call')} ${cost.CallsUsd} (from ${figure(cost.Calls!)} in ${counted(cost.CallDays!, 'day')})`
  return `On AWS this would cost ${cost.Usd} USD a month: ${counted(cost.Secrets, 'secret')} ${cost.SecretsUsd}, ${calls}.`
}

const counted = (value: number, one: string, more = `${one}s`): string => `${figure(value)} ${value === 1 ? one : more}`

const figure = (value: number): string => value.toLocaleString('en-US')
