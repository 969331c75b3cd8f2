// Deployment packages: zip archives of strangers. Every entry is looked at before the archive is accepted, and again when it is unpacked:
// nothing leaves the folder, nothing stands twice, nothing is encrypted, and everything is bounded.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-function-zip.html
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html

import { posix } from 'node:path'
import type { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import { type Entry, fromBufferPromise } from 'yauzl'
import * as errors from '../errors.ts'

/** AWS's own limits. */
export const ZIPPED_BYTES_MAX = 52_428_800
export const UNZIPPED_BYTES_MAX = 262_144_000
/** Ours. */
const ENTRIES_MAX = 20_000
const PATH_BYTES_MAX = 1_024
const NAME_BYTES_MAX = 255
const DEPTH_MAX = 64
const LINK_BYTES_MAX = 1_024
/** Deflate gets to 1,032 at its best; code does not come near. Small archives may have any. */
const RATIO_MAX = 200
const RATIO_FREE_BYTES = 8_388_608

/** Paths are relative to the folder, without `.` and `..`. A folder is told before what is in it, if it is told. */
export type ArchiveEntry =
  | { readonly kind: 'directory'; readonly path: string }
  | { readonly kind: 'link'; readonly path: string; readonly target: string }
  | {
      readonly kind: 'file'
      readonly path: string
      readonly executable: boolean
      readonly content: AsyncIterable<Uint8Array>
    }

/**
 * Calls `visit` with each entry, one after the other; it reads the content of a file to its end.
 * @throws ServiceError InvalidParameterValueException where the archive is not accepted; what `visit` throws
 */
export async function readArchive(bytes: Buffer, visit: (entry: ArchiveEntry) => Promise<void>): Promise<void> {
  const zip = await fromBufferPromise(bytes, { lazyEntries: true, autoClose: false, strictFileNames: true }).catch(
    (cause: unknown) => {
      throw errors.zipUnreadable(cause)
    },
  )
  if (zip.entryCount > ENTRIES_MAX) throw errors.zipRefused(`it has more than ${ENTRIES_MAX} entries`)
  const paths = createPaths()
  let total = 0
  const unzippedMax = Math.min(UNZIPPED_BYTES_MAX, Math.max(RATIO_FREE_BYTES, bytes.length * RATIO_MAX))
  for await (const entry of translated(zip.eachEntry())) {
    const path = pathOf(entry)
    if (path === '') continue
    mustBeReadable(entry)
    total += entry.uncompressedSize
    if (total > UNZIPPED_BYTES_MAX) throw errors.unzippedTooLarge(UNZIPPED_BYTES_MAX)
    if (total > unzippedMax) throw errors.zipRefused(`it unpacks to more than ${RATIO_MAX} times its size`)
    const kind = kindOf(entry)
    paths.add(path, kind)
    if (kind === 'directory') {
      await visit({ kind, path })
      continue
    }
    const stream = await zip.openReadStreamPromise(entry).catch((cause: unknown) => {
      throw errors.zipUnreadable(cause)
    })
    const content = checked(stream, entry)
    if (kind === 'file') await visit({ kind, path, executable: isExecutable(entry), content })
    else await visit({ kind, path, target: await readTarget(path, content) })
  }
}

async function* translated(entries: AsyncIterable<Entry>): AsyncGenerator<Entry> {
  try {
    yield* entries
  } catch (cause) {
    throw errors.zipUnreadable(cause)
  }
}

/** The library has refused absolute names, `..` and backslashes. Empty for the folder itself. */
function pathOf({ fileName }: Entry): string {
  const path = posix.normalize(fileName).replace(/\/$/, '')
  if (path === '.' || path === '') return ''
  const names = path.split('/')
  const isName = (name: string): boolean => name !== '..' && name !== '' && Buffer.byteLength(name) <= NAME_BYTES_MAX
  const isPath = names.length <= DEPTH_MAX && Buffer.byteLength(path) <= PATH_BYTES_MAX && names.every(isName)
  if (!isPath || /[\0-\x1f\x7f\\]/.test(path) || !path.isWellFormed()) {
    throw errors.zipRefused('it has an entry whose name is too long, leaves the folder or holds control characters')
  }
  return path
}

const STORED = 0
const DEFLATED = 8

function mustBeReadable(entry: Entry): void {
  if (entry.isEncrypted()) throw errors.zipRefused('it has an encrypted entry')
  const { compressionMethod } = entry
  if (compressionMethod !== STORED && compressionMethod !== DEFLATED) {
    throw errors.zipRefused('it has an entry that is neither stored nor deflated')
  }
}

/** The high byte of versionMadeBy where external attributes are those of Unix. */
const UNIX = 3
const TYPE_BITS = 0o170000
const TYPES: ReadonlyMap<number, ArchiveEntry['kind']> = new Map([
  [0, 'file'],
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'link'],
])

