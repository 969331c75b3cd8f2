// How a product's API issues, tests, lists and revokes a credential, as JSON: read strictly, and rendered so that no value gets out of the
// place it was put in. docs/rotators.md#credentials-of-an-http-api

import { RotatorError } from '../errors.ts'
import type { SecretValue } from '../rotator.ts'

/** A JSON pointer (https://www.rfc-editor.org/rfc/rfc6901) of the answer by the member that takes what it points at. */
type Pointers = { readonly [member: string]: string }
/** By JSON pointer, the text that stands there. */
type Match = { readonly [pointer: string]: string }

export type RequestTemplate = {
  readonly method: string
  /** From `/` on, with the query. */
  readonly path: string
  readonly headers: { readonly [name: string]: string }
  readonly basic?: { readonly username: string; readonly password: string }
  readonly json?: unknown
  readonly form?: { readonly [name: string]: string }
  /** That mean success. */
  readonly statuses: readonly number[]
  readonly set: Pointers
  readonly match: Match
  /** JSON pointer of the list in the answer. */
  readonly items: string
}

export type Operation = 'issue' | 'test' | 'revoke' | 'list'
export type Template = { readonly [operation in 'issue' | 'test' | 'revoke']: RequestTemplate } & {
  readonly list?: RequestTemplate
}

/** What placeholders stand for. */
export type Scope = {
  /** The credential that acts. */
  readonly secret: SecretValue
  /** The credential that is tested or revoked. */
  readonly credential?: SecretValue
  readonly master?: SecretValue | undefined
  readonly rotation?: { readonly versionId: string }
}

export type Rendered = {
  readonly method: string
  readonly path: string
  readonly headers: { readonly [name: string]: string }
  readonly body?: string
}

export const TEMPLATE = 'httpCredential'
const PROTECTED = ['masterarn', 'url', 'ssl', TEMPLATE]
const ENTRIES_MAX = 20
const TEMPLATE_MAX = 2048
const PATH_MAX = 8192
const DEPTH_MAX = 8
const SUCCESS = [200, 201, 202, 204]
const GONE = [404, 410]
const SCOPES = {
  issue: ['secret', 'master', 'rotation'],
  list: ['secret', 'master', 'rotation'],
  test: ['secret', 'master', 'credential'],
  revoke: ['secret', 'master', 'credential'],
} as const
const KNOWN = {
  issue: ['set'],
  test: ['match'],
  list: ['items', 'match', 'set'],
  revoke: [],
} as const
const COMMON = ['method', 'path', 'headers', 'basic', 'json', 'form', 'statuses']
const MEMBER = /^(?!__proto__$)[A-Za-z_][A-Za-z0-9_-]{0,63}$/
const PLACEHOLDER = /\{\{([^{}]*)\}\}/g
const POINTER = /^(\/([^~/]|~[01])*)*$/
/** Of the connection, and not for a template to say. */
const FORBIDDEN_HEADERS =
  /^(host|connection|content-length|transfer-encoding|accept-encoding|expect|keep-alive|te|trailer|upgrade|proxy-.*)$/i

const bad = (where: string, what: string) => new RotatorError('secret', `${TEMPLATE}.${where} ${what}.`)

/** @throws RotatorError `secret`, naming the place and no value */
export function readTemplate(given: unknown, { withMaster }: { readonly withMaster: boolean }): Template {
  if (given === undefined) throw new RotatorError('secret', `The secret has no member ${TEMPLATE}.`)
  const all = record(given, 'issue', 'is missing')
  for (const name of Object.keys(all)) if (!Object.hasOwn(KNOWN, name)) throw bad(safe(name), 'is not known')
  const read = (operation: Operation): RequestTemplate => readRequest(operation, all[operation], withMaster)
  return {
    issue: read('issue'),
    test: read('test'),
    revoke: read('revoke'),
    ...(all.list !== undefined && { list: read('list') }),
  }
}

/** A name that somebody else wrote, where it is short and plain enough to be told. */
const safe = (name: string): string => (MEMBER.test(name) ? name : '(a member)')

function record(given: unknown, where: string, what = 'is not an object'): { readonly [name: string]: unknown } {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) throw bad(where, what)
  if (Object.keys(given).length > ENTRIES_MAX) throw bad(where, `has more than ${ENTRIES_MAX} members`)
  return given as { readonly [name: string]: unknown }
}

