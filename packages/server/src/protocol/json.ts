// AWS JSON 1.1: members by their names, blobs as base64, times as numbers of seconds.
// https://smithy.io/2.0/aws/protocols/aws-json-1_1-protocol.html

import type { ServiceError } from '../errors.ts'
import { inOneRun } from '../one-run.ts'
import { type Members, type Shape, shapeOf } from '../shape/shape.ts'
import { jsonOutOfBounds } from './bounds.ts'
import { serialization } from './errors.ts'

export const JSON_CONTENT_TYPE = 'application/x-amz-json-1.1'

type Plain = { readonly [name: string]: unknown }

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * The declared members of a body, each of its declared JSON type. Unknown members are ignored and null is absent, as on AWS.
 * @throws ServiceError SerializationException
 */
export function decodeJson(members: Members, body: Uint8Array): Plain {
  if (body.length === 0) return {}
  const outOfBounds = jsonOutOfBounds(body)
  if (outOfBounds !== undefined) throw serialization(`The request body has ${outOfBounds}.`)
  let parsed: unknown
  try {
    parsed = JSON.parse(utf8.decode(body))
  } catch {
    throw serialization('The request body is not valid JSON in UTF-8.')
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
    throw serialization('The request body is not a JSON object.')
  }
  return decodeMembers(members, parsed as Plain)
}

function decodeMembers(members: Members, source: Plain): Plain {
  const decoded: Record<string, unknown> = {}
  for (const name in members) {
    const value = Object.hasOwn(source, name) ? source[name] : undefined
    if (value !== undefined && value !== null) decoded[name] = decodeValue(shapeOf(members[name]!), value)
  }
  return decoded
}

