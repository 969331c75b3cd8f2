// A double of Redshift's protocol, which is PostgreSQL's with MD5 logins: it keeps users and digests, and lets in who proves to know the password; of
// everything else it keeps what it was told and answers by rule. It knows no SQL but that of passwords.

import { createHash, randomBytes } from 'node:crypto'
import { type AddressInfo, createServer, type Socket } from 'node:net'

type Row = { readonly [column: string]: string | boolean | null }
type Answer = readonly Row[] | { readonly state: string; readonly message: string }

export type RedshiftDouble = {
  readonly port: number
  /** What it keeps of each user's password: `md5…`, or `sha256` for one who logs in by that. */
  readonly users: Map<string, string>
  /** Every statement, without those that set up a session. */
  readonly statements: string[]
  stop(): void
}

/** As CREATE USER makes it of a password in clear. */
export const redshiftDigest = (username: string, password: string): string => `md5${md5(password, username)}`

const md5 = (...parts: readonly (string | Buffer)[]): string => {
  const hash = createHash('md5')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/** `answer` of a statement of a user; undefined is success without rows. */
export async function startRedshiftDouble(
  answer: (sql: string, user: string) => Answer | undefined,
): Promise<RedshiftDouble> {
  const users = new Map<string, string>()
  const statements: string[] = []
  const sockets = new Set<Socket>()

  const execute = (sql: string, user: string): Answer => {
    if (!/^(SET|BEGIN|COMMIT|ROLLBACK)\b/.test(sql)) statements.push(sql.replace(/\s+/g, ' ').trim())
    const told = answer(sql, user)
    if (told !== undefined) return told
    const change = /^(ALTER|CREATE) USER "([^"]+)" PASSWORD '(md5[0-9a-f]{32})'/.exec(sql)
    if (change) users.set(change[2]!, change[3]!)
    return []
  }

  const server = createServer((socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    let user = ''
    let salt: Buffer | undefined
    let begun = false
    let received: Buffer = Buffer.alloc(0)
    const send = (type: string, ...parts: readonly (Buffer | string)[]): void => {
      const body = Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(`${part}\0`) : part)))
      socket.write(Buffer.concat([Buffer.from(type), int32(body.length + 4), body]))
    }
    const ready = (): void => send('Z', Buffer.from('I'))
    const refuse = (state: string, message: string): void =>
      send('E', Buffer.from(`SERROR\0C${state}\0M${message}\0\0`))
    const hear = (type: string, body: Buffer): void => {
      if (type === 'p') {
        const kept = users.get(user)
        const proof = body.toString('utf8', 0, body.length - 1)
        if (kept !== undefined && proof === `md5${md5(kept.slice(3), salt!)}`) {
          send('R', int32(0))
          ready()
          return
        }
        refuse('28000', `password authentication failed for user "${user}"`)
        socket.end()
      } else if (type === 'Q') {
        const told = execute(body.toString('utf8', 0, body.length - 1), user)
        if (isRefusal(told)) refuse(told.state, told.message)
        else {
          if (told.length > 0) send('T', columns(told[0]!))
          for (const row of told) send('D', values(row))
          send('C', 'OK')
        }
        ready()
      } else if (type === 'X') socket.end()
    }
    const begin = (body: Buffer): void => {
      if (body.readInt32BE(0) === SSL_REQUEST) {
        socket.write('N')
        return
      }
      begun = true
      const words = body.toString('utf8', 4).split('\0')
      user = words[words.indexOf('user') + 1] ?? ''
      salt = randomBytes(4)
      if (users.get(user) === 'sha256') send('R', int32(13), int32(0))
      else send('R', int32(5), salt)
    }
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      for (;;) {
        const head = begun ? 1 : 0
        if (received.length < head + 4) return
        const length = received.readInt32BE(head)
        if (received.length < head + length) return
        const body = received.subarray(head + 4, head + length)
        const type = received.toString('latin1', 0, head)
        received = received.subarray(head + length)
        if (begun) hear(type, body)
        else begin(body)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    users,
    statements,
    stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

const SSL_REQUEST = 80_877_103
const [BOOLEAN, TEXT] = [16, 25]

const isRefusal = (answer: Answer): answer is Exclude<Answer, readonly Row[]> => !Array.isArray(answer)

const int32 = (number: number): Buffer => {
  const buffer = Buffer.alloc(4)
  buffer.writeInt32BE(number)
  return buffer
}

const int16 = (number: number): Buffer => int32(number).subarray(2)

const columns = (row: Row): Buffer =>
  Buffer.concat([
    int16(Object.keys(row).length),
    ...Object.entries(row).flatMap(([column, value]) => [
      ...[Buffer.from(`${column}\0`), int32(0), int16(0), int32(typeof value === 'boolean' ? BOOLEAN : TEXT)],
      ...[int16(-1), int32(-1), int16(0)],
    ]),
  ])

const values = (row: Row): Buffer =>
  Buffer.concat([
    int16(Object.keys(row).length),
    ...Object.values(row).flatMap((value) => {
      if (value === null) return [int32(-1)]
      const text = Buffer.from(typeof value === 'boolean' ? value.toString()[0]! : value)
      return [int32(text.length), text]
    }),
  ])
