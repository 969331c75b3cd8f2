// A process of its own that asks a PKCS#11 module one thing and ends: wrap or unwrap a keyring key under an AES key that cannot leave its
// token. The module is foreign code that may hang or crash; here it does so alone. Started by pkcs11.ts, imported by nobody.
// https://docs.oasis-open.org/pkcs11/pkcs11-base/v2.40/os/pkcs11-base-v2.40-os.html

import { randomBytes } from 'node:crypto'
import { dlopen, getRawPointer } from 'node:ffi'
import { closeMemory } from '../memory.ts'
import type { DeviceAnswer, DeviceQuestion } from './pkcs11.ts'

// PKCS#11 2.40, appendix A and B. CK_ULONG has 8 bytes on the 64-bit systems that Node 26 is pinned for.
const CKF_SERIAL_SESSION = 4n
const CKU_USER = 1n
const CKO_SECRET_KEY = 4n
const CKK_AES = 0x1fn
const CKA = { CLASS: 0n, LABEL: 3n, KEY_TYPE: 0x100n, SENSITIVE: 0x103n, EXTRACTABLE: 0x162n } as const
const CKM_AES_GCM = 0x1087n
const CKR_USER_ALREADY_LOGGED_IN = 0x100n
const CKR: { readonly [code: string]: string } = {
  '0x5': 'CKR_GENERAL_ERROR',
  '0x30': 'CKR_DEVICE_ERROR',
  '0x40': 'CKR_ENCRYPTED_DATA_INVALID',
  '0x41': 'CKR_ENCRYPTED_DATA_LEN_RANGE',
  '0x68': 'CKR_KEY_FUNCTION_NOT_PERMITTED',
  '0x70': 'CKR_MECHANISM_INVALID',
  '0xa0': 'CKR_PIN_INCORRECT',
  '0xa2': 'CKR_PIN_LEN_RANGE',
  '0xa4': 'CKR_PIN_LOCKED',
  '0xe0': 'CKR_TOKEN_NOT_PRESENT',
}

const TOKENS_MAX = 64
const TOKEN_INFO_BYTES = 512
const IV_BYTES = 12
const TAG_BYTES = 16
const OUT_BYTES = 256

/** Off the heap of the runtime, so that its address stays. */
const place = (size: number): Buffer => Buffer.from(new ArrayBuffer(size))
const placed = (bytes: Uint8Array): Buffer => {
  const buffer = place(Math.max(1, bytes.length))
  buffer.set(bytes)
  return buffer
}
const ulongs = (...values: readonly bigint[]): Buffer => {
  const buffer = place(values.length * 8)
  for (const [index, value] of values.entries()) buffer.writeBigUInt64LE(value, index * 8)
  return buffer
}
const text = (value: string): Buffer => placed(Buffer.from(value))

const U64 = 'u64'

function load(path: string) {
  return dlopen(path, {
    C_Initialize: { arguments: [U64], return: U64 },
    C_Finalize: { arguments: [U64], return: U64 },
    C_GetSlotList: { arguments: ['u8', 'buffer', 'buffer'], return: U64 },
    C_GetTokenInfo: { arguments: [U64, 'buffer'], return: U64 },
    C_OpenSession: { arguments: [U64, U64, U64, U64, 'buffer'], return: U64 },
    C_CloseSession: { arguments: [U64], return: U64 },
    C_Login: { arguments: [U64, U64, 'buffer', U64], return: U64 },
    C_FindObjectsInit: { arguments: [U64, 'buffer', U64], return: U64 },
    C_FindObjects: { arguments: [U64, 'buffer', U64, 'buffer'], return: U64 },
    C_FindObjectsFinal: { arguments: [U64], return: U64 },
    C_GetAttributeValue: { arguments: [U64, U64, 'buffer', U64], return: U64 },
    C_EncryptInit: { arguments: [U64, 'buffer', U64], return: U64 },
    C_Encrypt: { arguments: [U64, 'buffer', U64, 'buffer', 'buffer'], return: U64 },
    C_DecryptInit: { arguments: [U64, 'buffer', U64], return: U64 },
    C_Decrypt: { arguments: [U64, 'buffer', U64, 'buffer', 'buffer'], return: U64 },
  }).functions
}

type Module = ReturnType<typeof load>

class DeviceError extends Error {}

const must = (function_: string, code: bigint): void => {
  if (code === 0n) return
  const name = `0x${code.toString(16)}`
  throw new DeviceError(`${function_} failed: ${CKR[name] ?? name}`)
}

function ask(question: DeviceQuestion): DeviceAnswer {
  let module: Module
  try {
    module = load(question.module)
  } catch (error) {
    throw new DeviceError(`the module ${question.module} cannot be loaded: ${(error as Error).message}`)
  }
  must('C_Initialize', module.C_Initialize(0n))
  const handle = place(8)
  must('C_OpenSession', module.C_OpenSession(findToken(module, question.token), CKF_SERIAL_SESSION, 0n, 0n, handle))
  const session = handle.readBigUInt64LE()
  const pin = placed(question.pin)
  const login = module.C_Login(session, CKU_USER, pin, BigInt(question.pin.length))
  pin.fill(0)
  if (login !== CKR_USER_ALREADY_LOGGED_IN) must('C_Login', login)
  const key = findKey(module, session, question.object)
  const answer = question.wrap ? wrap(module, session, key, question) : unwrap(module, session, key, question)
  module.C_CloseSession(session)
  module.C_Finalize(0n)
  return answer
}

