// Key pairs that sign tokens, with the set of public keys that verifies them. Every key is in the set for a whole rotation before it signs, and
// for one or more after it: no verifier meets a token whose key it could not know.
// docs/rotators.md#key-pairs-that-sign-tokens

import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto'
import type { JWK } from 'jose'
import { RotatorError } from '../errors.ts'
import type { Finding, Io, PendingRun, PrivateKeySpec, Rotator, Run, SecretValue } from '../rotator.ts'

/** Loaded when it is used, so that a server starts quickly. */
const loadJose = () => import('jose')

/** https://www.rfc-editor.org/rfc/rfc7518#section-3.1, https://www.rfc-editor.org/rfc/rfc8037#section-3.1 */
const ALGORITHMS = {
  RS256: { type: 'rsa' },
  PS256: { type: 'rsa' },
  ES256: { type: 'ec', curve: 'prime256v1', spec: 'ECC_NIST_P256' },
  ES384: { type: 'ec', curve: 'secp384r1', spec: 'ECC_NIST_P384' },
  ES512: { type: 'ec', curve: 'secp521r1', spec: 'ECC_NIST_P521' },
  EdDSA: { type: 'ed25519', spec: 'ECC_NIST_EDWARDS25519' },
} as const
type Algorithm = keyof typeof ALGORITHMS
type AlgorithmFacts = { readonly type: string; readonly curve?: string; readonly spec?: PrivateKeySpec }

const RSA = { '2048': 'RSA_2048', '3072': 'RSA_3072', '4096': 'RSA_4096' } as const
const RSA_BITS_MIN = 2048
/** What takes seconds to sign holds up others. */
const RSA_BITS_MAX = 8192
const PEM_MAX = 16_384
const PREVIOUS_MAX = 8
/** The current key, the next one, and those of before. */
const KEYS_MAX = 2 + PREVIOUS_MAX

const ALG = 'alg'
const MODULUS = 'modulusLength'
const PREVIOUS = 'previousKeys'
const PUBLISH = 'publish'

export const keyPair: Rotator = {
  name: 'key-pair',
  title: 'Key pair that signs tokens, with its JWKS: each key is known before it signs, and after',
  strategy: 'dual',
  verified: true,
  verifiedBy: 'jose, as whoever verifies',
  members: [
    { name: 'privateKey', required: false, about: 'PEM of PKCS #8; made by the first rotation where it is absent.' },
    { name: 'publicKey', required: false, about: 'Its public half, PEM of SubjectPublicKeyInfo; written.' },
    { name: 'kid', required: false, about: 'Its thumbprint by RFC 7638; written.' },
    { name: 'alg', required: false, about: `What it signs with: ${Object.keys(ALGORITHMS).join(', ')}; written.` },
    { name: 'nextPrivateKey', required: false, about: 'The private key of the next rotation; written.' },
    {
      name: 'jwks',
      required: false,
      about: 'Public keys: the current one, the next one, and those of before; written.',
    },
  ],
  options: [
    { name: ALG, required: false, about: 'Of keys that are made; as the current one, or ES256.' },
    {
      name: MODULUS,
      required: false,
      about: 'Of RSA keys that are made: 2048, 3072 or 4096; 3072 where it is absent.',
    },
    {
      name: PREVIOUS,
      required: false,
      about: `Keys of before that stay in jwks: 1 to ${PREVIOUS_MAX}, 1 where absent.`,
    },
    { name: PUBLISH, required: false, about: 'true: jwks of AWSCURRENT is shown to anybody, without a signature.' },
  ],
  master: 'unused',

  check(value, options) {
    readOptions(options)
    readPrivate(value, 'privateKey')
    readPrivate(value, 'nextPrivateKey')
    readSet(value)
    return {}
  },

  async create(run, io) {
    const { previousMax } = readOptions(run.options)
    const current = await readCurrent(run.current)
    const next = readPrivate(run.current, 'nextPrivateKey')
    const known = readSet(run.current)
    const signs = next === undefined ? await generate(run, io) : await signerOf(next, run, known)
    const follows = await generate(run, io)
    const before = [...(current === undefined ? [] : [current.jwk]), ...known]
    const first = [signs.jwk, follows.jwk]
    const others = distinct(before).filter(({ kid }) => first.every((one) => one.kid !== kid))
    const publicKey = createPublicKey(signs.key).export({ type: 'spki', format: 'pem' })
    return {
      ...run.current,
      alg: signs.jwk.alg,
      kid: signs.jwk.kid,
      privateKey: pemOf(signs.key),
      publicKey,
      nextPrivateKey: pemOf(follows.key),
      jwks: { keys: [...first, ...others.slice(0, previousMax)] },
    }
  },

  // A key pair is nowhere but in the secret.
  async set() {},

  async test(run, io) {
    const pending = await readCurrent(run.pending)
    if (pending === undefined) throw unfit('privateKey is missing')
    const { alg, kid } = pending.jwk
    const { CompactSign, compactVerify, createLocalJWKSet } = await loadJose()
    const payload = io.randomBytes(32)
    const signing = new CompactSign(payload).setProtectedHeader({ alg, kid }).sign(pending.key)
    const signed = await signing.catch(() => {
      throw unfit('privateKey does not sign')
    })
    const verified = await compactVerify(signed, createLocalJWKSet({ keys: [...readSet(run.pending)] })).catch(
      () => undefined,
    )
    if (verified === undefined || !payload.equals(verified.payload)) {
      throw new RotatorError('secret', 'What the pending key signs is not verified by jwks of the pending version.')
    }
  },

  settle: async (run) => [await lookBack(run)],

  async dryRun(run) {
    try {
      const current = await readCurrent(run.current)
      const isKnown = readPrivate(run.current, 'nextPrivateKey') !== undefined
      const { alg } = wanted(run)
      return [
        { level: 'ok', message: current ? `The current key signs with ${current.jwk.alg}.` : 'There is no key yet.' },
        { level: 'ok', message: `The key that is made signs with ${alg}, from the rotation after the next one on.` },
        isKnown
          ? { level: 'ok', message: 'The next key is in jwks already.' }
          : { level: 'warning', message: 'The first rotation makes a key that no verifier has seen before.' },
      ]
    } catch (error) {
      if (!(error instanceof RotatorError)) throw error
      return [{ level: 'problem', message: error.message }]
    }
  },

  published(value, options) {
    const keys = readOptions(options).publishes ? readSet(value) : []
    return keys.length === 0 ? undefined : JSON.stringify({ keys })
  },
}

