// Engines whose drivers run in a process of their own: whatever a server answers, it can bring down, fill up or keep busy no more than that process, which
// ends with the connection. Made for drivers that trust the server more than the writer of a secret, who chooses it, is to be trusted.

import { type ChildProcess, fork } from 'node:child_process'
import { getCACertificates } from 'node:tls'
import { fileURLToPath } from 'node:url'
import type { Engine, Login } from './engine.ts'
import { RotatorError, type RotatorErrorKind } from './errors.ts'
import type { Io } from './rotator.ts'
import { placeOf } from './secret.ts'

type Cloning<C> = Engine<C> & Required<Pick<Engine<C>, 'clone' | 'relation'>>

export type Method = 'serverId' | 'preflight' | 'setPassword' | 'relation' | 'clone' | 'probe' | 'close'

/** With its value as JSON: numbers that stay as they are written do not go from process to process otherwise. */
export type Packed = Omit<Login, 'value'> & { readonly value: string }

const packed = (login: Login): Packed => ({ ...login, value: JSON.stringify(login.value) })

/** What the process is told first. Never as an argument: others can see those. */
export type Beginning = {
  readonly engine: string
  readonly login: Packed
  readonly user: Packed | undefined
  readonly address: string
  /** PEM: what the server trusts by itself, and what it was given beside. */
  readonly system: readonly string[]
  readonly authorities: readonly string[]
  readonly timeoutMs: number
}

export type Asked =
  | { readonly id: number; readonly begin: Beginning }
  | { readonly id: number; readonly method: Method; readonly args: readonly unknown[] }

/** Without an id it says no more than that the process is not stuck. */
export type Told = {
  readonly id?: number
  readonly result?: unknown
  readonly error?: { readonly kind: RotatorErrorKind; readonly message: string }
}

/** A connection in the other process. */
export type Apart = { call(method: Method, ...args: readonly unknown[]): Promise<unknown>; end(): void }

/** The same engine, apart. `engine.id` has to be known in `apart-process.ts`. */
export const apart = <C>(engine: Cloning<C>): Cloning<Apart> => ({
  ...engine,
  async connect(login, io, user) {
    const address = await io.resolve(login.host, login.port)
    const process = start(io, placeOf(login))
    try {
      const { authorities, timeoutMs } = io
      const system = getCACertificates('default')
      const logins = { login: packed(login), user: user && packed(user) }
      await process.ask({ begin: { engine: engine.id, ...logins, address, system, authorities, timeoutMs } })
    } catch (error) {
      process.end()
      throw error
    }
    return { call: (method, ...args) => process.ask({ method, args }), end: process.end }
  },
  async close(connection) {
    const ended = connection.call('close').catch(() => {})
    await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, CLOSE_MS).unref())])
    connection.end()
  },
  serverId: (connection) => connection.call('serverId') as Promise<string | undefined>,
  preflight: (connection, plan) => connection.call('preflight', plan) as ReturnType<Engine<C>['preflight']>,
  setPassword: (connection, change) => connection.call('setPassword', change) as Promise<void>,
  relation: (connection, users) => connection.call('relation', users) as ReturnType<Cloning<C>['relation']>,
  clone: (connection, user) => connection.call('clone', user) as Promise<void>,
  probe: (connection) => connection.call('probe') as Promise<void>,
})

const CLOSE_MS = 3_000
/** Until the driver is loaded: a machine may have much else to do. */
const BEGIN_MS = 60_000
/** Heap, in MiB: more than a driver needs, less than is missed. */
const HEAP_MIB = 192

type Process = { ask(what: Without<Asked>): Promise<unknown>; end(): void }
type Without<A> = A extends unknown ? Omit<A, 'id'> : never

function start({ signal, timeoutMs }: Io, at: string): Process {
  const child: ChildProcess = fork(fileURLToPath(new URL('./apart-process.ts', import.meta.url)), [], {
    execArgv: [
      ...['--disable-warning=ExperimentalWarning', '--disallow-code-generation-from-strings', '--disable-proto=delete'],
      ...['--no-addons', `--max-old-space-size=${HEAP_MIB}`],
    ],
    // What the server's environment holds is none of a driver's business.
    env: {},
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  })
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  let asked = 0
  let over: RotatorError | undefined
  const finish = (error: RotatorError): void => {
    if (over !== undefined) return
    over = error
    clearTimeout(watch)
    signal.removeEventListener('abort', abort)
    child.kill('SIGKILL')
    for (const { reject } of waiting.values()) reject(error)
    waiting.clear()
  }
  const abort = (): void => finish(new RotatorError('unreachable', `No answer from ${at}: the rotation was ended.`))
  const silent = (): void =>
    finish(new RotatorError('unreachable', `What ${at} answered keeps the driver busy: it was ended.`))
  let watch = setTimeout(silent, BEGIN_MS)
  child.on('error', () =>
    finish(new RotatorError('other', `The process for the driver of ${at} could not be started.`)),
  )
  child.on('exit', () => finish(new RotatorError('other', `The driver broke over what ${at} answered.`)))
  child.on('message', ({ id, result, error }: Told) => {
    if (over !== undefined) return
    clearTimeout(watch)
    watch = setTimeout(silent, timeoutMs)
    const one = id === undefined ? undefined : waiting.get(id)
    if (id === undefined || one === undefined) return
    waiting.delete(id)
    if (error === undefined) one.resolve(result)
    else one.reject(new RotatorError(error.kind, error.message))
  })
  signal.addEventListener('abort', abort, { once: true })
  if (signal.aborted) abort()
  return {
    ask(what) {
      if (over !== undefined) return Promise.reject(over)
      const id = ++asked
      const one = Promise.withResolvers<unknown>()
      waiting.set(id, one)
      child.send({ ...what, id } as Asked, (error) => {
        if (error) finish(new RotatorError('other', `The driver broke over what ${at} answered.`))
      })
      return one.promise
    },
    end: () => finish(new RotatorError('unreachable', `The connection to ${at} is closed.`)),
  }
}
