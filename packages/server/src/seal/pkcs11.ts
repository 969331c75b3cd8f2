// `pkcs11`: the keyring key is wrapped by an AES key of a hardware security module, or of any other PKCS#11 token, that never leaves it.
// It is asked at a start and when slots change, in a process of its own (pkcs11-device.ts) and in bounded time.

import { fork } from 'node:child_process'
import { hash } from 'node:crypto'
import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { IV_BYTES, KEY_BYTES, TAG_BYTES } from '../crypto/aead.ts'
import { RootKeyError } from './errors.ts'
import type { RootKeyProvider } from './root-key.ts'

export type Pkcs11Place = {
  /** Labels of the token and of its key. */
  readonly token: string
  readonly object: string
  /** The shared library that speaks to the token. */
  readonly modulePath: string
  /** A file with the PIN of the token's user; absent where `pin` is it. */
  readonly pinFile?: string
  readonly pin?: string
}

export type DeviceQuestion = {
  readonly module: string
  readonly token: string
  readonly object: string
  readonly pin: Uint8Array
  /** Whether to wrap or to unwrap. */
  readonly wrap: boolean
  readonly data: Uint8Array
  readonly aad: Uint8Array
}

export type DeviceAnswer =
  | { readonly data: Uint8Array }
  | { readonly otherKey: true }
  /** One line for the operator. */
  | { readonly problem: string }

const PATIENCE_MS = 30_000
const PIN_BYTES_MAX = 256

export function pkcs11RootKey(place: Pkcs11Place, patienceMs = PATIENCE_MS): RootKeyProvider {
  const { token, object, modulePath } = place
  const where = `key ${JSON.stringify(object)} of the token ${JSON.stringify(token)}`
  let refusedPin: { readonly digest: string; readonly problem: string } | undefined

  const askToken = async (wrap: boolean, data: Uint8Array, aad: Uint8Array): Promise<Buffer | 'other-key'> => {
    const pin = await readPin(place)
    const digest = hash('sha256', pin)
    // A token locks itself after a few wrong PINs: the same one is not tried twice.
    if (refusedPin?.digest === digest) throw new RootKeyError(refusedPin.problem)
    const answer = await askDevice({ module: modulePath, token, object, pin, wrap, data, aad }, patienceMs)
    pin.fill(0)
    if ('problem' in answer) {
      const problem = `${where}: ${answer.problem}`
      if (/CKR_PIN_/.test(problem)) refusedPin = { digest, problem }
      throw new RootKeyError(problem)
    }
    return 'otherKey' in answer ? 'other-key' : Buffer.from(answer.data)
  }

  return {
    kind: 'pkcs11',
    where,
    opened: new Set(),
    wrap: async (keyringKey, { bytes }) => {
      const wrapped = await askToken(true, keyringKey, bytes)
      // Some devices choose their own IV and say nothing of it: what they wrap does not open, which newSlot finds.
      if (wrapped === 'other-key' || wrapped.length !== IV_BYTES + KEY_BYTES + TAG_BYTES)
        throw new RootKeyError(`${where}: the token did not wrap the key as AES-GCM does`)
      return { check: new Uint8Array(), wrapped }
    },
    unwrap: async (slot, { bytes }) => {
      if (slot.wrapped.length !== IV_BYTES + KEY_BYTES + TAG_BYTES) return 'damaged'
      const key = await askToken(false, slot.wrapped, bytes)
      return key !== 'other-key' && key.length !== KEY_BYTES ? 'damaged' : key
    },
    warnings: async () => [],
  }
}

/** The answer of the device's own process, which is killed where it takes too long. */
function askDevice(question: DeviceQuestion, patienceMs: number): Promise<DeviceAnswer> {
  const child = fork(fileURLToPath(new URL('./pkcs11-device.ts', import.meta.url)), {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    execArgv: [...process.execArgv, '--disable-warning=ExperimentalWarning'],
  })
  const { promise, resolve } = Promise.withResolvers<DeviceAnswer>()
  const timer = setTimeout(() => {
    resolve({ problem: `the module did not answer within ${patienceMs / 1_000} seconds` })
    child.kill('SIGKILL')
  }, patienceMs)
  child.on('message', (answer: DeviceAnswer) => resolve(answer))
  child.on('error', (error) => resolve({ problem: `the module's process cannot be started: ${error.message}` }))
  child.on('exit', (code, signal) => resolve({ problem: `the module ended its process (${signal ?? code})` }))
  child.send(question, (error) => {
    if (error) resolve({ problem: `the module's process cannot be reached: ${error.message}` })
  })
  return promise.finally(() => clearTimeout(timer))
}

async function readPin({ pin, pinFile }: Pkcs11Place): Promise<Buffer> {
  if (pinFile === undefined) return Buffer.from(pin ?? '')
  const refuse = (why: string) => new RootKeyError(`the PIN file ${pinFile} ${why}`)
  const file = await open(pinFile, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: NodeJS.ErrnoException) => {
    throw refuse(`cannot be read: ${error.code}`)
  })
  try {
    const stat = await file.stat()
    if (!stat.isFile() || stat.size > PIN_BYTES_MAX) throw refuse('is no file with a PIN')
    if ((stat.mode & 0o027) !== 0) throw refuse('is open to others: chmod 600 it')
    const bytes = await file.readFile()
    const end = bytes.findLastIndex((byte) => byte !== 0x0a && byte !== 0x0d) + 1
    if (end === 0) throw refuse('is empty')
    return bytes.subarray(0, end)
  } finally {
    await file.close()
  }
}
