// Values on disk, so that an application starts while the service is down: one file for each, AES-256-GCM, replaced whole. A file is bound to what
// it is of and to where it came from; one that was altered, moved, or is too old counts as none. It cannot be told that an older file
// of the same secret was put back, but by its age.

import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  hkdfSync,
  KeyObject,
  randomBytes,
} from 'node:crypto'
import { constants, type FileHandle, lstat, mkdir, open, readdir, rename, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { copyOf } from './bytes.ts'
import { DISK_MAX_AGE, type DiskOptions, readNumber } from './options.ts'
import type { Surroundings } from './surroundings.ts'
import type { Fallback, Loaded } from './value-cache.ts'

// Format 1: magic (4) ‖ IV (12) ‖ ciphertext ‖ tag (16). The plaintext: length of the head (4, big-endian) ‖ head as JSON ‖ the value.
const MAGIC = Buffer.from('SRC1')
const IV_BYTES = 12
const TAG_BYTES = 16
/** A value has 64 KiB at most; the rest is ample. */
const FILE_BYTES_MAX = 256 * 1024
const SWEEP_EVERY_MS = 86_400_000
const OF_OURS = /^[0-9a-f]{64}(\.[0-9a-f]{12})?$/
/** By how much clocks may differ before a file is from the future. */
const CLOCK_SKEW_MS = 300_000

export type DiskParts = {
  readonly options: DiskOptions
  readonly surroundings: Surroundings
  /** What the files are bound to besides their names and the account: the service, its endpoint and its Region. */
  readonly place: () => Promise<readonly string[]>
  readonly report: (error: unknown, id: string) => void
}

type Head<About> = { readonly about: About; readonly isText: boolean; readonly savedAt: number }

/** @throws RangeError, TypeError for options that do not do */
export function openDisk<About>({ options, surroundings, place, report }: DiskParts): Fallback<About> {
  const { directory } = options
  if (typeof directory !== 'string' || directory === '')
    throw new TypeError('disk.directory must be the path of a folder')
  if (!/^\d{12}$/.test(options.accountId)) throw new TypeError('disk.accountId must be 12 digits')
  const maxAgeMs = readNumber('disk.maxAgeMs', options.maxAgeMs, DISK_MAX_AGE)
  const [contentKey, nameKey] = keysOf(options.key)
  let queue: Promise<unknown> = Promise.resolve()
  let sweptAt = Number.NEGATIVE_INFINITY

  const locate = async (id: string, slot: string): Promise<{ readonly path: string; readonly binding: Buffer }> => {
    const binding = Buffer.from(JSON.stringify([...(await place()), options.accountId, id, slot]))
    return { path: join(directory, createHmac('sha256', nameKey).update(binding).digest('hex')), binding }
  }

  /** One after the other, so that a file that was removed is not written by what was begun before. */
  const inTurn = <T>(id: string, work: () => Promise<T>): Promise<T | undefined> => {
    const done = queue.then(work).catch((error: unknown) => {
      report(error, id)
      return undefined
    })
    queue = done
    return done
  }

  /** What is older than any cache may give out: of secrets that are gone, of names that nobody asks for, of writes that a crash cut off. */
  const sweep = async (): Promise<void> => {
    const now = surroundings.wallNow()
    if (now - sweptAt < SWEEP_EVERY_MS) return
    sweptAt = now
    for (const name of await readdir(directory)) {
      const path = join(directory, name)
      if (OF_OURS.test(name) && now - (await writtenAt(path)) > DISK_MAX_AGE.max) await removeFile(path)
    }
  }

  const seal = (plaintext: Buffer, binding: Buffer): Buffer => {
    const iv = randomBytes(IV_BYTES)
    const cipher = createCipheriv('aes-256-gcm', contentKey, iv, { authTagLength: TAG_BYTES })
    cipher.setAAD(Buffer.concat([MAGIC, binding]))
    return Buffer.concat([MAGIC, iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  }

  const unseal = (file: Buffer, binding: Buffer): Buffer => {
    if (file.length < MAGIC.length + IV_BYTES + TAG_BYTES || !file.subarray(0, MAGIC.length).equals(MAGIC))
      throw new DiskFileAlteredError()
    const iv = file.subarray(MAGIC.length, MAGIC.length + IV_BYTES)
    const decipher = createDecipheriv('aes-256-gcm', contentKey, iv, { authTagLength: TAG_BYTES })
    decipher.setAAD(Buffer.concat([MAGIC, binding]))
    decipher.setAuthTag(file.subarray(-TAG_BYTES))
    const plaintext = decipher.update(file.subarray(MAGIC.length + IV_BYTES, -TAG_BYTES))
    try {
      decipher.final()
    } catch {
      plaintext.fill(0)
      throw new DiskFileAlteredError()
    }
    return plaintext
  }

  return {
    load: (id, slot) =>
      inTurn(id, async () => {
        const { path, binding } = await locate(id, slot)
        const file = await readBounded(path)
        if (file === undefined) return undefined
        const plaintext = unseal(file, binding)
        try {
          const bytesAt = 4 + plaintext.readUInt32BE(0)
          const { savedAt, ...head }: Head<About> = JSON.parse(plaintext.toString('utf8', 4, bytesAt))
          const age = surroundings.wallNow() - savedAt
          if (age >= maxAgeMs || age < -CLOCK_SKEW_MS) return undefined
          const loaded: Loaded<About> = { ...head, bytes: copyOf(plaintext.subarray(bytesAt)) }
          return { loaded, staleForMs: maxAgeMs - Math.max(age, 0) }
        } finally {
          plaintext.fill(0)
        }
      }),

    save: (id, slot, { about, isText, bytes }) => {
      const head = Buffer.from(JSON.stringify({ about, isText, savedAt: surroundings.wallNow() } satisfies Head<About>))
      const plaintext = Buffer.alloc(4 + head.length + bytes.length)
      plaintext.writeUInt32BE(head.length)
      head.copy(plaintext, 4)
      bytes.copy(plaintext, 4 + head.length)
      inTurn(id, async () => {
        try {
          const { path, binding } = await locate(id, slot)
          await mkdir(directory, { recursive: true, mode: 0o700 })
          await replace(path, seal(plaintext, binding))
          await sweep()
        } finally {
          plaintext.fill(0)
        }
      })
    },

    remove: (id, slot) => {
      inTurn(id, async () => removeFile((await locate(id, slot)).path))
    },

    settled: async () => {
      await queue
    },
  }
}

/** One key for contents, one for names. */
function keysOf(key: DiskOptions['key']): readonly [KeyObject, KeyObject] {
  const bytes = key instanceof KeyObject ? (key.type === 'secret' ? key.export() : undefined) : key
  if (!(bytes instanceof Uint8Array) || bytes.length !== 32)
    throw new TypeError('disk.key must be 32 bytes, or a secret KeyObject of 32 bytes')
  const derive = (use: string): KeyObject =>
    createSecretKey(Buffer.from(hkdfSync('sha256', bytes, Buffer.alloc(0), `strongroom-cache/1/${use}`, 32)))
  return [derive('content'), derive('name')]
}

async function readBounded(path: string): Promise<Buffer | undefined> {
  let handle: FileHandle
  // Not waiting: a pipe in the place of a file has no end.
  try {
    handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
  try {
    const file = Buffer.alloc(FILE_BYTES_MAX + 1)
    let length = 0
    for (;;) {
      const { bytesRead } = await handle.read(file, length, file.length - length)
      if (bytesRead === 0) return file.subarray(0, length)
      length += bytesRead
      if (length > FILE_BYTES_MAX) throw new DiskFileAlteredError()
    }
  } finally {
    await handle.close()
  }
}

/** The file is the old one or the new one, whenever the machine stops. */
async function replace(path: string, content: Buffer): Promise<void> {
  const temporary = `${path}.${randomBytes(6).toString('hex')}`
  try {
    const handle = await open(temporary, 'wx', 0o600)
    try {
      await handle.writeFile(content)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await rename(temporary, path)
  } catch (error) {
    await removeFile(temporary)
    throw error
  }
}

/** Milliseconds since the epoch; no time is later than that of what is not there. */
async function writtenAt(path: string): Promise<number> {
  try {
    return (await lstat(path)).mtimeMs
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return Number.POSITIVE_INFINITY
    throw error
  }
}

async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

/** Logs may tell the name of an error alone. */
class DiskFileAlteredError extends Error {
  constructor() {
    super('A file of the disk cache is not what was written: it is left alone.')
    this.name = 'DiskFileAlteredError'
  }
}