const unixMode = ({ versionMadeBy, externalFileAttributes }: Entry): number =>
  versionMadeBy >>> 8 === UNIX ? externalFileAttributes >>> 16 : 0

function kindOf(entry: Entry): ArchiveEntry['kind'] {
  const isDirectory = entry.fileName.endsWith('/')
  const type = unixMode(entry) & TYPE_BITS
  const kind = isDirectory && type === 0 ? 'directory' : TYPES.get(type)
  if (kind === undefined) throw errors.zipRefused('it has a device, a pipe or a socket')
  if (isDirectory !== (kind === 'directory')) throw errors.zipRefused('it has a folder that is none')
  if (isDirectory && entry.uncompressedSize > 0) throw errors.zipRefused('it has a folder with content')
  return kind
}

/** Files become 0755 or 0644, whatever else their mode says. */
const isExecutable = (entry: Entry): boolean => (unixMode(entry) & 0o111) !== 0

/** The content of an entry, which must be as long as it says and have the checksum that it says. The library has bounded it. */
async function* checked(stream: Readable, { uncompressedSize, crc32: expected }: Entry): AsyncGenerator<Uint8Array> {
  let sum = 0
  let size = 0
  try {
    for await (const chunk of stream as AsyncIterable<Uint8Array>) {
      sum = crc32(chunk, sum)
      size += chunk.length
      yield chunk
    }
  } catch (cause) {
    throw errors.zipUnreadable(cause)
  }
  if (size !== uncompressedSize || sum !== expected) throw errors.zipUnreadable()
}

/**
 * Where a link leads. Up first and then down: no part of it, itself a link, can then be left upwards, so that by whatever links one goes, one
 * stays in the folder.
 */
async function readTarget(path: string, content: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of content) {
    size += chunk.length
    if (size > LINK_BYTES_MAX) throw errors.zipRefused('it has a link whose target is too long')
    chunks.push(chunk)
  }
  const target = Buffer.concat(chunks).toString()
  const names = target.replace(/\/$/, '').split('/')
  const firstDown = names.findIndex((name) => name !== '..')
  const ups = firstDown < 0 ? names.length : firstDown
  const downs = names.slice(ups)
  const depth = path.split('/').length - 1
  const isPlain = !/[\0-\x1f\x7f\\]/.test(target) && !downs.some((name) => name === '..' || name === '')
  if (!isPlain || ups > depth) throw errors.zipRefused('it has a link that leaves the folder')
  return target
}

/** What stands where: nothing twice, and nothing below a file or a link. */
function createPaths(): { add(path: string, kind: ArchiveEntry['kind']): void } {
  const kinds = new Map<string, ArchiveEntry['kind'] | 'parent'>()
  return {
    add: (path, kind) => {
      const known = kinds.get(path)
      const isAgain = known !== undefined && !(known === 'parent' && kind === 'directory')
      if (isAgain) throw errors.zipRefused('it has an entry twice')
      kinds.set(path, kind)
      for (let parent = posix.dirname(path); parent !== '.'; parent = posix.dirname(parent)) {
        const kindOfParent = kinds.get(parent)
        if (kindOfParent === 'file' || kindOfParent === 'link') throw errors.zipRefused('it has an entry below a file')
        if (kindOfParent === undefined) kinds.set(parent, 'parent')
        else break
      }
    },
  }
}
