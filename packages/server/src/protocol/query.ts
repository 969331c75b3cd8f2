// AWS Query: parameters of a form in, XML out, or JSON where the caller asks for it.
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html

import type { ServiceError } from '../errors.ts'
import { header } from '../http/request.ts'
import { type Members, type Shape, shapeOf } from '../shape/shape.ts'
import { malformedQuery } from './errors.ts'
import { encodeJson } from './json.ts'

export const XML_CONTENT_TYPE = 'text/xml'

/** What a Query service answers in where the caller asks for JSON. */
export const QUERY_JSON_CONTENT_TYPE = 'application/json'

const PARAMETERS_MAX = 1_000
/** How deep `A.member.1.B` may go: every part but the first creates a level. */
const DEPTH_MAX = 16

/** The parameters of a query string and a form body together; a name may stand only once. */
export type QueryParameters = ReadonlyMap<string, string>

type Plain = { readonly [name: string]: unknown }

/**
 * In a form a plus sign is a space. In a query string it is a plus sign, as the signature reads it: what is signed must have one reading.
 * @throws ServiceError MalformedQueryString
 */
export function parseForm(queryString: string, form: string): QueryParameters {
  const parameters = new Map<string, string>()
  for (const text of [queryString, form.replaceAll('+', ' ')]) {
    if (text === '') continue
    for (const pair of text.split('&', PARAMETERS_MAX + 1)) {
      if (pair === '') continue
      if (parameters.size >= PARAMETERS_MAX) throw malformedQuery(`More than ${PARAMETERS_MAX} parameters.`)
      const equals = pair.indexOf('=')
      const name = decodePart(equals < 0 ? pair : pair.slice(0, equals))
      if (parameters.has(name)) throw malformedQuery('A parameter stands twice.')
      parameters.set(name, equals < 0 ? '' : decodePart(pair.slice(equals + 1)))
    }
  }
  return parameters
}

function decodePart(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw malformedQuery('A parameter is not valid percent-encoded UTF-8.')
  }
}

/** The first parameter that no member has, if any. Every request has Action and Version. */
export function findUnknownParameter(members: Members, parameters: QueryParameters): string | undefined {
  for (const name of parameters.keys()) {
    const member = name.split('.', 1)[0]!
    if (name !== 'Action' && name !== 'Version' && !/^X-Amz-/i.test(name) && !Object.hasOwn(members, member))
      return member
  }
  return undefined
}

/** Parameters as a tree, so that a list is read once and not by searching for each index. */
type Node = { value?: string; readonly children: Map<string, Node> }

/** @throws ServiceError MalformedQueryString */
export function decodeQuery(members: Members, parameters: QueryParameters): Plain {
  const root: Node = { children: new Map() }
  for (const [name, value] of parameters) {
    const parts = name.split('.', DEPTH_MAX + 1)
    if (parts.length > DEPTH_MAX) throw malformedQuery('A parameter name has too many parts.')
    let node = root
    for (const part of parts) {
      let child = node.children.get(part)
      if (!child) {
        child = { children: new Map() }
        node.children.set(part, child)
      }
      node = child
    }
    node.value = value
  }
  return decodeMembers(members, root)
}

function decodeMembers(members: Members, node: Node): Plain {
  const decoded: Record<string, unknown> = {}
  for (const name in members) {
    const child = node.children.get(name)
    const value = child && decodeNode(shapeOf(members[name]!), child, name)
    if (value !== undefined) decoded[name] = value
  }
  return decoded
}

function decodeNode(shape: Shape, node: Node, name: string): unknown {
  switch (shape.kind) {
    case 'list': {
      const items = node.children.get(shape.itemName ?? 'member')
      if (!items) return node.value === '' ? [] : undefined
      return Array.from({ length: items.children.size }, (_, at) => {
        const item = items.children.get(String(at + 1))
        if (!item) throw malformedQuery(`The list ${name} is not numbered from 1.`)
        return decodeNode(shape.member, item, name)
      })
    }
    case 'map': {
      const entries = node.children.get('entry')
      if (!entries) return undefined
      const decoded: Record<string, unknown> = Object.create(null)
      for (const entry of entries.children.values()) {
        const key = entry.children.get('key')?.value
        const value = entry.children.get('value')
        if (key === undefined || !value) throw malformedQuery(`An entry of ${name} lacks its key or its value.`)
        decoded[key] = decodeNode(shape.value, value, name)
      }
      return decoded
    }
    case 'structure':
      return decodeMembers(shape.members, node)
    default:
      return node.value === undefined ? undefined : decodeText(shape, node.value, name)
  }
}

