// What an import or an export tells: one line each as it goes, or a table or JSON in the end, and how many of which.

import { colored, formatOf, type OutputOptions, printable, printListing } from '../output.ts'
import type { Reference } from './item.ts'
import type { Action, Outcome } from './outcome.ts'
import { startProgress } from './progress.ts'

/** What was done, and what would be. */
const WORDS: { readonly [action in Action]: readonly [done: string, planned: string] } = {
  create: ['created', 'create'],
  update: ['updated', 'update'],
  leave: ['left alone', 'leave alone'],
  'leave out': ['left out', 'leave out'],
  refuse: ['refused', 'refuse'],
  fail: ['failed', 'fail'],
}

export type Report = {
  readonly tell: (reference: Pick<Reference, 'kind' | 'name'>, outcome: Outcome) => void
  /** Sets exit code 1 where something failed or was refused. */
  readonly end: () => void
}

export type ReportOptions = OutputOptions & {
  readonly dryRun?: boolean | undefined
  /** Words that stand for `create`; an export has its own. */
  readonly created?: string
  /** Standard output is taken: only what went wrong is told, on standard error. */
  readonly quiet?: boolean
}

export function startReport(total: number, options: ReportOptions): Report {
  const { dryRun = false, quiet = false } = options
  const format = quiet ? 'text' : formatOf(options)
  // Beside text on the same terminal there is no place for it.
  const progress = startProgress(total, quiet ? !process.stdout.isTTY : format !== 'text')
  const told: { readonly action: Action; readonly cells: readonly string[]; readonly json: object }[] = []
  const word = (action: Action): string =>
    action === 'create' && options.created !== undefined ? options.created : WORDS[action][dryRun ? 1 : 0]
  const isBad = (action: Action): boolean => action === 'fail' || action === 'refuse'
  return {
    tell({ kind, name }, outcome) {
      const { action } = outcome
      const [Name, Details] = [printable(name), outcome.details.map(printable)]
      const cells = [word(action), kind, Name, Details.join('; ')]
      told.push({ action, cells, json: { Action: word(action), Kind: kind, Name, Details } })
      progress.advance(isBad(action))
      const line = `${cells.join('\t')}\n`
      if (quiet && isBad(action)) process.stderr.write(line)
      else if (!quiet && format === 'text') process.stdout.write(line)
    },
    end() {
      progress.end()
      const actions = Object.keys(WORDS) as Action[]
      const counts = actions.map(
        (action) => [word(action), told.filter((one) => one.action === action).length] as const,
      )
      const summary = Object.fromEntries(counts)
      if (!quiet && format === 'json') {
        const json = { DryRun: dryRun, Summary: summary, Items: told.map((one) => one.json) }
        printListing({ columns: [], rows: [], json }, format)
      } else {
        if (format === 'table') {
          printListing(
            { columns: ['action', 'kind', 'name', 'details'], rows: told.map((one) => one.cells), json: [] },
            format,
          )
        }
        const text =
          counts.flatMap(([what, count]) => (count > 0 ? [`${count} ${dryRun ? 'to ' : ''}${what}`] : [])).join(', ') ||
          'nothing is there'
        const bad = told.some(({ action }) => isBad(action))
        process.stderr.write(
          `${colored(bad ? 'red' : 'green', text, process.stderr)}${dryRun ? ': nothing was written' : ''}\n`,
        )
      }
      if (told.some(({ action }) => isBad(action))) process.exitCode = 1
    },
  }
}
