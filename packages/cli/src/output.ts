// How the commands for people print what they found: a table for the eye, lines of fields for other programs, or JSON.

import { createRequire } from 'node:module'
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

/** A table has a head, and dashes for what is empty; text has neither. */
export function printListing({ columns, rows, json }: Listing, format: OutputFormat): void {
  if (format === 'json') process.stdout.write(jsonText(json))
  else if (format === 'text') for (const row of rows) process.stdout.write(`${row.map(printable).join('\t')}\n`)
  else process.stdout.write(tableText(columns, rows))
}

const require = createRequire(import.meta.url)

function tableText(columns: readonly string[], rows: readonly (readonly string[])[]): string {
  // Only here: it takes longer to load than most commands take.
  const { default: stringWidth }: typeof import('string-width') = require('string-width')
  const shown = rows.map((row) => row.map((cell) => printable(cell) || '-'))
  const widths = columns.map((title, at) =>
    shown.reduce((most, row) => Math.max(most, stringWidth(row[at]!)), title.length),
  )
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, at) => cell + ' '.repeat(widths[at]! - stringWidth(cell)))
      .join('  ')
      .trimEnd()
  return [colored('bold', line(columns.map((title) => title.toUpperCase()))), ...shown.map(line)]
    .map((l) => `${l}\n`)
    .join('')
}

/** In a table how long ago, or ahead, it is; else to the millisecond. Empty where there is none. */
export function dateText(date: Date | undefined, format: OutputFormat, now = Date.now()): string {
  if (date === undefined) return ''
  return format === 'table' ? ageText(date.getTime() - now) : date.toISOString()
}

const UNITS = [
  [31_557_600_000, 'y'],
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
] as const

function ageText(aheadMs: number): string {
  const lengthMs = Math.abs(aheadMs)
  const [unitMs, unit] = UNITS.find(([size]) => lengthMs >= size) ?? UNITS.at(-1)!
  const text = `${Math.floor(lengthMs / unitMs)} ${unit}`
  return aheadMs > 0 ? `in ${text}` : text
}

export type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow'

/** Only on a terminal, and not where NO_COLOR says so: https://no-color.org */
export const colored = (style: Style, text: string, stream: NodeJS.WriteStream = process.stdout): string =>
  stream.isTTY && !process.env.NO_COLOR ? styleText(style, text, { stream }) : text

/** Controls, line ends of Unicode, and what turns the direction of writing. */
const UNPRINTABLE = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]+/g

/** Nothing of a server's answer moves the cursor, makes another line or writes from right to left. */
export const printable = (text: string): string => stripVTControlCharacters(text).replace(UNPRINTABLE, ' ')

/** Indented, with a line end, and escapes for what a terminal would act on. */
export const jsonText = (value: unknown): string =>
  `${JSON.stringify(value, null, 2).replaceAll(/[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g, escaped)}\n`

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