function readRequest(operation: Operation, given: unknown, withMaster: boolean): RequestTemplate {
  const request = record(given, operation, 'is missing or not an object')
  const known: readonly string[] = [...COMMON, ...KNOWN[operation]]
  for (const name of Object.keys(request)) {
    if (!known.includes(name)) throw bad(`${operation}.${safe(name)}`, 'is not known')
  }
  const text = (value: unknown, name: string): string => {
    const where = `${operation}.${name}`
    if (typeof value !== 'string' || value.length > TEMPLATE_MAX) {
      throw bad(where, `is not a string of at most ${TEMPLATE_MAX} characters`)
    }
    for (const [, placeholder = ''] of value.matchAll(PLACEHOLDER)) {
      const [scope = '', member = '', more] = placeholder.split('.')
      const allowed: readonly string[] = SCOPES[operation]
      const fits = scope === 'rotation' ? member === 'versionId' : MEMBER.test(member)
      if (!allowed.includes(scope) || !fits || more !== undefined) throw bad(where, 'has an unknown placeholder')
      if (scope === 'master' && !withMaster) throw bad(where, 'uses a master, and the secret names none in masterarn')
    }
    if (value.replace(PLACEHOLDER, '').includes('{{')) throw bad(where, 'has a placeholder without an end')
    return value
  }
  const texts = (name: string, mustBe: (entry: string, value: string) => boolean) => {
    const entries = Object.entries(request[name] === undefined ? {} : record(request[name], `${operation}.${name}`))
    return Object.fromEntries(
      entries.map(([entry, value]) => {
        const read = text(value, name)
        if (!mustBe(entry, read)) throw bad(`${operation}.${name}`, `has an entry that cannot be, ${safe(entry)}`)
        return [entry, read]
      }),
    )
  }

  const method = request.method ?? (operation === 'issue' ? 'POST' : operation === 'revoke' ? 'DELETE' : 'GET')
  if (typeof method !== 'string' || !/^(GET|POST|PUT|PATCH|DELETE)$/.test(method)) {
    throw bad(`${operation}.method`, 'is not GET, POST, PUT, PATCH or DELETE')
  }
  const path = text(request.path, 'path')
  if (!/^\/(?!\/)[\x21-\x7e]*$/.test(path) || path.includes('#')) {
    throw bad(`${operation}.path`, 'is not a path from / on, without spaces and #')
  }
  const headers = texts('headers', (name) => /^[A-Za-z0-9-]{1,64}$/.test(name) && !FORBIDDEN_HEADERS.test(name))
  const set = texts('set', (member, pointer) => {
    return MEMBER.test(member) && !PROTECTED.includes(member) && POINTER.test(pointer)
  })
  const match = texts('match', (pointer) => POINTER.test(pointer))
  const items = request.items === undefined ? '' : text(request.items, 'items')
  if (!POINTER.test(items)) throw bad(`${operation}.items`, 'is not a JSON pointer')
  if (operation === 'issue' && Object.keys(set).length === 0) throw bad('issue.set', 'is missing')
  if (operation === 'list' && (Object.keys(set).length === 0 || Object.keys(match).length === 0)) {
    throw bad('list', 'needs set and match: what it finds is revoked')
  }
  if (request.json !== undefined && request.form !== undefined) throw bad(operation, 'has both json and form')
  if (request.json !== undefined) mapStrings(request.json, `${operation}.json`, (leaf) => text(leaf, 'json'))
  const basic = request.basic === undefined ? undefined : record(request.basic, `${operation}.basic`)
  if (basic) {
    if (Object.keys(basic).some((name) => name !== 'username' && name !== 'password')) {
      throw bad(`${operation}.basic`, 'has more than username and password')
    }
    if (Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')) {
      throw bad(operation, 'has both basic and the header authorization')
    }
  }
  return {
    method,
    path,
    headers,
    set,
    match,
    items,
    statuses: readStatuses(operation, request.statuses),
    ...(basic && {
      basic: { username: text(basic.username, 'basic.username'), password: text(basic.password, 'basic.password') },
    }),
    ...(request.json !== undefined && { json: request.json }),
    ...(request.form !== undefined && { form: texts('form', (name) => !name.includes('{{')) }),
  }
}

