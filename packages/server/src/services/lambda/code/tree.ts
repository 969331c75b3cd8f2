// The digest of a folder of code, from an archive and from a disk alike: paths, kinds, executable bits and contents. Recorded with the function
// under its MAC, so that what is run is what was uploaded.

import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { lstat, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { lengthPrefixed } from '../../../crypto/length-prefix.ts'
import type { ArchiveEntry } from './archive.ts'

const LABEL = 'function-tree/1'

export type TreeHash = {
  /** Everything but folders, which are there where something is in them. */
  link(path: string, target: string): void
  file(path: string, executable: boolean, contentSha256: string): void
  /** In base64; in whatever order entries came. */
  digest(): string
}

export function createTreeHash(): TreeHash {
  const entries: Buffer[] = []
  return {
    link: (path, target) => entries.push(lengthPrefixed([path, 'link', target])),
    file: (path, executable, contentSha256) =>
      entries.push(lengthPrefixed([path, executable ? 'program' : 'file', contentSha256])),
    digest: () => {
      const hash = createHash('sha256').update(lengthPrefixed([LABEL]))
      for (const entry of entries.sort(Buffer.compare)) hash.update(lengthPrefixed([entry]))
      return hash.digest('base64')
    },
  }
}

/** Adds an entry of an archive, reading its content. */
export async function addEntry(tree: TreeHash, entry: ArchiveEntry): Promise<void> {
  if (entry.kind === 'link') tree.link(entry.path, entry.target)
  if (entry.kind !== 'file') return
  const hash = createHash('sha256')
  for await (const chunk of entry.content) hash.update(chunk)
  tree.file(entry.path, entry.executable, hash.digest('base64'))
}

/** The digest of a folder as it lies on disk. @throws the system's error where something cannot be read */
export async function digestDirectory(directory: string): Promise<string> {
  const tree = createTreeHash()
  const walk = async (folder: string): Promise<void> => {
    for (const name of await readdir(join(directory, folder))) {
      const path = folder === '' ? name : `${folder}/${name}`
      const full = join(directory, path)
      const stats = await lstat(full)
      if (stats.isDirectory()) await walk(path)
      else if (stats.isSymbolicLink()) tree.link(path, await readlink(full))
      else if (stats.isFile()) tree.file(path, (stats.mode & 0o111) !== 0, await digestFile(full))
      else throw new Error('something that is no file lies in the folder of a function')
    }
  }
  await walk('')
  return tree.digest()
}

async function digestFile(path: string): Promise<string> {
  const hash: Hash = createHash('sha256')
  for await (const chunk of createReadStream(path) as AsyncIterable<Uint8Array>) hash.update(chunk)
  return hash.digest('base64')
}
