// AWS REST JSON 1: members in the path, the query, headers and the body, by Smithy's HTTP traits (`http` of an operation).
// https://smithy.io/2.0/aws/protocols/aws-restjson1-protocol.html

import type { ServiceError } from '../errors.ts'
import type { WireRequest, WireResponse } from '../http/request.ts'
import type { AnyOperation } from '../operation.ts'
import { type Member, type Members, type Shape, shapeOf } from '../shape/shape.ts'
import { serialization } from './errors.ts'
import { decodeJson, encodeJson } from './json.ts'

export const REST_JSON_CONTENT_TYPE = 'application/json'

const QUERY_PAIRS_MAX = 1_000

type Plain = { readonly [name: string]: unknown }

/** What stands between the braces of a path, decoded. */
export type Labels = { readonly [member: string]: string }

/**
 * The input of an operation that was routed by its path. What stands in the path, the query or a header is never read from the body. A
 * header that stands twice is refused, and so is a name of the query, but for a list: what was signed must have one reading.
 * @throws ServiceError SerializationException
 */
export function decodeRest(operation: AnyOperation, labels: Labels, { target, rawHeaders, body }: WireRequest): Plain {
  const { input, headers = {}, http } = operation
  const { query = {}, payload } = http!
  const elsewhere: Record<string, unknown> = { ...labels }
  const question = target.indexOf('?')
  const parameters = parseQuery(question < 0 ? '' : target.slice(question + 1))
  for (const [member, name] of Object.entries(query)) {
    const values = parameters.get(name!)
    if (values !== undefined) elsewhere[member] = decodeTexts(input[member]!, values, name!)
  }
  for (const [member, name] of Object.entries(headers)) {
    const values = headerValues(rawHeaders, name!)
    if (values.length > 0) elsewhere[member] = decodeTexts(input[member]!, values, name!)
  }
  if (payload !== undefined) return { ...elsewhere, ...(body.length > 0 && { [payload]: body }) }
  const inPath = (member: string): boolean => http!.uri.includes(`{${member}}`)
  const inBody = Object.entries(input).filter(([name]) => !inPath(name) && !(name in query) && !(name in headers))
  return { ...decodeJson(Object.fromEntries(inBody) as Members, body), ...elsewhere }
}

/** A plus sign is a plus sign, as the signature reads it. @throws ServiceError SerializationException */
function parseQuery(search: string): ReadonlyMap<string, readonly string[]> {
  const parameters = new Map<string, string[]>()
  if (search === '') return parameters
  const pairs = search.split('&', QUERY_PAIRS_MAX + 1)
  if (pairs.length > QUERY_PAIRS_MAX) throw serialization(`The query has more than ${QUERY_PAIRS_MAX} parameters.`)
  for (const pair of pairs) {
    const equals = pair.indexOf('=')
    const name = decodePart(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : decodePart(pair.slice(equals + 1))
    const values = parameters.get(name)
    if (values === undefined) parameters.set(name, [value])
    else values.push(value)
  }
  return parameters
}

/** Percent-encoded UTF-8 in ASCII. @throws ServiceError SerializationException */
export function decodePart(text: string): string {
  try {
    if (/^[\x21-\x7e]*$/.test(text)) return decodeURIComponent(text)
  } catch {
    // Told below.
  }
  throw serialization('The path or the query is not valid percent-encoded UTF-8.')
}

function headerValues(rawHeaders: readonly string[], name: string): readonly string[] {
  const values: string[] = []
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    if (rawHeaders[at]!.toLowerCase() === name) values.push(rawHeaders[at + 1]!)
  }
  return values
}

function decodeTexts(member: Member, values: readonly string[], name: string): unknown {
  const shape = shapeOf(member)
  if (shape.kind === 'list') return values.map((value) => decodeText(shape.member, value, name))
  if (values.length > 1) throw serialization(`${name} stands twice.`)
  return decodeText(shape, values[0]!, name)
}

function decodeText(shape: Shape, text: string, name: string): unknown {
  switch (shape.kind) {
    case 'string':
      return text
    case 'integer':
      if (!/^-?[0-9]{1,15}$/.test(text)) throw serialization(`${name} is not an integer.`)
      return Number(text)
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw serialization(`${name} is neither true nor false.`)
      return text === 'true'
    default:
      throw new RangeError(`no ${shape.kind} stands in a query or a header`)
  }
}

/** The whole answer. An answer without members, or of status 204, has no body. */
export function encodeRest({ http, output }: AnyOperation, result: Plain, requestId: string): WireResponse {
  const { code, responseHeaders = {}, responsePayload, responseCode } = http!
  const status = responseCode === undefined ? code : (result[responseCode] as number)
  const headers: Record<string, string> = {}
  for (const [member, name] of Object.entries(responseHeaders)) {
    const value = result[member]
    if (value !== undefined) headers[name!] = String(value)
  }
  const answer = { status, contentType: REST_JSON_CONTENT_TYPE, requestId, headers }
  if (responsePayload !== undefined) return { ...answer, body: (result[responsePayload] as Uint8Array) ?? '' }
  const inBody = Object.entries(output ?? {}).filter(([name]) => name !== responseCode && !(name in responseHeaders))
  if (inBody.length === 0) return { ...answer, body: '' }
  return { ...answer, body: encodeJson(Object.fromEntries(inBody) as Members, result) }
}

/** The body of a refusal: the type says whose fault it is. */
export const encodeRestError = ({ status, message, messageKey, reason }: ServiceError): string =>
  JSON.stringify({ Type: status >= 500 ? 'Service' : 'User', [messageKey]: message, Reason: reason })
