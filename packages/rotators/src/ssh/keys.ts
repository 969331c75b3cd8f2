// SSH keys as OpenSSH writes them: public keys, and private keys without a passphrase.
// https://www.rfc-editor.org/rfc/rfc4253#section-6.6 https://github.com/openssh/openssh-portable/blob/master/PROTOCOL.key

import { createHash, createPrivateKey, createPublicKey, type JsonWebKeyInput, type KeyObject } from 'node:crypto'
import { RotatorError } from '../errors.ts'
import { SshReader, sshMpint, sshString, sshUint32 } from './wire.ts'

type Jwk = JsonWebKeyInput['key']

export type SshKey = {
  readonly privateKey: KeyObject
  /** `ssh-ed25519` */
  readonly type: string
  /** The public key as the wire has it. */
  readonly blob: Buffer
}

const CURVES = [
  { crv: 'P-256', name: 'nistp256', bytes: 32 },
  { crv: 'P-384', name: 'nistp384', bytes: 48 },
  { crv: 'P-521', name: 'nistp521', bytes: 66 },
] as const

const MAGIC = Buffer.from('openssh-key-v1\0')
const LABEL = 'OPENSSH PRIVATE KEY'
const LINE = 70
/** Of the cipher `none`. */
const BLOCK = 8
const TEXT_MAX = 16_384
/** Nothing else is done while a key signs: with twice as many bits it is seconds. */
const RSA_BITS_MAX = 8_192

const notAKey = () =>
  new RotatorError('secret', 'The member privateKey is not an Ed25519, ECDSA or RSA key in PEM or OpenSSH format.')

/** @throws RotatorError `secret` for a kind of key that SSH does not know */
export function sshKeyOf(privateKey: KeyObject): SshKey {
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' })
  if (jwk.kty === 'RSA') return made(privateKey, 'ssh-rsa', sshMpint(decoded(jwk.e)), sshMpint(decoded(jwk.n)))
  if (jwk.crv === 'Ed25519') return made(privateKey, 'ssh-ed25519', sshString(decoded(jwk.x)))
  const curve = CURVES.find(({ crv }) => crv === jwk.crv)
  if (curve === undefined) throw notAKey()
  return made(privateKey, `ecdsa-sha2-${curve.name}`, sshString(curve.name), sshString(pointOf(jwk)))
}

const made = (privateKey: KeyObject, type: string, ...parts: readonly Buffer[]): SshKey => ({
  privateKey,
  type,
  blob: Buffer.concat([sshString(type), ...parts]),
})

const decoded = (text: string | undefined): Buffer => Buffer.from(text ?? '', 'base64url')
const pointOf = ({ x, y }: Jwk): Buffer => Buffer.concat([Buffer.of(4), decoded(x), decoded(y)])

/** As `.pub` files have it, without a comment. */
export const publicLineOf = ({ type, blob }: Pick<SshKey, 'type' | 'blob'>): string =>
  `${type} ${blob.toString('base64')}`

/** The key among the words of a line of `.pub`, `authorized_keys` or `known_hosts`. */
export function readPublicKey(words: readonly string[]): Pick<SshKey, 'type' | 'blob'> | undefined {
  for (const [at, type] of words.entries()) {
    const blob = Buffer.from(words[at + 1] ?? '', 'base64')
    // The blob names its type itself: nothing else that looks like a key is one.
    if (blob.subarray(0, 4 + type.length).equals(sshString(type)) && blob.length > 4 + type.length)
      return { type, blob }
  }
  return undefined
}

/** As `ssh-keygen -l` prints it. */
export const fingerprintOf = ({ blob }: Pick<SshKey, 'blob'>): string =>
  `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`

/**
 * What `ssh -i` reads.
 * @param check 4 random bytes, which the format has twice
 */
