// A double of SQL Server's protocol: TDS 7.4 with its TLS inside of packets, logins, and batches. It keeps passwords and lets in who knows one; of everything
// else it keeps what it was told and answers by rule. https://learn.microsoft.com/openspecs/windows_protocols/ms-tds

import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { TestCertificate } from './certificates.ts'

type Row = { readonly [column: string]: string | number | null }
type Answer = readonly Row[] | { readonly number: number; readonly message: string }

export type SqlserverDouble = {
  readonly port: number
  /** Passwords, by `login`, or `database/user` for users that a database has itself. */
  readonly passwords: Map<string, string>
  /** Every batch, without those that set up a session. */
  readonly batches: string[]
  stop(): void
}

export type Session = { readonly user: string; readonly database: string }

/** `answer` of a batch; undefined is success without rows. */
export async function startSqlserverDouble(
  answer: (sql: string, session: Session) => Answer | undefined,
  { tls }: { readonly tls?: TestCertificate } = {},
): Promise<SqlserverDouble> {
  const passwords = new Map<string, string>()
  const batches: string[] = []
  const sockets = new Set<Socket>()

  const execute = (sql: string, session: Session): Answer => {
    if (!/^set /i.test(sql)) batches.push(sql.replace(/\s+/g, ' ').trim())
    const told = answer(sql, session)
    if (told !== undefined) return told
    const change = CHANGE.exec(sql)
    if (change) {
      const { verb, kind, named, fresh, old } = change.groups!
      const who = named!.replaceAll(']]', ']')
      const key = kind === 'USER' ? `${session.database}/${who}` : who
      const before = passwords.get(key)
      if ((verb === 'CREATE') !== (before === undefined))
        return { number: verb === 'CREATE' ? 15025 : 15151, message: 'refused' }
      if (old !== undefined && unquoted(old) !== before)
        return { number: 15151, message: `Cannot alter the login '${who}'` }
      passwords.set(key, unquoted(fresh!))
    }
    return []
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    let session: Session | undefined
    let write = (bytes: Buffer): void => void socket.write(bytes)
    const answered = (tokens: readonly Buffer[]): void => write(packet(RESPONSE, Buffer.concat([...tokens])))

    const hear = (type: number, body: Buffer): void => {
      if (type === PRELOGIN) write(packet(RESPONSE, prelogin(tls ? ENCRYPT_ON : ENCRYPT_NOT_SUPPORTED)))
      else if (type === LOGIN) {
        const field = (at: number): Buffer =>
          body.subarray(body.readUInt16LE(at), body.readUInt16LE(at) + 2 * body.readUInt16LE(at + 2))
        const [user, database] = [field(40).toString('ucs2'), field(68).toString('ucs2')]
        const password = Buffer.from(
          field(44).map((byte) => (((byte ^ 0xa5) << 4) | ((byte ^ 0xa5) >> 4)) & 0xff),
        ).toString('ucs2')
        if ((passwords.get(`${database}/${user}`) ?? passwords.get(user)) !== password) {
          answered([refusal(18456, `Login failed for user '${user}'.`), done(2)])
          socket.end()
          return
        }
        session = { user, database }
        answered([acknowledged(), done(0)])
      } else if (type === BATCH && session !== undefined) {
        const told = execute(body.toString('ucs2', body.readUInt32LE(0)), session)
        if ('number' in told) answered([refusal(told.number, told.message), done(2)])
        else
          answered([
            ...(told.length > 0 ? [columns(told[0]!), ...told.map(row)] : []),
            done(told.length > 0 ? 0x10 : 0),
          ])
      }
    }

    let received = Buffer.alloc(0)
    const take = (chunk: Buffer, each: (type: number, body: Buffer, last: boolean) => void): void => {
      received = Buffer.concat([received, chunk])
      while (received.length >= 8 && received.length >= received.readUInt16BE(2)) {
        const whole = received.subarray(0, received.readUInt16BE(2))
        received = received.subarray(whole.length)
        each(whole[0]!, whole.subarray(8), (whole[1]! & 1) === 1)
      }
    }
    let parts: Buffer[] = []
    const plain = (chunk: Buffer): void =>
      take(chunk, (type, body, last) => {
        parts.push(body)
        if (!last) return
        const message = Buffer.concat(parts)
        parts = []
        hear(type, message)
      })

    if (tls === undefined) {
      socket.on('data', plain)
      return
    }
    // The handshake travels in packets; from the first record of data on, TLS is on the socket itself.
    let begun = false
    let raw = false
    let waiting: Buffer[] = []
    const under = new Duplex({
      read() {},
      write(chunk: Buffer, _, next) {
        waiting.push(chunk)
        if (waiting.length === 1) {
          setImmediate(() => {
            const bytes = Buffer.concat(waiting)
            waiting = []
            socket.write(raw ? bytes : packet(PRELOGIN, bytes))
          })
        }
        next()
      },
    })
    const secure = new TLSSocket(under, {
      isServer: true,
      cert: readFileSync(tls.certificateFile),
      key: readFileSync(tls.keyFile),
    })
    secure.on('error', () => socket.destroy())
    secure.on('data', plain)
    socket.on('data', (chunk: Buffer) => {
      if (!begun) {
        begun = true
        return plain(chunk)
      }
      if (!raw && chunk[0] === APPLICATION_DATA) {
        raw = true
        write = (bytes) => void secure.write(bytes)
      }
      if (raw) under.push(chunk)
      else take(chunk, (_, body) => under.push(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    passwords,
    batches,
    stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

const CHANGE =
  /^(?<verb>ALTER|CREATE) (?<kind>LOGIN|USER) \[(?<named>(?:[^\]]|\]\])+)\] WITH PASSWORD = N'(?<fresh>(?:[^']|'')*)'(?: OLD_PASSWORD = N'(?<old>(?:[^']|'')*)')?/

const unquoted = (text: string): string => text.replaceAll("''", "'")

const [BATCH, RESPONSE, LOGIN, PRELOGIN] = [0x01, 0x04, 0x10, 0x12]
const [ENCRYPT_ON, ENCRYPT_NOT_SUPPORTED] = [1, 2]
const APPLICATION_DATA = 0x17

function packet(type: number, body: Buffer): Buffer {
  const head = Buffer.from([type, 1, 0, 0, 0, 0, 1, 0])
  head.writeUInt16BE(8 + body.length, 2)
  return Buffer.concat([head, body])
}

function prelogin(encryption: number): Buffer {
  const options = [
    [0, Buffer.from([16, 0, 4, 5, 0, 0])],
    [1, Buffer.from([encryption])],
    [2, Buffer.from([0])],
    [3, Buffer.alloc(4)],
    [4, Buffer.from([0])],
  ] as const
  let offset = options.length * 5 + 1
  const heads = options.map(([token, { length }]) => {
    const head = Buffer.from([token, 0, offset, 0, length])
    offset += length
    return head
  })
  return Buffer.concat([...heads, Buffer.from([0xff]), ...options.map(([, value]) => value)])
}

const short = (text: string): Buffer => Buffer.concat([Buffer.from([text.length]), Buffer.from(text, 'ucs2')])
const uint16 = (number: number): Buffer => Buffer.from([number & 0xff, number >> 8])
const uint32 = (number: number): Buffer => {
  const buffer = Buffer.alloc(4)
  buffer.writeUInt32LE(number)
  return buffer
}
const sized = (token: number, body: Buffer): Buffer => Buffer.concat([Buffer.from([token]), uint16(body.length), body])

const acknowledged = (): Buffer =>
  sized(
    0xad,
    Buffer.concat([Buffer.from([1, 0x74, 0, 0, 4]), short('Microsoft SQL Server'), Buffer.from([16, 0, 4, 5])]),
  )

const refusal = (number: number, message: string): Buffer =>
  sized(
    0xaa,
    Buffer.concat([
      uint32(number),
      Buffer.from([1, 14]),
      uint16(message.length),
      Buffer.from(message, 'ucs2'),
      short('double'),
      short(''),
      uint32(1),
    ]),
  )

const done = (status: number): Buffer => Buffer.concat([Buffer.from([0xfd]), uint16(status), Buffer.alloc(10)])

const NVARCHAR = 0xe7
const COLLATION = Buffer.from([9, 4, 0xd0, 0, 0x34])

const columns = (first: Row): Buffer =>
  Buffer.concat([
    Buffer.from([0x81]),
    uint16(Object.keys(first).length),
    ...Object.keys(first).map((column) =>
      Buffer.concat([uint32(0), uint16(1), Buffer.from([NVARCHAR]), uint16(8_000), COLLATION, short(column)]),
    ),
  ])

const row = (values: Row): Buffer =>
  Buffer.concat([
    Buffer.from([0xd1]),
    ...Object.values(values).map((value) => {
      if (value === null) return uint16(0xffff)
      const text = Buffer.from(String(value), 'ucs2')
      return Buffer.concat([uint16(text.length), text])
    }),
  ])
