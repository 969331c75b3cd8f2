// A double of MongoDB: OP_MSG and the first OP_QUERY, logins by SCRAM-SHA-256, and the commands of users, kept in memory with the rights that they need.
// https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/

import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { BSON, type Document } from 'mongodb'
import type { TestCertificate } from './certificates.ts'

type Role = { readonly role: string; readonly db: string }

export type DoubleUser = {
  password: string
  roles: readonly Role[]
  /** On what database it may do what. */
  readonly privileges?: readonly { readonly db: string; readonly actions: readonly string[] }[]
  readonly mechanisms?: readonly string[]
  customData?: Document
  authenticationRestrictions?: readonly Document[]
}

export type MongodbDouble = {
  readonly port: number
  /** By `database.name`. */
  readonly users: Map<string, DoubleUser>
  /** Every command of a user, without those of the driver's own. */
  readonly commands: Document[]
  stop(): void
}

export type MongodbRules = {
  readonly tls?: TestCertificate
  readonly secondary?: boolean
  /** DocumentDB, as the one that knows least: neither `showAuthenticationRestrictions` nor `showPrivileges`, and tells no process. */
  readonly documentdb?: boolean
  /** Code of the error of a command. */
  readonly fail?: (command: Document) => number | undefined
}

const ITERATIONS = 4096
const OWN = ['isMaster', 'ismaster', 'hello', 'saslStart', 'saslContinue', 'endSessions', 'ping']

export async function startMongodbDouble(rules: MongodbRules = {}): Promise<MongodbDouble> {
  const users = new Map<string, DoubleUser>()
  const commands: Document[] = []
  const sockets = new Set<Socket>()
  const processId = new BSON.ObjectId()

  const serve = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('error', () => {})
    let me: { readonly db: string; readonly user: string } | undefined
    let conversation: Conversation | undefined
    const may = (action: string, db: string): boolean =>
      users.get(`${me?.db}.${me?.user}`)?.privileges?.some((one) => one.db === db && one.actions.includes(action)) ??
      false

    const answer = (command: Document): Document => {
      const [name] = Object.keys(command)
      const db: string = command.$db
      if (!OWN.includes(name!)) commands.push(command)
      const code = rules.fail?.(command)
      if (code !== undefined) return failure(code, `refused: ${JSON.stringify(command)}`)
      const must = (...needed: readonly (readonly [string, string])[]): void => {
        for (const [action, on] of needed)
          if (!may(action, on)) throw failure(13, `not authorized on ${on} to execute ${name}`)
      }
      switch (name) {
        case 'isMaster':
        case 'ismaster':
        case 'hello':
          return {
            ...{ ismaster: !rules.secondary, helloOk: true, minWireVersion: 0, maxWireVersion: 21, ok: 1 },
            ...{
              setName: 'rs0',
              hosts: ['db1:27017', 'db2:27017'],
              primary: 'db2:27017',
              secondary: rules.secondary === true,
            },
            ...{ maxBsonObjectSize: 16_777_216, maxMessageSizeBytes: 48_000_000, maxWriteBatchSize: 100_000 },
            ...(command.saslSupportedMechs ? { saslSupportedMechs: ['SCRAM-SHA-256'] } : {}),
            ...(rules.documentdb ? {} : { topologyVersion: { processId, counter: BSON.Long.fromNumber(0) } }),
          }
        case 'saslStart': {
          const first = command.payload.toString().slice(3)
          const user = /^n=([^,]*),/.exec(first)?.[1] ?? ''
          conversation = begin({ db, user }, first, users.get(`${db}.${user}`)?.password)
          return { conversationId: 1, done: false, payload: payload(conversation.serverFirst), ok: 1 }
        }
        case 'saslContinue': {
          const signature = conversation && finish(conversation, command.payload.toString())
          if (!conversation || signature === undefined) return failure(18, 'Authentication failed.')
          me = conversation.account
          return { conversationId: 1, done: true, payload: payload(`v=${signature}`), ok: 1 }
        }
        case 'ping':
        case 'endSessions':
          return { ok: 1 }
      }
      if (me === undefined) return failure(13, 'command requires authentication')
      switch (name) {
        case 'connectionStatus': {
          if (rules.documentdb && 'showPrivileges' in command) return failure(9, 'unknown field')
          const privileges = users.get(`${me.db}.${me.user}`)?.privileges ?? []
          const told = privileges.map(({ db: on, actions }) => ({ resource: { db: on, collection: '' }, actions }))
          return {
            authInfo: {
              authenticatedUsers: [me],
              authenticatedUserRoles: [],
              ...(command.showPrivileges ? { authenticatedUserPrivileges: told } : {}),
            },
            ok: 1,
          }
        }
        case 'usersInfo': {
          if (rules.documentdb && 'showAuthenticationRestrictions' in command) return failure(9, 'unknown field')
          const { user, db: of } = command.usersInfo
          if (user !== me.user || of !== me.db) must(['viewUser', of])
          const found = users.get(`${of}.${user}`)
          if (found === undefined) return { users: [], ok: 1 }
          const { roles, mechanisms, customData, authenticationRestrictions = [] } = found
          const shown = { _id: `${of}.${user}`, user, db: of, roles, ...(customData ? { customData } : {}) }
          if (rules.documentdb) return { users: [shown], ok: 1 }
          const more = { mechanisms, ...(command.showAuthenticationRestrictions ? { authenticationRestrictions } : {}) }
          return { users: [{ ...shown, ...more }], ok: 1 }
        }
        case 'createUser':
        case 'updateUser': {
          const key = `${db}.${command[name]}`
          const before = users.get(key)
          if (name === 'createUser' && before) return failure(51003, `User "${key}" already exists`)
          if (name === 'updateUser' && !before) return failure(11, `Could not find user "${key}"`)
          const own = me.db === db && me.user === command.updateUser
          if (name === 'createUser') must(['createUser', db])
          else if (!own || !may('changeOwnPassword', db)) must(['changePassword', db])
          for (const { db: on } of (command.roles ?? []) as readonly Role[]) must(['grantRole', on])
          if (before && command.roles) for (const { db: on } of before.roles) must(['revokeRole', on])
          const { pwd, roles, mechanisms, customData, authenticationRestrictions } = command
          users.set(key, {
            ...(before ?? { roles: [] }),
            password: pwd,
            ...Object.fromEntries(
              Object.entries({ roles, mechanisms, customData, authenticationRestrictions }).filter(
                ([, one]) => one !== undefined,
              ),
            ),
          })
          return { ok: 1 }
        }
      }
      return failure(59, `no such command: '${name}'`)
    }

    let received = Buffer.alloc(0)
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk])
      // Who begins with TLS is hung up on, as by a server that has none.
      if (received[0] === CLIENT_HELLO && received[1] === 3) socket.destroy()
      while (received.length >= 16 && received.length >= received.readInt32LE(0)) {
        const message = received.subarray(0, received.readInt32LE(0))
        received = received.subarray(message.length)
        const [id, kind] = [message.readInt32LE(4), message.readInt32LE(12)]
        const query = kind === OP_QUERY
        const start = query ? message.indexOf(0, 20) + 9 : 21
        const body = BSON.deserialize(message.subarray(start, start + message.readInt32LE(start)), {
          promoteBuffers: false,
        })
        let told: Document
        try {
          told = answer(query ? { ...body, $db: 'admin' } : body)
        } catch (error) {
          if (error instanceof Error) throw error
          told = error as Document
        }
        const document = BSON.serialize(told)
        const head = query ? Buffer.alloc(36) : Buffer.alloc(21)
        head.writeInt32LE(head.length + document.length, 0)
        head.writeInt32LE(id, 8)
        head.writeInt32LE(query ? OP_REPLY : OP_MSG, 12)
        if (query) head.writeInt32LE(1, 32)
        socket.write(Buffer.concat([head, document]))
      }
    })
  }
  const server: Server =
    rules.tls === undefined
      ? createServer(serve)
      : createTlsServer({ cert: readFileSync(rules.tls.certificateFile), key: readFileSync(rules.tls.keyFile) }, serve)
  server.on('tlsClientError', () => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    users,
    commands,
    stop() {
      for (const socket of sockets) socket.destroy()
      server.close()
    },
  }
}

