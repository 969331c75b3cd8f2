// What drivers that open their own sockets are told of TLS, and the end of everything that takes too long.

import { AsyncLocalStorage } from 'node:async_hooks'
import { subscribe } from 'node:diagnostics_channel'
import { isIP, type Socket } from 'node:net'
import { type ConnectionOptions, checkServerIdentity } from 'node:tls'
import type { Login } from './engine.ts'
import { RotatorError } from './errors.ts'
import { networkError, trusting } from './network.ts'
import type { Io } from './rotator.ts'

type VerifiedTls = { readonly servername?: string } & {
  readonly [option in 'secureContext' | 'rejectUnauthorized' | 'checkServerIdentity']: NonNullable<
    ConnectionOptions[option]
  >
}

/** For a connection to the address that `login.host` was resolved to: the certificate is verified for the name, as the secret says it. */
export const verifiedTls = ({ host }: Pick<Login, 'host'>, io: Pick<Io, 'authorities'>): VerifiedTls => ({
  secureContext: trusting(io.authorities),
  rejectUnauthorized: true,
  // An address has no place in a ClientHello. https://www.rfc-editor.org/rfc/rfc6066#section-3
  ...(isIP(host) === 0 && { servername: host }),
  checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
})

/**
 * What `work` gives, within the time of one request. `stop` is called where it does not, and has to end it.
 * @throws RotatorError `unreachable` where it takes too long, or the rotation was ended
 */
export async function within<T>(io: Io, at: string, stop: () => void, work: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  let ended: (() => void) | undefined
  const end = new Promise<never>((_, reject) => {
    const fail = (what: string) => {
      reject(new RotatorError('unreachable', `No answer from ${at}: ${what}.`))
      stop()
    }
    ended = () => fail('the rotation was ended')
    if (io.signal.aborted) return ended()
    io.signal.addEventListener('abort', ended, { once: true })
    timer = setTimeout(() => fail(`none within ${io.timeoutMs} ms`), io.timeoutMs)
  })
  try {
    return await (io.signal.aborted ? end : Promise.race([work(), end]))
  } finally {
    clearTimeout(timer)
    if (ended) io.signal.removeEventListener('abort', ended)
  }
}

/** More than a server has to say to a rotator on one connection. */
const RECEIVED_MAX = 16 * 1024 * 1024
/** The same where answers are short, and drivers put what comes together anew for each piece of it. */
export const RECEIVED_SHORT_MAX = 1024 * 1024
const LOOKED_AT_MS = 50

/**
 * Ends a connection whose other side sends without end: drivers keep it all, and there is memory for less than comes within a time limit.
 * @returns what ends the watch
 */
export function limitReceived(bytesRead: () => number, end: () => void, max = RECEIVED_MAX): () => void {
  const timer = setInterval(() => {
    if (bytesRead() <= max) return
    clearInterval(timer)
    end()
  }, LOOKED_AT_MS)
  timer.unref()
  return () => clearInterval(timer)
}

const opened = new AsyncLocalStorage<(socket: Socket) => void>()
// https://nodejs.org/api/diagnostics_channel.html#tcp-socket
subscribe('net.client.socket', (message) => opened.getStore()?.((message as { readonly socket: Socket }).socket))

/** The sockets of a driver that keeps them for itself: bounded in what comes in over each, and ended whatever the driver waits for. */
export class Sockets {
  readonly #at: string
  readonly #bytesMax: number | undefined
  readonly #open = new Set<Socket>()

  /** `at` is where they lead, for messages: `host:port`. `bytesMax` comes in over each. */
  constructor(at: string, bytesMax?: number) {
    this.#at = at
    this.#bytesMax = bytesMax
  }

  /** What `work` gives: what it opens, now or later, belongs to these. */
  opening<T>(work: () => T): T {
    return opened.run((socket) => this.#add(socket), work)
  }

  end(): void {
    for (const socket of this.#open) socket.destroy()
  }

  #add(socket: Socket): void {
    const unwatch = limitReceived(
      () => socket.bytesRead,
      () => socket.destroy(new RotatorError('unreachable', `${this.#at} sends without end.`)),
      this.#bytesMax,
    )
    this.#open.add(socket)
    // The driver may listen no longer, or not yet.
    socket.on('error', () => {})
    socket.once('close', () => {
      unwatch()
      this.#open.delete(socket)
    })
  }
}

/**
 * Of a connection that did not come about, or broke. Whoever ends a connection instead of shaking hands speaks no TLS: it is not worth another
 * try, and least of all one without.
 */
export function connectionError(
  error: unknown,
  at: string,
  { handshaking }: { readonly handshaking: boolean },
): RotatorError | undefined {
  if (error instanceof RotatorError) return error
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (handshaking && (code === 'ECONNRESET' || code === 'EPIPE')) {
    return new RotatorError('tls', `No TLS with ${at}: it ended the connection in place of a handshake.`, {
      cause: error,
    })
  }
  return networkError(error, at)
}
