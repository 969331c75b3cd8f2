// The variables of a dotenv file: as one JSON secret, or as a secret or parameter each. The library reads it; what it passes over in silence is told
// by line numbers, never by text.

import { readFileSync, statSync } from 'node:fs'
import dotenv from 'dotenv'
import { UsageError } from '../usage-error.ts'
import type { Item, LeftOut, ParameterItem, Reference, SecretItem, Source } from './item.ts'

export type DotenvOptions = {
  readonly secret?: string
  readonly each?: 'secret' | 'parameter'
  readonly prefix?: string
}

const FILE_BYTES_MAX = 1 << 20

export type DotenvFile = {
  readonly values: ReadonlyMap<string, string>
  /** What may not be as its writer meant it. */
  readonly warnings: readonly string[]
}

/** @throws UsageError */
export function dotenvSource(
  file: string,
  options: DotenvOptions,
): { readonly source: Source; readonly warnings: readonly string[] } {
  const { secret, each, prefix = '' } = options
  if ((secret === undefined) === (each === undefined)) {
    throw new UsageError(
      'give --secret NAME for one JSON secret, or --each secret or --each parameter for one of each variable',
    )
  }
  if (secret !== undefined && prefix !== '') throw new UsageError('--prefix goes with --each')
  const { values, warnings } = parseDotenv(readText(file), file)
  if (values.size === 0) throw new UsageError(`${file} has no variables`)
  const items: readonly (Item | Empty)[] =
    secret !== undefined
      ? [secretItem(secret, JSON.stringify(Object.fromEntries(values)))]
      : [...values].map(([name, value]) => itemOf(each!, `${prefix}${name}`, value))
  const references = items.map(
    (item): Reference => ({
      kind: item.kind,
      name: item.name,
      read: async () => ('empty' in item ? EMPTY : item),
    }),
  )
  return { source: { total: references.length, references }, warnings }
}

type Empty = { readonly kind: Item['kind']; readonly name: string; readonly empty: true }
const EMPTY: LeftOut = { leftOut: 'its value is empty, which neither secrets nor parameters can be' }

function itemOf(kind: 'secret' | 'parameter', name: string, value: string): Item | Empty {
  if (value === '') return { kind, name, empty: true }
  return kind === 'secret' ? secretItem(name, value) : parameterItem(name, value)
}

const secretItem = (name: string, SecretString: string): SecretItem => ({
  kind: 'secret',
  name,
  tags: [],
  versions: [{ stages: ['AWSCURRENT'], value: async () => ({ SecretString }) }],
  knownIds: new Set(),
  notes: [],
})

const parameterItem = (name: string, value: string): ParameterItem => ({
  kind: 'parameter',
  name,
  type: 'SecureString',
  tags: [],
  versions: [{ value, labels: [], advanced: Buffer.byteLength(value) > 4096 }],
  notes: [],
})

function readText(file: string): string {
  try {
    if (statSync(file).size > FILE_BYTES_MAX) throw new UsageError(`${file} has more than ${FILE_BYTES_MAX} bytes`)
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file))
  } catch (error) {
    if (error instanceof UsageError) throw error
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') throw new UsageError(`${file} is not UTF-8 text`)
    throw new UsageError(`${file} cannot be read (${code})`)
  }
}

const ENTRY = /^[^\S\n]*(?:export[^\S\n]+)?([\w.-]+)(?:[^\S\n]*=|:[^\S\n])[^\S\n]*/
/** From behind a quote to the one that closes, with what stands behind it on its line. */
const CLOSING: { readonly [quote: string]: RegExp } = {
  "'": /(?:\\'|[^'])*'([^\n]*)/y,
  '"': /(?:\\"|[^"])*"([^\n]*)/y,
  '`': /(?:\\`|[^`])*`([^\n]*)/y,
}

/**
 * The variables, and what of the text is none.
 * @throws UsageError where the library reads other variables than its lines have.
 */
export function parseDotenv(given: string, file: string): DotenvFile {
  const values = new Map(Object.entries(dotenv.parse(given)))
  const text = given.replace(/^\ufeff/, '').replace(/\r\n?/g, '\n')
  const places = new Map<string, number>()
  const warnings: string[] = []
  for (let at = 0, number = 1; at < text.length; number++) {
    const line = lineAt(text, at)
    let end = at + line.length
    const [head = '', name] = ENTRY.exec(line) ?? []
    if (name === undefined) {
      if (!/^\s*(#|$)/.test(line)) warnings.push(`line ${number} of ${file} is not understood, and not imported`)
    } else {
      const before = places.get(name)
      if (before !== undefined) {
        warnings.push(`${name} is on lines ${before} and ${number} of ${file}: the last one counts`)
      }
      places.set(name, number)
      const quote = line[head.length] ?? ''
      const closing = quote in CLOSING ? closingAt(CLOSING[quote]!, text, at + head.length + 1) : undefined
      if (closing !== undefined) end = closing
      else if (quote in CLOSING) {
        warnings.push(
          `line ${number} of ${file}: the quotes of ${name} do not close around its value, and are part of it`,
        )
      }
      if (quote !== "'" && /\$\{?\w/.test(values.get(name) ?? '')) {
        warnings.push(`${name} refers to another variable, and is taken as it stands`)
      }
    }
    for (let next = text.indexOf('\n', at); next !== -1 && next < end; next = text.indexOf('\n', next + 1)) number++
    at = end + 1
  }
  if (places.size !== values.size || [...values.keys()].some((name) => !places.has(name))) {
    throw new UsageError(`${file} cannot be read for sure: write one NAME="value" a line`)
  }
  return { values, warnings }
}

function lineAt(text: string, at: number): string {
  const end = text.indexOf('\n', at)
  return text.slice(at, end === -1 ? undefined : end)
}

/** Where the line ends on which the quotes close; undefined where they do not, or a value goes on behind them. */
function closingAt(pattern: RegExp, text: string, from: number): number | undefined {
  pattern.lastIndex = from
  const match = pattern.exec(text)
  return match !== null && /^\s*(?:#.*)?$/.test(match[1]!) ? pattern.lastIndex : undefined
}