const CLIENT_HELLO = 0x16
const [OP_REPLY, OP_QUERY, OP_MSG] = [1, 2004, 2013]

const failure = (code: number, errmsg: string): Document => ({ ok: 0, code, errmsg })

const payload = (text: string): BSON.Binary => new BSON.Binary(Buffer.from(text))

type Conversation = {
  readonly account: { readonly db: string; readonly user: string }
  readonly clientFirst: string
  readonly serverFirst: string
  /** Undefined for a user that is not there, which is told in the end only. */
  readonly salted: Buffer | undefined
}

/** https://www.rfc-editor.org/rfc/rfc7677 */
function begin(account: Conversation['account'], clientFirst: string, password: string | undefined): Conversation {
  const salt = randomBytes(28)
  const nonce = /r=(.*)$/.exec(clientFirst)![1]! + randomBytes(18).toString('base64')
  return {
    account,
    clientFirst,
    serverFirst: `r=${nonce},s=${salt.toString('base64')},i=${ITERATIONS}`,
    salted: password === undefined ? undefined : pbkdf2Sync(password, salt, ITERATIONS, 32, 'sha256'),
  }
}

/** The server's signature; undefined where the proof is not one. */
function finish({ clientFirst, serverFirst, salted }: Conversation, clientFinal: string): string | undefined {
  const [, withoutProof, proof] = /^(.*),p=(.*)$/.exec(clientFinal)!
  if (salted === undefined) return undefined
  const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
  const message = [clientFirst, serverFirst, withoutProof].join(',')
  const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest()
  const signature = hmac(storedKey, message)
  const clientKey = Buffer.from(proof!, 'base64').map((byte, index) => byte ^ signature[index]!)
  if (!timingSafeEqual(createHash('sha256').update(clientKey).digest(), storedKey)) return undefined
  return hmac(hmac(salted, 'Server Key'), message).toString('base64')
}
