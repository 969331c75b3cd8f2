// What a value looks like, for advice: facts that tell nothing of the value itself, and a keyed fingerprint by which equal values are found.
// Whatever is in doubt is no plain configuration and no token.

import type { KeyObject } from 'node:crypto'
import { hmacSha256 } from '../../../crypto/mac.ts'
import type { Plain } from '../../secretsmanager/port.ts'
import { saysSecret, wordsOf } from './names.ts'

export type ValueFacts = {
  /** The same for values that are the same, within one report; absent where the value is too short to be the same but by chance. */
  readonly fingerprint?: string
  /** Whether it is one piece of text and no JSON object or list. */
  readonly isText: boolean
  /** Username and password of a database, as rotators read them, or a URL with both. */
  readonly isDatabase: boolean
  readonly isConfiguration: boolean
  readonly isToken: boolean
}

/** Under which values are compared in one report and nowhere else. */
export type Fingerprints = {
  readonly key: KeyObject
  /** Random, of a fixed length, and gone with the report. */
  readonly nonce: Uint8Array
  readonly bytesMin: number
}

export function factsOf({ kind, bytes }: Plain, name: string, fingerprints: Fingerprints): ValueFacts {
  const text = kind === 'string' ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString() : undefined
  const json = text === undefined ? undefined : objectOf(text)
  const compared = isRecord(json) ? (inOrder(json) ?? bytes) : bytes
  const { key, nonce, bytesMin } = fingerprints
  const facts = {
    ...(bytes.length >= bytesMin && { fingerprint: hmacSha256(key, nonce, compared).toString('base64') }),
    isText: text !== undefined && json === undefined,
    isDatabase: text !== undefined && (json === undefined ? isDatabaseUrl(text) : isDatabaseObject(json)),
    isConfiguration: text !== undefined && !saysSecret(name) && isConfiguration(json ?? text),
    isToken: text !== undefined && (json === undefined ? isToken(text) : isTokenObject(json)),
  }
  if (compared !== bytes) compared.fill(0)
  return facts
}

type Json = { readonly [key: string]: unknown } | readonly unknown[]

function objectOf(text: string): Json | undefined {
  if (!/^\s*[[{]/.test(text)) return undefined
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

const isRecord = (json: Json | undefined): json is { readonly [key: string]: unknown } =>
  json !== undefined && !Array.isArray(json)

/** The same fields in another order, or with other white space, are the same value. Undefined where it is nested too deeply to be written again. */
function inOrder(json: { readonly [key: string]: unknown }): Uint8Array | undefined {
  try {
    return Buffer.from(JSON.stringify(Object.entries(json).sort(byKey)))
  } catch {
    return undefined
  }
}

const byKey = ([a]: [string, unknown], [b]: [string, unknown]): number => (a < b ? -1 : a > b ? 1 : 0)

/** https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html */
const isDatabaseObject = (json: Json): boolean =>
  isRecord(json) &&
  isFilled(json.username) &&
  isFilled(json.password) &&
  ['engine', 'host', 'dbname', 'dbInstanceIdentifier', 'dbClusterIdentifier'].some((member) => isFilled(json[member]))

const isFilled = (value: unknown): boolean => typeof value === 'string' && value !== ''

const isDatabaseUrl = (text: string): boolean =>
  /^(postgres|postgresql|mysql|mariadb|mongodb|mongodb\+srv|sqlserver|oracle|redis|rediss):\/\/[^/@\s:]+:[^/@\s]+@\S+$/.test(
    text,
  )

// Plain configuration.

const LEAVES_MAX = 100
const WORD =
  /^(true|false|yes|no|on|off|enabled|disabled|null|none|trace|debug|info|warn|warning|error|fatal|verbose)$/i
const STAGE = /^(dev|development|test|testing|qa|stage|staging|prod|production|local)$/i
const REGION = /^[a-z]{2}(-[a-z]+){1,2}-\d$/
const NUMBER = /^-?\d{1,5}(\.\d{1,3})?$/
const DURATION = /^\d{1,5}(ms|s|m|h|d)$/
const HOST = /^(?=.{4,253}$)([a-z]([a-z-]{0,30}[a-z])?\d{0,3}\.){1,6}[a-z]{2,24}(:\d{1,5})?$/
const ADDRESS = /^\d{1,3}(\.\d{1,3}){3}(\/\d{1,2}|:\d{1,5})?$/
const WEB = /^https?:\/\/([^/?#]+)(\/[^?#]*)?$/
/** A part of a path in which nobody would hide a key. */
const PATH_PART = /^([a-z]+|v\d)([-_.][a-z]+){0,4}$/

/** A few words that everybody uses, numbers, addresses; or an object of nothing else, none of whose keys speaks of a secret. */
function isConfiguration(value: Json | string): boolean {
  if (typeof value === 'string') return isPlain(value)
  let leaves = 0
  const plain = (member: unknown): boolean => {
    leaves += 1
    if (leaves > LEAVES_MAX) return false
    if (member === null || typeof member === 'boolean') return true
    if (typeof member === 'number') return Math.abs(member) < 100_000
    if (typeof member === 'string') return isPlain(member)
    if (Array.isArray(member)) return member.every(plain)
    return Object.entries(member as object).every(([key, inner]) => !saysSecret(key) && plain(inner))
  }
  return plain(value) && leaves > 1
}

function isPlain(text: string): boolean {
  if ([WORD, STAGE, REGION, NUMBER, DURATION, HOST, ADDRESS].some((form) => form.test(text))) return true
  const [, host = '', path = ''] = WEB.exec(text) ?? []
  if (!HOST.test(host) && !ADDRESS.test(host) && !/^localhost(:\d{1,5})?$/.test(host)) return false
  return path.split('/').every((part) => part === '' || (part.length <= 32 && PATH_PART.test(part)))
}

// Tokens.

/** No white space, long, and of letters and digits both. */
const isToken = (text: string): boolean =>
  /^[\x21-\x7e]{20,8192}$/.test(text) && /[a-z]/i.test(text) && /\d/.test(text) && !text.includes('://')

const isTokenObject = (json: Json): boolean =>
  isRecord(json) &&
  Object.entries(json).some(
    ([key, value]) => wordsOf(key).includes('token') && typeof value === 'string' && value.length >= 16,
  )
