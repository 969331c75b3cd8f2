// Current values as a dotenv file: the members of JSON secrets, other secrets and parameters by the last part of their names.

import dotenv from 'dotenv'
import type { Item, Value } from '../import/item.ts'
import { UsageError } from '../usage-error.ts'

/** The lines of one item. `taken` holds whose each variable is, across items. @throws UsageError where dotenv cannot hold it. */
export async function dotenvLines(item: Item, taken: Map<string, string>): Promise<string> {
  const lines: string[] = []
  for (const [name, value] of await variablesOf(item)) {
    const owner = taken.get(name)
    if (owner !== undefined) throw new UsageError(`its variable ${name} is taken by ${owner}: export it by itself`)
    lines.push(`${name}=${quoted(name, value)}\n`)
  }
  for (const [name] of await variablesOf(item)) taken.set(name, item.name)
  return lines.join('')
}

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/

async function variablesOf(item: Item): Promise<readonly (readonly [string, string])[]> {
  if (item.kind === 'parameter') return [[variableOf(item.name), item.versions.at(-1)!.value]]
  const value = await item.versions.find(({ stages }) => stages.includes('AWSCURRENT'))?.value()
  if (value === undefined) throw new UsageError('it has no current value')
  const text = textOf(value)
  const members = membersOf(text)
  return members ?? [[variableOf(item.name), text]]
}

function textOf(value: Value): string {
  if ('SecretString' in value) return value.SecretString
  throw new UsageError('its value is bytes, which dotenv cannot hold: --plaintext json can')
}

/** The members of a map in JSON; undefined where it is none, or they are not called as variables can be. */
function membersOf(text: string): readonly (readonly [string, string])[] | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const members = Object.entries(value)
  if (members.length === 0 || members.some(([name]) => !VARIABLE.test(name))) return undefined
  return members.map(([name, member]) => [name, typeof member === 'string' ? member : JSON.stringify(member)])
}

function variableOf(path: string): string {
  const last = path.split('/').at(-1)!
  const name = VARIABLE.test(last) ? last : last.toUpperCase().replace(/[^A-Z0-9_]/g, '_')
  return VARIABLE.test(name) ? name : `_${name}`
}

/** Lines that a value must not go on to: behind a backslash dotenv looks for another quote that closes, however far below. */
const BELOW = `' #\n" #\n\` #\n`

/** In the first of the forms of dotenv that is read as this value, whatever the lines below it are. */
function quoted(name: string, value: string): string {
  const escaped = value.replaceAll('\r', '\\r').replaceAll('\n', '\\n')
  const forms = [`'${value}'`, `\`${value}\``, `"${escaped}"`, value]
  const form = (/^[\w.:/@%+,-]*$/.test(value) ? [value] : forms).find((text) => {
    const read = Object.entries(dotenv.parse(`${name}=${text}\n${BELOW}`))
    return read.length === 1 && read[0]![0] === name && read[0]![1] === value
  })
  if (form === undefined) throw new UsageError(`dotenv cannot hold the value of ${name}: --plaintext json can`)
  return form
}