export function openSshPrivateKey({ privateKey, type, blob }: SshKey, comment: string, check: Buffer): string {
  const jwk = privateKey.export({ format: 'jwk' })
  const fields =
    jwk.kty === 'RSA'
      ? [jwk.n, jwk.e, jwk.d, jwk.qi, jwk.p, jwk.q].map((number) => sshMpint(decoded(number)))
      : [
          blob.subarray(4 + type.length),
          jwk.crv === 'Ed25519' ? sshString(Buffer.concat([decoded(jwk.d), decoded(jwk.x)])) : sshMpint(decoded(jwk.d)),
        ]
  const content = Buffer.concat([check, check, sshString(type), ...fields, sshString(comment)])
  const padding = Buffer.from(Array.from({ length: (BLOCK - (content.length % BLOCK)) % BLOCK }, (_, at) => at + 1))
  const file = Buffer.concat([
    MAGIC,
    ...[sshString('none'), sshString('none'), sshString(''), sshUint32(1)],
    ...[sshString(blob), sshString(Buffer.concat([content, padding]))],
  ])
  const lines = file.toString('base64').match(new RegExp(`.{1,${LINE}}`, 'g')) ?? []
  return `-----BEGIN ${LABEL}-----\n${lines.join('\n')}\n-----END ${LABEL}-----\n`
}

/** Of OpenSSH's format, or PEM that OpenSSL reads. @throws RotatorError `secret`, without a word of what it read */
export function readPrivateKey(text: unknown): SshKey {
  if (typeof text !== 'string' || text.length > TEXT_MAX) throw notAKey()
  try {
    const base64 = new RegExp(`^\\s*-----BEGIN ${LABEL}-----([A-Za-z0-9+/=\\s]+)-----END ${LABEL}-----\\s*$`).exec(text)
    const key = base64 ? readOpenSsh(Buffer.from(base64[1]!, 'base64')) : createPrivateKey(text)
    if ((key.asymmetricKeyDetails?.modulusLength ?? 0) > RSA_BITS_MAX)
      throw new RotatorError('secret', `The member privateKey is an RSA key of more than ${RSA_BITS_MAX} bits.`)
    return sshKeyOf(key)
  } catch (error) {
    if (error instanceof RotatorError) throw error
    // Not with its cause, which may quote the key.
    throw notAKey()
  }
}

function readOpenSsh(file: Buffer): KeyObject {
  const outer = new SshReader(file)
  if (!outer.take(MAGIC.length).equals(MAGIC)) throw notAKey()
  const cipher = outer.text()
  if (cipher !== 'none') {
    throw new RotatorError('secret', 'The member privateKey has a passphrase: ssh-keygen -p takes it away.')
  }
  outer.string() // the derivation of keys from passphrases, and its parameters
  outer.string()
  if (outer.uint32() !== 1) throw notAKey()
  outer.string()
  const inner = new SshReader(outer.string())
  const [check, again] = [inner.uint32(), inner.uint32()]
  if (check !== again) throw notAKey()
  return createPrivateKey({ key: readFields(inner.text(), inner), format: 'jwk' })
}

function readFields(type: string, reader: SshReader): Jwk {
  const number = (size = 0): string => {
    const bytes = reader.string()
    const digits = bytes.subarray(bytes.findIndex((byte) => byte !== 0))
    return Buffer.concat([Buffer.alloc(Math.max(0, size - digits.length)), digits]).toString('base64url')
  }
  if (type === 'ssh-ed25519') {
    const x = reader.string().toString('base64url')
    return { kty: 'OKP', crv: 'Ed25519', x, d: reader.string().subarray(0, 32).toString('base64url') }
  }
  if (type === 'ssh-rsa') {
    const [n, e, d, qi, p, q] = [number(), number(), number(), number(), number(), number()]
    const [dp, dq] = [remainder(d, p), remainder(d, q)]
    return { kty: 'RSA', n, e, d, p, q, qi, dp, dq }
  }
  const curve = CURVES.find(({ name }) => type === `ecdsa-sha2-${name}`)
  if (curve === undefined || reader.text() !== curve.name) throw notAKey()
  const point = reader.string().subarray(1)
  const [x, y] = [point.subarray(0, curve.bytes), point.subarray(curve.bytes)].map((part) => part.toString('base64url'))
  return { kty: 'EC', crv: curve.crv, x: x!, y: y!, d: number(curve.bytes) }
}

/** Of a private exponent by a prime less one, which OpenSSH's format leaves out. */
function remainder(exponent: string, prime: string): string {
  const [one, other] = [exponent, prime].map((text) => BigInt(`0x${decoded(text).toString('hex')}`)) as [bigint, bigint]
  const hex = (one % (other - 1n)).toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url')
}
