// The other process of `apart.ts`: one connection of one engine. It ends with whoever started it.

import { setDefaultCACertificates } from 'node:tls'
import type { Asked, Beginning, Packed, Told } from './apart.ts'
import type { Engine, Login } from './engine.ts'
import { RotatorError } from './errors.ts'
import type { Io } from './rotator.ts'
import { parseSecret } from './secret.ts'
import { stayAt } from './stay-at.ts'

const engines: { readonly [id: string]: () => Promise<Engine<unknown>> } = {
  mongodb: async () => (await import('./engines/mongodb.ts')).mongodb,
  oracle: async () => (await import('./engines/oracle.ts')).oracle,
  sqlserver: async () => (await import('./engines/sqlserver.ts')).sqlserver,
}

const ALIVE_MS = 500

let engine: Engine<unknown>
let connection: unknown

process.on('disconnect', () => process.exit())
process.on('message', (asked: Asked) => {
  const { id } = asked
  answer(asked).then(
    (result) => tell({ id, result }),
    (error) => tell({ id, error: told(error) }),
  )
})

const tell = (what: Told): void => void process.send!(what)

/** A fault of the driver is told by its name alone: its message may quote what was sent. */
function told(error: unknown): NonNullable<Told['error']> {
  if (error instanceof RotatorError) return { kind: error.kind, message: error.message }
  const name = error instanceof Error ? error.constructor.name : typeof error
  return { kind: 'other', message: `The driver fails: ${name}.` }
}

async function answer(asked: Asked): Promise<unknown> {
  if ('begin' in asked) {
    await begin(asked.begin)
    return undefined
  }
  const method = engine[asked.method] as ((connection: unknown, ...args: readonly unknown[]) => unknown) | undefined
  return method?.(connection, ...asked.args)
}

const unpacked = (login: Packed): Login => ({ ...login, value: parseSecret(login.value) })

async function begin({ engine: id, login, user, address, system, authorities, timeoutMs }: Beginning): Promise<void> {
  setDefaultCACertificates([...system, ...authorities])
  stayAt(address, login)
  engine = await engines[id]!()
  const elsewhere = (): never => {
    throw new Error('not in this process')
  }
  const io: Io = {
    // Engines load their driver before they ask where to connect: that takes its time, and only from then on is silence a sign.
    async resolve(host, port) {
      if (host !== login.host || port !== login.port) throw elsewhere()
      tell({})
      setInterval(() => tell({}), ALIVE_MS)
      return address
    },
    authorities,
    signal: new AbortController().signal,
    timeoutMs,
    randomBytes: elsewhere,
    generatePrivateKey: elsewhere,
    now: elsewhere,
  }
  connection = await engine.connect(unpacked(login), io, user && unpacked(user))
}
