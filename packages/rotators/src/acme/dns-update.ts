// TXT records put into a zone, and taken out, by a DNS server that takes signed updates: one message over TCP, and an answer that is signed too.
// https://www.rfc-editor.org/rfc/rfc2136 https://www.rfc-editor.org/rfc/rfc8945

import { createHmac, timingSafeEqual } from 'node:crypto'
import { connect } from 'node:net'
import { connectionError, within } from '../connection.ts'
import { RotatorError } from '../errors.ts'
import type { Io } from '../rotator.ts'
import { placeOf } from '../secret.ts'

export type DnsZone = {
  readonly host: string
  readonly port: number
  readonly zone: string
  readonly key: { readonly name: string; readonly algorithm: 'hmac-sha256' | 'hmac-sha512'; readonly secret: Buffer }
}

export type TxtChange = { readonly kind: 'add' | 'remove'; readonly name: string; readonly text: string }

const UPDATE = 0x2800
const IN = 1
const NONE = 254
const ANY = 255
const SOA = 6
const TXT = 16
const TSIG = 250
const TTL_SECONDS = 30
/** Seconds that the clocks may be apart. */
const FUDGE = 300
const HEADER_BYTES = 12
const ANSWER_BYTES_MAX = 65_535
const REFUSALS = ['', 'FORMERR', 'SERVFAIL', 'NXDOMAIN', 'NOTIMP', 'REFUSED', '', '', '', 'NOTAUTH', 'NOTZONE']
const UNSIGNED = { 16: 'BADSIG', 17: 'BADKEY', 18: 'BADTIME' } as const

/**
 * Adding what is there, and removing what is not, change nothing.
 * @throws RotatorError `unreachable`, `permission` where the server does not take it, `other` where its answer is not signed with the key
 */
export async function changeTxt(zone: DnsZone, { kind, name, text }: TxtChange, io: Io): Promise<void> {
  const at = placeOf(zone)
  const id = io.randomBytes(2).readUInt16BE()
  const rdata = Buffer.concat([Buffer.of(text.length), Buffer.from(text, 'latin1')])
  const record = [nameOf(name), short(TXT), short(kind === 'add' ? IN : NONE), long(kind === 'add' ? TTL_SECONDS : 0)]
  const message = Buffer.concat([
    ...[id, UPDATE, 1, 0, 1, 0].map(short),
    ...[nameOf(zone.zone), short(SOA), short(IN)],
    ...[...record, short(rdata.length), rdata],
  ])
  const seconds = Math.floor(io.now() / 1_000)
  const time = Buffer.concat([short(Math.floor(seconds / 2 ** 32)), long(seconds % 2 ** 32)])
  const mac = macOf(zone.key, message, { time, fudge: FUDGE, error: 0, other: Buffer.alloc(0) })
  const tail = Buffer.concat([time, short(FUDGE), short(mac.length), mac, short(id), short(0), short(0)])
  const signature = Buffer.concat([nameOf(zone.key.algorithm), tail])
  message.writeUInt16BE(1, 10)
  const whole = [message, nameOf(zone.key.name), short(TSIG), short(ANY), long(0), short(signature.length), signature]
  const answer = await exchanged(zone, Buffer.concat(whole), at, io)
  mustTake(answer, { id, mac, zone, at })
}

const short = (value: number): Buffer => Buffer.of((value >> 8) & 0xff, value & 0xff)
const long = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

/** In lower case, as it is signed. */
const nameOf = (name: string): Buffer =>
  Buffer.concat([
    ...name
      .toLowerCase()
      .replace(/\.$/, '')
      .split('.')
      .map((label) => Buffer.concat([Buffer.of(label.length), Buffer.from(label, 'latin1')])),
    Buffer.of(0),
  ])

type Signing = { readonly time: Buffer; readonly fudge: number; readonly error: number; readonly other: Buffer }

function macOf(key: DnsZone['key'], message: Buffer, { time, fudge, error, other }: Signing, before?: Buffer): Buffer {
  const hmac = createHmac(key.algorithm.slice('hmac-'.length), key.secret)
  if (before) hmac.update(short(before.length)).update(before)
  hmac.update(message).update(nameOf(key.name)).update(short(ANY)).update(long(0)).update(nameOf(key.algorithm))
  return hmac.update(time).update(short(fudge)).update(short(error)).update(short(other.length)).update(other).digest()
}