const unfit = (what: string) => new RotatorError('secret', `The secret does not fit this rotator: ${what}.`)

const isAlgorithm = (text: unknown): text is Algorithm => typeof text === 'string' && Object.hasOwn(ALGORITHMS, text)

/** @throws RotatorError `secret` */
function readOptions(options: Run['options']) {
  const { [ALG]: alg, [MODULUS]: modulus = '3072', [PREVIOUS]: previous = '1', [PUBLISH]: publish = 'false' } = options
  const wrong = (option: string, what: string) => new RotatorError('secret', `The option ${option} is ${what}.`)
  if (alg !== undefined && !isAlgorithm(alg)) throw wrong(ALG, `none of ${Object.keys(ALGORITHMS).join(', ')}`)
  if (!Object.hasOwn(RSA, modulus)) throw wrong(MODULUS, `none of ${Object.keys(RSA).join(', ')}`)
  if (!/^[1-9]$/.test(previous) || Number(previous) > PREVIOUS_MAX) {
    throw wrong(PREVIOUS, `not a number from 1 to ${PREVIOUS_MAX}`)
  }
  if (publish !== 'true' && publish !== 'false') throw wrong(PUBLISH, 'neither true nor false')
  const rsa = RSA[modulus as keyof typeof RSA]
  return { alg, rsa, previousMax: Number(previous), publishes: publish === 'true' }
}

type PublicJwk = JWK & { readonly kid: string; readonly alg: Algorithm; readonly use: 'sig' }
type Signer = { readonly key: KeyObject; readonly jwk: PublicJwk }

/** Of a key that is made now: what is asked for, else what the current key has. */
function wanted(run: Pick<Run, 'current' | 'options'>): { readonly alg: Algorithm; readonly spec: PrivateKeySpec } {
  const { alg: asked, rsa } = readOptions(run.options)
  const key = readPrivate(run.current, 'privateKey')
  const alg = asked ?? (key === undefined ? 'ES256' : algorithmOf(key, run.current.alg))
  const facts: AlgorithmFacts = ALGORITHMS[alg]
  return { alg, spec: facts.spec ?? rsa }
}

async function generate(run: Run, io: Io): Promise<Signer> {
  const { alg, spec } = wanted(run)
  return asSigner(await io.generatePrivateKey(spec), alg)
}

