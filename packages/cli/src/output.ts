// How the commands for people print what they found: a table for the eye, lines of fields for other programs, or JSON.

import { stripVTControlCharacters, styleText } from 'node:util'
import { type Command, Option } from 'commander'

export const OUTPUT_FORMATS = ['json', 'table', 'text'] as const
export type OutputFormat = (typeof OUTPUT_FORMATS)[number]
export type OutputOptions = { readonly output?: OutputFormat }

/** `--output`; absent: a table on a terminal, else text. */
export const addOutputOption = (command: Command): Command =>
  command.addOption(
    new Option('--output <FORMAT>', 'absent: a table on a terminal, else text: fields between tabs').choices(
      OUTPUT_FORMATS,
    ),
  )

export const formatOf = ({ output }: OutputOptions): OutputFormat => output ?? (process.stdout.isTTY ? 'table' : 'text')

/** Rows as they are shown, all of as many cells as there are columns; `json` is the same for programs, with AWS's names. */
export type Listing = {
  readonly columns: readonly string[]
  readonly rows: readonly (readonly string[])[]
  readonly json: unknown
}

export function printListing({ columns, rows, json }: Listing, format: OutputFormat): void {
  if (format === 'json') process.stdout.write(`${JSON.stringify(json, null, 2)}\n`)
  else if (format === 'text') for (const row of rows) process.stdout.write(`${row.map(printable).join('\t')}\n`)
  else process.stdout.write(tableText(columns, rows))
}

function tableText(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  const shown = rows.map((row) => row.map(printable))
  const widths = columns.map((title, at) => Math.max(title.length, ...shown.map((row) => row[at]!.length)))
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell.padEnd(widths[at]!))
      .join('  ')
      .trimEnd()
  return [colored('bold', line(columns.map((title) => title.toUpperCase()))), ...shown.map(line)]
    .map((l) => `${l}\n`)
    .join('')
}

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** Only on a terminal, and not where NO_COLOR says so: https://no-color.org */
export const colored = (style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string =>
  styleText(style, text, { stream })

/** Nothing of a server's answer moves the cursor or makes another line. */
export const printable = (text: string): string =>
  stripVTControlCharacters(text).replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