function readStatuses(operation: Operation, given: unknown): readonly number[] {
  if (given === undefined) return operation === 'revoke' ? [...SUCCESS, ...GONE] : SUCCESS
  const isStatus = (status: unknown): status is number =>
    typeof status === 'number' && Number.isInteger(status) && status >= 200 && status <= 499
  if (!Array.isArray(given) || given.length === 0 || given.length > ENTRIES_MAX || !given.every(isStatus)) {
    throw bad(`${operation}.statuses`, 'is not a list of numbers from 200 to 499')
  }
  return given
}

/** The JSON with each string replaced. */
function mapStrings(value: unknown, where: string, replace: (text: string) => string, depth = 0): unknown {
  if (depth > DEPTH_MAX) throw bad(where, `is more than ${DEPTH_MAX} levels deep`)
  if (typeof value === 'string') return replace(value)
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, where, replace, depth + 1))
  if (typeof value !== 'object' || value === null || 'rawJSON' in value) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, mapStrings(item, where, replace, depth + 1)]),
  )
}

/** @throws RotatorError `secret` for a member that is missing, or that cannot stand where it should */
export function render(operation: Operation, template: RequestTemplate, scope: Scope): Rendered {
  const fill = (text: string, escaped = (value: string) => value) =>
    text.replace(PLACEHOLDER, (_, placeholder: string) => escaped(placed(operation, placeholder, scope)))
  const path = fill(template.path, encode)
  // What a server would take for another path than the template says.
  if (path.length > PATH_MAX || /\/\.{1,2}(?=[/?]|$)/.test(path))
    throw bad(`${operation}.path`, 'becomes no usable path')

  const headers: Record<string, string> = { accept: 'application/json' }
  for (const [name, value] of Object.entries(template.headers)) headers[name.toLowerCase()] = fill(value)
  if (template.basic) {
    const login = `${fill(template.basic.username)}:${fill(template.basic.password)}`
    headers.authorization = `Basic ${Buffer.from(login).toString('base64')}`
  }
  for (const value of Object.values(headers)) {
    if (!/^[\x20-\x7e\x80-\xff]*$/.test(value))
      throw bad(`${operation}.headers`, 'gets a value that no header can hold')
  }
  const body =
    template.form !== undefined
      ? new URLSearchParams(Object.entries(template.form).map(([name, value]) => [name, fill(value)])).toString()
      : template.json !== undefined
        ? JSON.stringify(mapStrings(template.json, `${operation}.json`, (leaf) => fill(leaf)))
        : undefined
  if (body !== undefined) {
    const type = template.form === undefined ? 'application/json' : 'application/x-www-form-urlencoded'
    headers['content-type'] ??= type
  }
  return { method: template.method, path, headers, ...(body !== undefined && { body }) }
}

const encode = (value: string): string => encodeURIComponent(value.toWellFormed())

function placed(operation: Operation, placeholder: string, scope: Scope): string {
  const [name = '', member = ''] = placeholder.split('.')
  const values = scope[name as keyof Scope] as SecretValue | undefined
  const text = values && Object.hasOwn(values, member) ? textOf(values[member]) : undefined
  if (text === undefined || text === '') throw bad(operation, `needs ${placeholder}, which is missing or not a text`)
  return text
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string') return value
  if (typeof value === 'number' || typeof value === 'boolean') return String(value)
  // A number that JavaScript cannot hold.
  return typeof value === 'object' && value !== null && 'rawJSON' in value ? JSON.stringify(value) : undefined
}

/** What a JSON pointer points at; undefined where there is nothing. https://www.rfc-editor.org/rfc/rfc6901#section-4 */
export function pointAt(document: unknown, pointer: string): unknown {
  let at = document
  for (const token of pointer.split('/').slice(1)) {
    const name = token.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    if (Array.isArray(at) && !/^(0|[1-9][0-9]*)$/.test(name)) return undefined
    at = (at as { readonly [name: string]: unknown })[name]
  }
  return at
}

/** Members by what their pointers point at. @returns undefined where one points at nothing */
export function pick(document: unknown, pointers: Pointers): SecretValue | undefined {
  const entries = Object.entries(pointers).map(([member, pointer]) => [member, pointAt(document, pointer)] as const)
  if (entries.some(([, value]) => value === undefined || value === null || value === '')) return undefined
  return Object.fromEntries(entries)
}

export const matches = (operation: Operation, document: unknown, { match }: RequestTemplate, scope: Scope): boolean =>
  Object.entries(match).every(([pointer, text]) => {
    const expected = text.replace(PLACEHOLDER, (_, placeholder: string) => placed(operation, placeholder, scope))
    return textOf(pointAt(document, pointer)) === expected
  })