function decodeText(shape: Shape, text: string, name: string): unknown {
  switch (shape.kind) {
    case 'integer':
      if (!/^-?[0-9]{1,15}$/.test(text)) throw malformedQuery(`${name} is not an integer.`)
      return Number(text)
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw malformedQuery(`${name} is neither true nor false.`)
      return text === 'true'
    case 'timestamp': {
      const time = Date.parse(text)
      if (Number.isNaN(time)) throw malformedQuery(`${name} is not an ISO 8601 time.`)
      return time
    }
    case 'blob':
      return Buffer.from(text, 'base64')
    default:
      return text
  }
}

/** The whole answer: `<ActionResponse><ActionResult>…</ActionResult><ResponseMetadata>…`. */
export function encodeXml(
  action: string,
  namespace: string,
  members: Members | undefined,
  output: Plain,
  requestId: string,
): string {
  const result = members === undefined ? '' : `<${action}Result>${encodeMembers(members, output)}</${action}Result>`
  return (
    `<${action}Response xmlns="${namespace}">${result}` +
    `<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${action}Response>`
  )
}

const encodeMembers = (members: Members, output: Plain): string =>
  Object.entries(members)
    .map(([name, member]) => (output[name] === undefined ? '' : encodeElement(name, shapeOf(member), output[name])))
    .join('')

function encodeElement(name: string, shape: Shape, value: unknown): string {
  return `<${name}>${encodeContent(shape, value)}</${name}>`
}

function encodeContent(shape: Shape, value: unknown): string {
  switch (shape.kind) {
    case 'list':
      return (value as readonly unknown[])
        .map((item) => encodeElement(shape.itemName ?? 'member', shape.member, item))
        .join('')
    case 'map':
      return Object.entries(value as Plain)
        .map(([key, item]) => `<entry><key>${escapeXml(key)}</key>${encodeElement('value', shape.value, item)}</entry>`)
        .join('')
    case 'structure':
      return encodeMembers(shape.members, value as Plain)
    case 'timestamp':
      return new Date(value as number).toISOString().replace('.000Z', 'Z')
    case 'blob':
      return Buffer.from(value as Uint8Array).toString('base64')
    default:
      return escapeXml(String(value))
  }
}

export function encodeXmlError(error: ServiceError, namespace: string, requestId: string): string {
  const type = error.status >= 500 ? 'Receiver' : 'Sender'
  return (
    `<ErrorResponse xmlns="${namespace}"><Error><Type>${type}</Type><Code>${escapeXml(error.code)}</Code>` +
    `<Message>${escapeXml(error.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`
  )
}

/**
 * Whether the caller asks for JSON. AWS does not document that its Query services have it, but verifiers of presigned GetCallerIdentity
 * requests rely on it: https://github.com/kubernetes-sigs/aws-iam-authenticator/blob/master/pkg/token/token.go
 */
export const wantsJson = (rawHeaders: readonly string[]): boolean =>
  /^application\/json(?![^,; ])/i.test(header(rawHeaders, 'accept') ?? '')

/** The whole answer: `{"ActionResponse":{"ActionResult":{…},"ResponseMetadata":{…}}}`. */
export function encodeQueryJson(
  action: string,
  members: Members | undefined,
  output: Plain,
  requestId: string,
): string {
  const result = members === undefined ? '' : `"${action}Result":${encodeJson(members, output)},`
  return `{"${action}Response":{${result}"ResponseMetadata":{"RequestId":"${requestId}"}}}`
}

export const encodeQueryJsonError = ({ code, message, status }: ServiceError, requestId: string): string =>
  JSON.stringify({
    Error: { Code: code, Message: message, Type: status >= 500 ? 'Receiver' : 'Sender' },
    RequestId: requestId,
  })

const ESCAPES: { readonly [character: string]: string } = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}

/** XML 1.0 cannot carry control characters even as references; they become U+FFFD. */
const escapeXml = (text: string): string =>
  text
    .replace(/[&<>"']/g, (character) => ESCAPES[character]!)
    .replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, '\ufffd')
    .replaceAll('\r', '&#xD;')