async function exchanged({ host, port }: DnsZone, message: Buffer, at: string, io: Io): Promise<Buffer> {
  const socket = connect({ host: await io.resolve(host, port), port })
  try {
    return await within(
      io,
      at,
      () => void socket.destroy(),
      () =>
        new Promise<Buffer>((resolve, reject) => {
          let received: Buffer = Buffer.alloc(0)
          socket.on('error', reject)
          socket.on('close', () =>
            reject(new RotatorError('unreachable', `No answer from ${at}: it ended the connection.`)),
          )
          socket.on('data', (piece: Buffer) => {
            received = Buffer.concat([received, piece])
            if (received.length >= 2 && received.length >= 2 + received.readUInt16BE()) resolve(received.subarray(2))
            else if (received.length > ANSWER_BYTES_MAX) socket.destroy()
          })
          socket.write(Buffer.concat([short(message.length), message]))
        }),
    )
  } catch (error) {
    throw connectionError(error, at, { handshaking: false }) ?? error
  } finally {
    socket.destroy()
  }
}

type Sent = { readonly id: number; readonly mac: Buffer; readonly zone: DnsZone; readonly at: string }

function mustTake(answer: Buffer, { id, mac, zone, at }: Sent): void {
  let signing: ReturnType<typeof signatureOf>
  try {
    signing = signatureOf(answer)
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
  }
  if (answer.length < HEADER_BYTES || answer.readUInt16BE() !== id || (answer[2]! & 0xf8) !== 0xa8) {
    throw new RotatorError('other', `${at} does not answer as a DNS server.`)
  }
  const code = answer[3]! & 0x0f
  const unsigned: string | undefined = UNSIGNED[(signing?.error ?? 0) as keyof typeof UNSIGNED]
  const told: string = unsigned ?? (REFUSALS[code] || `code ${code}`)
  if (code !== 0) {
    const message = `${at} does not change ${zone.zone}: ${told}.`
    throw new RotatorError(told === 'SERVFAIL' ? 'unreachable' : 'permission', message)
  }
  // Whoever can answer in its place could say that it was done.
  const expected = signing && macOf(zone.key, signing.message, signing, mac)
  if (!expected || expected.length !== signing?.mac.length || !timingSafeEqual(expected, signing.mac)) {
    throw new RotatorError('other', `The answer of ${at} is not signed with the key.`)
  }
}

/** The TSIG record that an answer ends with, and the message as it was signed. @throws RangeError where it is cut off */
function signatureOf(answer: Buffer): (Signing & { readonly message: Buffer; readonly mac: Buffer }) | undefined {
  const counts = [4, 6, 8, 10].map((at) => answer.readUInt16BE(at)) as [number, number, number, number]
  let at = HEADER_BYTES
  const skipName = (): void => {
    for (;;) {
      const size = answer.readUInt8(at)
      at += size >= 0xc0 ? 2 : 1 + size
      if (size === 0 || size >= 0xc0) return
    }
  }
  for (let left = counts[0]; left > 0; left--) {
    skipName()
    at += 4
  }
  const records = counts[1] + counts[2] + counts[3]
  for (let left = records; left > 0; left--) {
    const start = at
    skipName()
    const type = answer.readUInt16BE(at)
    const end = at + 10 + answer.readUInt16BE(at + 8)
    at += 10
    if (left > 1 || type !== TSIG) {
      at = end
      continue
    }
    skipName()
    const time = answer.subarray(at, at + 6)
    const fudge = answer.readUInt16BE(at + 6)
    const size = answer.readUInt16BE(at + 8)
    const mac = answer.subarray(at + 10, at + 10 + size)
    at += 10 + size
    const [id, error, length] = [0, 2, 4].map((offset) => answer.readUInt16BE(at + offset)) as [number, number, number]
    const other = answer.subarray(at + 6, at + 6 + length)
    const message = Buffer.from(answer.subarray(0, start))
    message.writeUInt16BE(id)
    message.writeUInt16BE(counts[3] - 1, 10)
    return { time, fudge, error, other, mac, message }
  }
  return undefined
}
