// A connection to a directory: LDAP over TLS from the first byte on, or by StartTLS; what goes wrong, by kind.
// https://www.rfc-editor.org/rfc/rfc4511

import { createRequire } from 'node:module'
import type * as ldapts from 'ldapts'
import type { Client } from 'ldapts'
import { connectionError, RECEIVED_SHORT_MAX, Sockets, verifiedTls, within } from './connection.ts'
import type { Login } from './engine.ts'
import { RotatorError } from './errors.ts'
import type { Io } from './rotator.ts'
import { placeOf } from './secret.ts'

const require = createRequire(import.meta.url)
/** Loaded by who needs it first: many servers never rotate here, and none is to wait for it at its start. */
export const driver = (): typeof ldapts => require('ldapts')

export type Directory = {
  readonly at: string
  readonly login: Login
  readonly io: Io
  /** As whom it is bound. */
  readonly dn: string
  /** @throws RotatorError */
  ask<T>(work: (client: Client) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Result codes. https://www.rfc-editor.org/rfc/rfc4511#appendix-A */
export const CODE = {
  strongerAuthRequired: 8,
  unavailableCriticalExtension: 12,
  confidentialityRequired: 13,
  noSuchAttribute: 16,
  constraintViolation: 19,
  noSuchObject: 32,
  invalidDNSyntax: 34,
  inappropriateAuthentication: 48,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
} as const

/** What another kind of directory knows better; undefined for the usual. `message` may hold what was sent. */
export type Translate = (code: number, message: string, at: string) => RotatorError | undefined

/** `bindName` may ask the server, before anybody is logged in. Whoever cannot be bound is told by kind; an empty password is never sent. */
export async function openDirectory(
  login: Login,
  io: Io,
  {
    startTls,
    bindName,
    translate = () => undefined,
  }: {
    readonly startTls: boolean
    readonly bindName: (ask: Directory['ask']) => Promise<string>
    readonly translate?: Translate
  },
): Promise<Directory> {
  const at = placeOf(login)
  const address = await io.resolve(login.host, login.port)
  const host = address.includes(':') ? `[${address}]` : address
  const fromTheStart = login.tls && !startTls
  const client = new (driver().Client)({
    url: `${fromTheStart ? 'ldaps' : 'ldap'}://${host}:${login.port}`,
    connectTimeout: io.timeoutMs,
    timeout: io.timeoutMs,
    strictDN: false,
    ...(fromTheStart && { tlsOptions: verifiedTls(login, io) }),
  })
  const sockets = new Sockets(at, RECEIVED_SHORT_MAX)
  let handshaking = login.tls
  const ask = async <T>(work: (client: Client) => Promise<T>): Promise<T> => {
    try {
      return await within(
        io,
        at,
        () => sockets.end(),
        () => sockets.opening(() => work(client)),
      )
    } catch (error) {
      throw connectionError(error, at, { handshaking }) ?? answerError(error, at, translate)
    }
  }
  const close = async (): Promise<void> => {
    await within(
      { ...io, timeoutMs: CLOSE_MS },
      at,
      () => {},
      () => client.unbind(),
    ).catch(() => {})
    sockets.end()
  }
  try {
    if (login.tls && startTls) await ask((to) => to.startTLS(verifiedTls(login, io)))
    const dn = await bindName(ask)
    handshaking = false
    if (login.password === '') throw new RotatorError('secret', 'An empty password logs nobody in.')
    handshaking = fromTheStart
    await ask((to) => to.bind(dn, login.password))
    handshaking = false
    return { at, login, io, dn, ask, close }
  } catch (error) {
    await close()
    throw error
  }
}

const CLOSE_MS = 1_000

/** The numeric result code of an answer. */
export const codeOf = (error: unknown): number | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'number' ? error.code : undefined

function answerError(error: unknown, at: string, translate: Translate): RotatorError {
  const code = codeOf(error)
  const text = error instanceof Error ? error.message : ''
  if (code === undefined) {
    // What the client says without a code is of the socket, or of an answer that it cannot read.
    if (/secure TLS|certificate|ECONNRESET/i.test(text)) return new RotatorError('tls', `No verified TLS with ${at}.`)
    return new RotatorError('unreachable', `${at} ended the connection, or answers something else than LDAP.`)
  }
  const special = translate(code, text, at)
  if (special) return special
  switch (code) {
    case CODE.invalidCredentials:
    case CODE.inappropriateAuthentication:
      return new RotatorError('authentication', `${at} refuses the name or password.`)
    case CODE.strongerAuthRequired:
    case CODE.confidentialityRequired:
      return new RotatorError('tls', `${at} asks for TLS.`)
    case CODE.insufficientAccessRights:
      return new RotatorError('permission', `Who is logged in may not do this at ${at}.`)
    case CODE.constraintViolation:
      return new RotatorError('policy', `${at} refuses the new password by its policy.`)
    case CODE.noSuchObject:
      return new RotatorError('secret', `${at} has no such entry, or does not show it.`)
    case CODE.invalidDNSyntax:
      return new RotatorError('secret', 'The name is not a DN.')
    case CODE.busy:
    case CODE.unavailable:
      return new RotatorError('unreachable', `${at} is busy.`)
    default:
      return new RotatorError('other', `${at} answers with result code ${code}.`)
  }
}

/** One entry; values as text. @throws RotatorError `secret` where it is not there */
export async function readEntry(
  { ask, at }: Pick<Directory, 'ask' | 'at'>,
  dn: string,
  attributes: readonly string[],
  binary: readonly string[] = [],
): Promise<{
  all(name: string): readonly string[]
  first(name: string): string | undefined
  bytes(name: string): Buffer | undefined
}> {
  const { searchEntries } = await ask((client) =>
    client.search(dn, {
      scope: 'base',
      filter: '(objectClass=*)',
      attributes: [...attributes, ...binary],
      explicitBufferAttributes: [...binary],
    }),
  )
  const [entry] = searchEntries
  if (entry === undefined) throw new RotatorError('secret', `${at} has no such entry, or does not show it.`)
  const found = (name: string): readonly (string | Buffer)[] => {
    const key = Object.keys(entry).find((other) => other.toLowerCase() === name.toLowerCase())
    const values = key === undefined ? [] : entry[key]!
    return Array.isArray(values) ? values : [values]
  }
  return {
    all: (name) => found(name).map(String),
    first: (name) => found(name).map(String)[0],
    bytes: (name) => found(name).filter((value) => Buffer.isBuffer(value))[0],
  }
}