/** With the algorithm that verifiers were told. */
async function signerOf(key: KeyObject, run: Run, known: readonly PublicJwk[]): Promise<Signer> {
  const { kid } = (await asSigner(key, algorithmOf(key, undefined))).jwk
  return asSigner(key, algorithmOf(key, known.find((one) => one.kid === kid)?.alg ?? wanted(run).alg))
}

async function asSigner(key: KeyObject, alg: Algorithm): Promise<Signer> {
  const jwk = createPublicKey(key).export({ format: 'jwk' }) as JWK
  const { calculateJwkThumbprint } = await loadJose()
  const kid = await calculateJwkThumbprint(jwk, 'sha256')
  return { key, jwk: { ...jwk, kid, alg, use: 'sig' } }
}

/** The key that signs; undefined where there is none yet. @throws RotatorError `secret` */
async function readCurrent(value: SecretValue): Promise<Signer | undefined> {
  const key = readPrivate(value, 'privateKey')
  return key && asSigner(key, algorithmOf(key, value.alg))
}

/** @throws RotatorError `secret`, naming the member */
function readPrivate(value: SecretValue, member: 'privateKey' | 'nextPrivateKey'): KeyObject | undefined {
  const pem = value[member]
  if (pem === undefined || pem === '') return undefined
  if (typeof pem !== 'string' || pem.length > PEM_MAX) throw unfit(`${member} is not PEM`)
  let key: KeyObject
  try {
    key = createPrivateKey(pem)
  } catch {
    // Not with its cause, which may quote what it could not read.
    throw unfit(`${member} is not the PEM of a private key without a passphrase`)
  }
  if (Object.keys(ALGORITHMS).every((alg) => !fits(key, alg as Algorithm))) {
    throw unfit(
      `${member} is neither RSA of ${RSA_BITS_MIN} to ${RSA_BITS_MAX} bits, nor of P-256, P-384 or P-521, nor Ed25519`,
    )
  }
  return key
}

function fits({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject, alg: Algorithm): boolean {
  const { type, curve }: AlgorithmFacts = ALGORITHMS[alg]
  if (asymmetricKeyType !== type) return false
  const bits = asymmetricKeyDetails?.modulusLength ?? 0
  if (type === 'rsa') return bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX
  return curve === undefined || asymmetricKeyDetails?.namedCurve === curve
}

/** The algorithm that is said, where it fits the key, and else the first that does. @throws RotatorError `secret` */
function algorithmOf(key: KeyObject, said: unknown): Algorithm {
  if (isAlgorithm(said) && fits(key, said)) return said
  return (Object.keys(ALGORITHMS) as Algorithm[]).find((alg) => fits(key, alg))!
}

/** The public halves in `jwks`, whatever else stands there. @throws RotatorError `secret` */
function readSet({ jwks }: SecretValue): readonly PublicJwk[] {
  if (jwks === undefined || jwks === '') return []
  const keys = typeof jwks === 'object' && jwks !== null && 'keys' in jwks ? jwks.keys : undefined
  if (!Array.isArray(keys) || keys.length > KEYS_MAX) throw unfit(`jwks is not a set of at most ${KEYS_MAX} keys`)
  return keys.map((given: JWK) => {
    let key: KeyObject
    try {
      key = createPublicKey({ key: given, format: 'jwk' })
    } catch {
      throw unfit('jwks has something else than a public key')
    }
    const { kid, alg } = given
    if (typeof kid !== 'string' || !/^[\x21-\x7e]{1,128}$/.test(kid) || !isAlgorithm(alg) || !fits(key, alg)) {
      throw unfit('jwks has a key without kid and alg')
    }
    return { ...(key.export({ format: 'jwk' }) as JWK), kid, alg, use: 'sig' }
  })
}

const distinct = (keys: readonly PublicJwk[]): readonly PublicJwk[] =>
  keys.filter(({ kid }, at) => keys.findIndex((other) => other.kid === kid) === at)

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

/** Whether verifiers could know the key before it signs, and still know the one of before. */
async function lookBack({ current, pending }: PendingRun): Promise<Finding> {
  const before = await readCurrent(current)
  const kids = readSet(pending).map(({ kid }) => kid)
  if (before && !kids.includes(before.jwk.kid)) {
    return { level: 'problem', message: 'The previous key is not in jwks: what it signed is verified no more.' }
  }
  if (!readSet(current).some(({ kid }) => kid === pending.kid)) {
    return { level: 'warning', message: 'The key was in no jwks before it signs: verifiers have to read it anew.' }
  }
  return { level: 'ok', message: 'The previous key is in jwks, and the new one was before it signs.' }
}
