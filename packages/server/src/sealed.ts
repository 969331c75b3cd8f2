// A server that is sealed: it listens, answers every call with 503, and takes the shares of its root key over the local admin socket.

import { identityOf } from './admin/commands/health.ts'
import type { AdminAnswer } from './admin/server.ts'
import { serveAdminSocket } from './admin/server.ts'
import type { Config, RootKeyPlace } from './config.ts'
import { ServiceError } from './errors.ts'
import { encodeError } from './handle.ts'
import type { Handler } from './http/listen.ts'
import type { Logger } from './observe/log.ts'
import { createRouter } from './protocol/route.ts'
import { RootKeyError } from './seal/errors.ts'
import { decodeHeader } from './seal/keyring-format.ts'
import { loadKeyring } from './seal/lifecycle.ts'
import { createShares, type SharesGiven } from './seal/shares.ts'
import { findKeyring } from './seal/store.ts'
import { services } from './services/index.ts'
import type { Database } from './storage/database.ts'

const REASON = 'The server is sealed: it waits for the shares of its root key.'
const MEND = 'give it shares with "strongroom unseal" on its machine'

/** One handler for a listener that is there before the server can answer: 503 until `open`, then that one. `uuid` makes request ids. */
export function createGate(uuid: () => string): { readonly handler: Handler; open(handler: Handler): void } {
  const router = createRouter(services)
  const health = { ok: false, problems: [`the server is sealed: ${MEND}`], warnings: [] }
  const openRoutes: { readonly [route: string]: string } = {
    'GET /_strongroom/health': `${JSON.stringify(health)}\n`,
    'GET /_strongroom/metrics': '# the server is sealed\n',
  }
  let current: Handler = {
    bodyBytesMax: router.bodyBytesMax,
    open: (method, path) => {
      const body = openRoutes[`${method} ${path}`]
      if (body === undefined) return undefined
      const contentType = path.endsWith('health') ? 'application/json' : 'text/plain; version=0.0.4; charset=utf-8'
      return Promise.resolve({ status: 503, contentType, body })
    },
    handle: async (request) =>
      encodeError(request, router.route(request), new ServiceError('ServiceUnavailable', 503, REASON), uuid()),
  }
  return {
    handler: {
      bodyBytesMax: (rawHeaders, target) => current.bodyBytesMax(rawHeaders, target),
      open: (method, path, remoteAddress) => current.open(method, path, remoteAddress),
      handle: (request) => current.handle(request),
    },
    open: (handler) => {
      current = handler
    },
  }
}

type Places = { readonly database: Database; readonly config: Config; readonly log: Logger }

/**
 * Whether only shares open the keyring: `shamir` is among the root keys, and none of the others opens it.
 * @throws RootKeyError where there is no keyring yet, which shares cannot make
 */
export async function needsShares(
  { database, config, log }: Places,
  others: Parameters<typeof loadKeyring>[1],
  options: Parameters<typeof loadKeyring>[2],
): Promise<boolean> {
  const shamir = config.rootKeys.find(({ kind }) => kind === 'shamir')
  if (shamir === undefined || shamir.text !== '') return false
  if ((await database.transaction('read', findKeyring)) === undefined) {
    if (others.length > 0) return false
    throw new RootKeyError(
      '--root-key shamir opens a keyring that is there: start with another root key first, then run "strongroom root-key add shamir"',
    )
  }
  if (others.length === 0) return true
  try {
    await loadKeyring(database, others, options)
    return false
  } catch (error) {
    log.warn({ err: error }, 'no other root key opens the keyring')
    return true
  }
}

/** What a sealed server tells and does over its admin socket. Nothing else is answered. */
export async function waitForShares({ database, config, log }: Places): Promise<RootKeyPlace> {
  const readHeader = async () => {
    const row = await database.transaction('read', findKeyring)
    if (row === undefined) throw new RootKeyError('the keyring is gone')
    return decodeHeader(row.header)
  }
  const shares = createShares({ readHeader })
  const opened = Promise.withResolvers<RootKeyPlace>()
  const commands: { readonly [name: string]: (share: unknown) => Promise<object> } = {
    health: async () => ({
      ok: false,
      problems: [`the server is sealed: ${MEND}`],
      warnings: [],
      ...identityOf(database),
    }),
    'seal-status': async () => ({ sealed: true, sets: await shares.status() }),
    unseal: async (share) => {
      const { key, ...given } = await shares.submit(String(share))
      if (key !== undefined) opened.resolve(placeOfShares(key, given))
      return { sealed: key === undefined, ...given }
    },
  }
  const answer = async (name: string, input: { readonly [name: string]: unknown }): Promise<AdminAnswer> => {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (command === undefined) return { status: 400, body: { error: `the server is sealed: ${MEND}` } }
    try {
      return { status: 200, body: await command(input.share) }
    } catch (error) {
      if (!(error instanceof RootKeyError)) throw error
      log.warn({ command: name }, error.message)
      return { status: 400, body: { error: error.message } }
    }
  }
  const admin = await serveAdminSocket(config.dataDir, log, answer)
  try {
    return await opened.promise
  } finally {
    shares.forget()
    await admin.close()
  }
}

/** The key that shares gave, as a place that workers can be told. Zeroes `key`. */
export function placeOfShares(key: Buffer, { set, shares, threshold }: SharesGiven): RootKeyPlace {
  const text = key.toString('base64')
  key.fill(0)
  const settings = { set, shares: String(shares), threshold: String(threshold) }
  return { rootKey: 'shamir', kind: 'shamir', file: '', text, settings }
}