function decodeValue(shape: Shape, value: unknown): unknown {
  switch (shape.kind) {
    case 'string':
      if (typeof value !== 'string') throw notConvertible(value, 'a String')
      // A lone surrogate has no UTF-8: what was stored would not be what was sent.
      if (!value.isWellFormed()) throw serialization('A string holds a surrogate without its other half.')
      return value
    case 'blob':
      if (typeof value !== 'string') throw notConvertible(value, 'a Blob')
      return decodeBase64(value)
    case 'integer':
      if (typeof value !== 'number') throw notConvertible(value, 'an Integer')
      if (!shape.fractions && !Number.isSafeInteger(value))
        throw serialization('DECIMAL_VALUE can not be converted to an Integer')
      return value
    case 'boolean':
      if (typeof value !== 'boolean') throw notConvertible(value, 'a Boolean')
      return value
    case 'timestamp':
      if (typeof value !== 'number') throw notConvertible(value, 'a Timestamp')
      if (Math.abs(value) > 8.64e12) throw serialization('A timestamp is out of range.')
      return Math.round(value * 1000)
    case 'list':
      if (!Array.isArray(value)) throw serialization('Expected list or null')
      return value.map((item) => {
        if (item === null) throw serialization('A list may not hold null.')
        return decodeValue(shape.member, item)
      })
    case 'map': {
      if (typeof value !== 'object' || Array.isArray(value)) throw serialization('Expected map or null')
      const decoded: Record<string, unknown> = Object.create(null)
      for (const [key, item] of Object.entries(value as Plain)) {
        if (item !== null) decoded[decodeValue(shape.key, key) as string] = decodeValue(shape.value, item)
      }
      return decoded
    }
    case 'structure':
      if (typeof value !== 'object' || Array.isArray(value)) throw serialization('Expected structure or null')
      return decodeMembers(shape.members, value as Plain)
  }
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/** Decoding skips what is not base64 and ignores spare bits, which only the last four characters can have: no second copy of a large blob. */
function decodeBase64(text: string): Uint8Array {
  const bytes = Buffer.from(text, 'base64')
  const tail = bytes.subarray(bytes.length - (bytes.length % 3 || 3)).toString('base64')
  const isCanonical = text.length === Math.ceil(bytes.length / 3) * 4 && BASE64.test(text) && text.endsWith(tail)
  if (!isCanonical) throw serialization('A blob is not valid base64 with padding.')
  return bytes
}

function notConvertible(value: unknown, expected: string): ServiceError {
  if (Array.isArray(value)) return serialization('Start of list found where not expected')
  if (typeof value === 'object') return serialization('Start of structure or map found where not expected.')
  const found =
    typeof value === 'string'
      ? 'STRING_VALUE'
      : typeof value === 'number'
        ? 'NUMBER_VALUE'
        : value === true
          ? 'TRUE_VALUE'
          : 'FALSE_VALUE'
  return serialization(`${found} can not be converted to ${expected}`)
}

/** The body of an answer; empty where AWS models no output. */
export function encodeJson(members: Members | undefined, output: Plain): string {
  return members === undefined ? '' : JSON.stringify(encodeMembers(members, output))
}

/**
 * encodeJson for outputs that say what `first` does but for their sensitive members: what is the same is encoded once. Nothing sensitive is kept.
 */
export function encoderLike(members: Members, first: Plain): (output: Plain) => string {
  const names = Object.keys(members).filter((name) => first[name] !== undefined)
  const sensitive = names.filter((name) => shapeOf(members[name]!).sensitive)
  const others = Object.keys(members).filter((name) => !sensitive.includes(name))
  // Where the text of a sensitive member stands. In JSON no such character stands by itself.
  const whole = names.map((name) =>
    sensitive.includes(name) ? `${JSON.stringify(name)}:${HOLE}` : encodeMember(members, name, first[name]),
  )
  const pieces = `{${whole.join(',')}}`.split(HOLE).map(inOneRun)
  const [head = '', ...tails] = pieces
  const values = others.map((name) => first[name])
  return (output) => {
    for (let at = 0; at < others.length; at++) {
      if (output[others[at]!] !== values[at]) return encodeJson(members, output)
    }
    let text = head
    for (let at = 0; at < tails.length; at++) {
      const name = sensitive[at]!
      if (output[name] === undefined) return encodeJson(members, output)
      text += JSON.stringify(encodeValue(shapeOf(members[name]!), output[name])) + tails[at]!
    }
    return text
  }
}

const HOLE = '\u0001'

const encodeMember = (members: Members, name: string, value: unknown): string =>
  `${JSON.stringify(name)}:${JSON.stringify(encodeValue(shapeOf(members[name]!), value))}`

function encodeMembers(members: Members, output: Plain): Plain {
  const encoded: Record<string, unknown> = {}
  for (const name in members) {
    const value = output[name]
    if (value !== undefined) encoded[name] = encodeValue(shapeOf(members[name]!), value)
  }
  return encoded
}

function encodeValue(shape: Shape, value: unknown): unknown {
  switch (shape.kind) {
    case 'blob':
      return Buffer.from(value as Uint8Array).toString('base64')
    case 'timestamp':
      return (value as number) / 1000
    case 'list':
      return shape.member.kind === 'string'
        ? value
        : (value as readonly unknown[]).map((item) => encodeValue(shape.member, item))
    case 'map':
      return Object.fromEntries(
        Object.entries(value as Plain).map(([key, item]) => [key, encodeValue(shape.value, item)]),
      )
    case 'structure':
      return encodeMembers(shape.members, value as Plain)
    default:
      return value
  }
}

/** The body of a refusal. Exactly one key carries the text. */
export const encodeJsonError = ({ code, message, messageKey, reason }: ServiceError): string =>
  JSON.stringify({ __type: code, [messageKey]: message, Reason: reason })

/**
 * The same, as SDKs read it from the endpoint of a container's credentials; they do not agree on the case.
 * https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
 */
export const encodeCredentialsError = ({ code, message }: ServiceError): string =>
  JSON.stringify({ code, message, Code: code, Message: message })