/** The slot of the one token of that label. */
function findToken(module: Module, label: string): bigint {
  const count = ulongs(BigInt(TOKENS_MAX))
  const slots = place(TOKENS_MAX * 8)
  must('C_GetSlotList', module.C_GetSlotList(1, slots, count))
  const found: bigint[] = []
  for (let index = 0; index < Math.min(Number(count.readBigUInt64LE()), TOKENS_MAX); index++) {
    const slot = slots.readBigUInt64LE(index * 8)
    const info = place(TOKEN_INFO_BYTES)
    // A token that cannot be read is not the one.
    if (module.C_GetTokenInfo(slot, info) === 0n && info.toString('utf8', 0, 32).trimEnd() === label) found.push(slot)
  }
  if (found.length !== 1) throw new DeviceError(`${found.length || 'no'} token has the label ${JSON.stringify(label)}`)
  return found[0]!
}

/** CK_ATTRIBUTE: type, address and length of its value. */
const template = (...attributes: readonly (readonly [bigint, Buffer])[]): Buffer =>
  ulongs(...attributes.flatMap(([type, value]) => [type, getRawPointer(value), BigInt(value.length)]))

/** The one AES key of that label, which must not be able to leave the token. */
function findKey(module: Module, session: bigint, label: string): bigint {
  const wanted = [
    [CKA.CLASS, ulongs(CKO_SECRET_KEY)],
    [CKA.KEY_TYPE, ulongs(CKK_AES)],
    [CKA.LABEL, text(label)],
  ] as const
  must('C_FindObjectsInit', module.C_FindObjectsInit(session, template(...wanted), BigInt(wanted.length)))
  const [keys, count] = [place(16), place(8)]
  must('C_FindObjects', module.C_FindObjects(session, keys, 2n, count))
  must('C_FindObjectsFinal', module.C_FindObjectsFinal(session))
  const found = Number(count.readBigUInt64LE())
  if (found !== 1)
    throw new DeviceError(`${found === 0 ? 'no' : 'more than one'} AES key has the label ${JSON.stringify(label)}`)
  const key = keys.readBigUInt64LE()
  const [extractable, sensitive] = [placed(Uint8Array.of(1)), placed(Uint8Array.of(0))]
  const asked = template([CKA.EXTRACTABLE, extractable], [CKA.SENSITIVE, sensitive])
  must('C_GetAttributeValue', module.C_GetAttributeValue(session, key, asked, 2n))
  if (extractable[0] !== 0 || sensitive[0] !== 1)
    throw new DeviceError(
      `the key ${JSON.stringify(label)} can leave its token: make one that is sensitive and not extractable`,
    )
  return key
}

/** CK_MECHANISM over CK_GCM_PARAMS; `kept` holds what it points to, and is looked at after the call so that it lives until then. */
function gcm(iv: Uint8Array, aad: Uint8Array): { readonly mechanism: Buffer; readonly kept: readonly Buffer[] } {
  const [ivAt, aadAt] = [placed(iv), placed(aad)]
  const parameters = ulongs(
    getRawPointer(ivAt),
    BigInt(iv.length),
    BigInt(iv.length * 8),
    getRawPointer(aadAt),
    BigInt(aad.length),
    BigInt(TAG_BYTES * 8),
  )
  const mechanism = ulongs(CKM_AES_GCM, getRawPointer(parameters), BigInt(parameters.length))
  return { mechanism, kept: [ivAt, aadAt, parameters] }
}

function wrap(module: Module, session: bigint, key: bigint, { data, aad }: DeviceQuestion): DeviceAnswer {
  const iv = randomBytes(IV_BYTES)
  const { mechanism, kept } = gcm(iv, aad)
  must('C_EncryptInit', module.C_EncryptInit(session, mechanism, key))
  const [input, out, size] = [placed(data), place(OUT_BYTES), ulongs(BigInt(OUT_BYTES))]
  const code = module.C_Encrypt(session, input, BigInt(data.length), out, size)
  input.fill(0)
  must(kept.length > 0 ? 'C_Encrypt' : '', code)
  return { data: Buffer.concat([iv, outputOf(out, size)]) }
}

/** Whatever the reason, what does not decrypt is of another key. */
function unwrap(module: Module, session: bigint, key: bigint, { data, aad }: DeviceQuestion): DeviceAnswer {
  const { mechanism, kept } = gcm(data.subarray(0, IV_BYTES), aad)
  must('C_DecryptInit', module.C_DecryptInit(session, mechanism, key))
  const sealed = placed(data.subarray(IV_BYTES))
  const [out, size] = [place(OUT_BYTES), ulongs(BigInt(OUT_BYTES))]
  const code = module.C_Decrypt(session, sealed, BigInt(sealed.length), out, size)
  return code === 0n && kept.length > 0 ? { data: outputOf(out, size) } : { otherKey: true }
}

function outputOf(out: Buffer, size: Buffer): Buffer {
  const length = Number(size.readBigUInt64LE())
  if (length > OUT_BYTES) throw new DeviceError(`the module answered with ${length} bytes`)
  return out.subarray(0, length)
}

process.once('disconnect', () => process.exit(1))
process.once('message', (question: DeviceQuestion) => {
  const end = (answer: DeviceAnswer): void => {
    process.send?.(answer, () => process.exit(0))
  }
  closeMemory()
    .then(() => end(ask(question)))
    .catch((error: Error) => end({ problem: error.message }))
})
