// Root keys: where each comes from, and how it wraps the keyring key. A provider hands out no key, so that one whose key never leaves
// its device fits the same type. Nothing here is held longer than one call, but the key from the environment, which cannot be read again.

import { createSecretKey, type KeyObject } from 'node:crypto'
import { constants } from 'node:fs'
import { type FileHandle, link, lstat, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { decrypt, encrypt, IV_BYTES, KEY_BYTES, systemRandomBytes, TAG_BYTES } from '../crypto/aead.ts'
import { deriveKey } from '../crypto/kbkdf.ts'
import { hmacSha256, sameBytes } from '../crypto/mac.ts'
import { RootKeyError } from './errors.ts'
import type { RootKeyKind, ShareSet, Slot, SlotBinding } from './keyring-format.ts'

export type Wrapped = Pick<Slot, 'check' | 'wrapped'>

export type RootKeyProvider = {
  readonly kind: RootKeyKind
  /** For people: a path, or the name of a variable. */
  readonly where: string
  /** Of `shamir`. */
  readonly shareSet?: ShareSet
  /**
   * There where the key is in a device or another server, which is asked only at a start and when slots change, and only for slots of
   * its own kind: the slots it opened, as `slotName` names them.
   */
  readonly opened?: Set<string>
  /** @throws RootKeyError where the key cannot be had. */
  wrap(keyringKey: Uint8Array, binding: SlotBinding): Promise<Wrapped>
  /** The keyring key, which the caller zeroes; or why not. @throws RootKeyError where the key cannot be had. */
  unwrap(slot: Wrapped, binding: SlotBinding): Promise<Buffer | 'other-key' | 'damaged'>
  /** What an operator should know about this place. */
  warnings(): Promise<readonly string[]>
}

/** The only kind that the server itself can write: it makes the first key, and the next one at a rotation. */
export type FileRootKeyProvider = RootKeyProvider & {
  readonly kind: 'file'
  /** Makes the key where there is none. Durable when it resolves; a crash leaves the whole key or nothing. */
  create(): Promise<void>
  /** The next key, in a file beside: itself a place of a key, durable. Undefined where none was prepared. */
  findNext(): Promise<RootKeyProvider | undefined>
  prepareNext(): Promise<RootKeyProvider>
  discardNext(): Promise<void>
  /** The next key takes the place of this one, in one step. */
  promoteNext(): Promise<void>
}

type RandomBytes = (size: number) => Uint8Array

const WRAP_LABEL = 'root/wrap/1'
const CHECK_LABEL = 'root/check/1'

/** No key file is longer; what is, is not one. */
const FILE_BYTES_MAX = 1024

/**
 * `file`: 0600, owned by the server's user, no symbolic link. Where the key was about to be replaced when the server died, the next
 * one (`.new`) is tried too.
 */
export function fileRootKey(path: string, randomBytes: RandomBytes): FileRootKeyProvider {
  const next = `${path}.new`
  const nextProvider = rawProvider('file', next, () => readPrivateFile(next))
  const current = rawProvider('file', path, () => readPrivateFile(path))

  return {
    ...current,
    kind: 'file',
    unwrap: async (slot, binding) => {
      const outcome = await current.unwrap(slot, binding)
      if (outcome !== 'other-key' || !(await exists(next))) return outcome
      return nextProvider.unwrap(slot, binding)
    },
    warnings: async () => [
      `whoever reads both ${path} and the database reads every secret: keep the key out of backups of the database`,
      ...((await exists(next)) ? [`${next} is left over from a rotation that did not finish: rotate again`] : []),
    ],
    create: async () => {
      if (!(await exists(path))) await writeKeyFile(path, randomBytes)
      await readPrivateFile(path)
    },
    findNext: async () => ((await exists(next)) ? nextProvider : undefined),
    prepareNext: async () => {
      await writeKeyFile(next, randomBytes)
      return nextProvider
    },
    discardNext: async () => {
      await unlink(next)
      await syncDirectory(dirname(path))
    },
    promoteNext: async () => {
      await rename(next, path)
      await syncDirectory(dirname(path))
    },
  }
}

/**
 * `credential`: a file that systemd (`$CREDENTIALS_DIRECTORY`), Docker or Kubernetes put there. They link and group as they please, so
 * symbolic links and group reading are allowed; writing by others is not.
 */
export function credentialRootKey(path: string): RootKeyProvider {
  return rawProvider('credential', path, () => readMountedFile(path))
}

/** `env`: `take` returns the value of variable `name` and removes it. Taken at once. */
export function envRootKey(name: string, take: () => string | undefined): RootKeyProvider {
  const text = take()
  if (text === undefined || text === '') throw new RootKeyError(`the root key is missing: ${name} is not set`)
  const key = parseRootKey(Buffer.from(text), name)
  return {
    ...rawProvider('env', name, () => Promise.resolve(key)),
    warnings: () => Promise.resolve([`a root key in ${name} can be read from /proc and by whatever starts the server`]),
  }
}

/** Where this process holds or reads the key itself. */
export function rawProvider(kind: RootKeyKind, where: string, read: () => Promise<KeyObject>): RootKeyProvider {
  return {
    kind,
    where,
    wrap: async (keyringKey, binding) => wrapUnder(await read(), keyringKey, binding),
    unwrap: async (slot, binding) => unwrapUnder(await read(), slot, binding),
    warnings: () => Promise.resolve([]),
  }
}

/** `wrapped = IV ‖ ciphertext ‖ tag` under a key of its own purpose; `check` tells whose slot it is without opening it. */
function wrapUnder(rootKey: KeyObject, keyringKey: Uint8Array, { bytes }: SlotBinding): Wrapped {
  const iv = systemRandomBytes(IV_BYTES)
  const sealed = encrypt(deriveKey(rootKey, WRAP_LABEL, bytes), iv, keyringKey, bytes)
  return { check: checkOf(rootKey, bytes), wrapped: Buffer.concat([iv, sealed]) }
}

function unwrapUnder(rootKey: KeyObject, slot: Wrapped, { bytes }: SlotBinding): Buffer | 'other-key' | 'damaged' {
  if (!sameBytes(checkOf(rootKey, bytes), slot.check)) return 'other-key'
  if (slot.wrapped.length !== IV_BYTES + KEY_BYTES + TAG_BYTES) return 'damaged'
  const iv = slot.wrapped.subarray(0, IV_BYTES)
  return decrypt(deriveKey(rootKey, WRAP_LABEL, bytes), iv, slot.wrapped.subarray(IV_BYTES), bytes) ?? 'damaged'
}

const checkOf = (rootKey: KeyObject, bytes: Uint8Array): Buffer =>
  hmacSha256(deriveKey(rootKey, CHECK_LABEL, new Uint8Array()), bytes)

/** 32 raw bytes, or their base64 or hexadecimal on one line. Zeroes `bytes`. */
function parseRootKey(bytes: Buffer, where: string): KeyObject {
  const text = bytes.length === KEY_BYTES ? '' : bytes.toString('latin1').trim()
  let raw: Buffer
  if (bytes.length === KEY_BYTES) raw = Buffer.from(bytes)
  else if (/^[0-9a-fA-F]{64}$/.test(text)) raw = Buffer.from(text, 'hex')
  else if (/^[A-Za-z0-9+/]{43}=$/.test(text)) raw = Buffer.from(text, 'base64')
  else {
    bytes.fill(0)
    throw new RootKeyError(`the root key in ${where} is not 32 bytes, raw or in base64 or hexadecimal`)
  }
  bytes.fill(0)
  try {
    // Random bytes are never all printable, nor all the same: such a key is a password, or a placeholder.
    if (raw.every((byte) => byte >= 0x20 && byte < 0x7f) || raw.every((byte) => byte === raw[0]))
      throw new RootKeyError(`the root key in ${where} is not random: make one with "openssl rand -base64 32"`)
    return createSecretKey(raw)
  } finally {
    raw.fill(0)
  }
}

async function readPrivateFile(path: string): Promise<KeyObject> {
  const file = await openToRead(path, constants.O_NOFOLLOW)
  try {
    const { mode, uid } = await statOf(file, path)
    if (uid !== process.geteuid?.())
      throw new RootKeyError(`the root key file ${path} belongs to another user: chown it to the user of the server`)
    if ((mode & 0o077) !== 0)
      throw new RootKeyError(`the root key file ${path} is open to others (mode ${octal(mode)}): chmod 600 it`)
    return parseRootKey(await readAll(file, path), path)
  } finally {
    await file.close()
  }
}

async function readMountedFile(path: string): Promise<KeyObject> {
  const file = await openToRead(path, 0)
  try {
    const { mode, uid } = await statOf(file, path)
    if (uid !== process.geteuid?.() && uid !== 0)
      throw new RootKeyError(`the root key credential ${path} belongs to neither root nor the user of the server`)
    if ((mode & 0o022) !== 0)
      throw new RootKeyError(`the root key credential ${path} can be written by others (mode ${octal(mode)})`)
    return parseRootKey(await readAll(file, path), path)
  } finally {
    await file.close()
  }
}

async function openToRead(path: string, flags: number): Promise<FileHandle> {
  try {
    // O_NONBLOCK: a FIFO in its place must not hang the start.
    return await open(path, constants.O_RDONLY | constants.O_NONBLOCK | flags)
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') throw new RootKeyError(`the root key file ${path} is missing: put the key back`)
    if (code === 'ELOOP')
      throw new RootKeyError(`the root key file ${path} is a symbolic link: put the file itself there`)
    throw new RootKeyError(`the root key file ${path} cannot be read: ${code}`)
  }
}

async function statOf(file: FileHandle, path: string): Promise<{ readonly mode: number; readonly uid: number }> {
  const stat = await file.stat()
  if (!stat.isFile()) throw new RootKeyError(`the root key file ${path} is not a file`)
  if (stat.size > FILE_BYTES_MAX) throw new RootKeyError(`the root key file ${path} is too long for a root key`)
  return stat
}

async function readAll(file: FileHandle, path: string): Promise<Buffer> {
  const buffer = Buffer.allocUnsafeSlow(FILE_BYTES_MAX)
  const { bytesRead } = await file.read(buffer, 0, FILE_BYTES_MAX, 0)
  if (bytesRead === 0) throw new RootKeyError(`the root key file ${path} is empty`)
  return buffer.subarray(0, bytesRead)
}

/** Written aside, synced, then linked into place: the name never shows half a key, and never replaces one. */
async function writeKeyFile(path: string, randomBytes: RandomBytes): Promise<void> {
  const aside = `${path}.${Buffer.from(randomBytes(8)).toString('hex')}`
  try {
    await writeAside(aside, randomBytes)
    try {
      await link(aside, path)
    } catch (error) {
      // Where another process was first, its key is as good.
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    } finally {
      await unlink(aside)
    }
    await syncDirectory(dirname(path))
  } catch (error) {
    throw new RootKeyError(`the root key file ${path} cannot be written: ${(error as NodeJS.ErrnoException).code}`)
  }
}

async function writeAside(path: string, randomBytes: RandomBytes): Promise<void> {
  const { O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
  const file = await open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  const key = Buffer.from(randomBytes(KEY_BYTES))
  try {
    await file.chmod(0o600) // whatever the umask
    await file.writeFile(`${key.toString('base64')}\n`)
    await file.sync()
  } finally {
    key.fill(0)
    await file.close()
  }
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, constants.O_RDONLY)
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await lstat(path)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw new RootKeyError(`the root key file ${path} cannot be reached: ${(error as NodeJS.ErrnoException).code}`)
  }
}

const octal = (mode: number): string => (mode & 0o777).toString(8).padStart(4, '0')
