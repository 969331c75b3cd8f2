// Where code lies on this server's disk: a folder for each archive, named by its digest, made when a function is first invoked and made again
// when it is missing or was altered. A cache: the database has the code. Servers and workers may share it.

import { chmod, mkdir, mkdtemp, open, readdir, rename, rm, stat, symlink, utimes } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { readArchive } from './archive.ts'
import { digestDirectory } from './tree.ts'

export type CodeDirectories = {
  /**
   * The folder with the unpacked code. Its digest was compared since this process started.
   * @param read the archive; asked for only where the folder must be made
   * @throws Error where what was unpacked is not what `treeDigest` says
   */
  unpacked(codeSha256: string, treeDigest: string, read: () => Promise<Buffer>): Promise<string>
}

/** Folders that no process has touched for so long are removed when the next one is made. */
const UNUSED_MS = 7 * 24 * 3_600_000
/** How often use is noted. */
const TOUCH_MS = 3_600_000
const TEMPORARY = 'new-'

export function createCodeDirectories(directory: string, wallNow: () => number): CodeDirectories {
  /** By both digests: the folder, and when its use was noted last. */
  const known = new Map<string, { readonly path: Promise<string>; touchedAt: number }>()

  const make = async (name: string, treeDigest: string, read: () => Promise<Buffer>): Promise<string> => {
    const path = join(directory, name)
    if ((await digestOrNothing(path)) === treeDigest) return path
    await mkdir(directory, { recursive: true })
    await chmod(directory, 0o711)
    await prune(directory, wallNow())
    const temporary = await mkdtemp(join(directory, TEMPORARY))
    try {
      await unpack(await read(), temporary)
      if ((await digestDirectory(temporary)) !== treeDigest)
        throw new Error('the code of a function is not what it was')
      await replace(temporary, path)
    } finally {
      await rm(temporary, { recursive: true, force: true })
    }
    return path
  }

  return {
    unpacked: async (codeSha256, treeDigest, read) => {
      const name = Buffer.from(codeSha256, 'base64').toString('hex')
      const now = wallNow()
      const key = `${name} ${treeDigest}`
      const entry = known.get(key)
      if (entry !== undefined && (await exists(await entry.path))) {
        if (now - entry.touchedAt > TOUCH_MS) {
          entry.touchedAt = now
          await touch(await entry.path, now)
        }
        return entry.path
      }
      const path = make(name, treeDigest, read)
      known.set(key, { path, touchedAt: now })
      path.catch(() => known.delete(key))
      await touch(await path, now)
      return path
    },
  }
}

/** Into an empty folder: files and folders that nobody may write, each on disk. */
async function unpack(archive: Buffer, directory: string): Promise<void> {
  const folders = new Set<string>()
  const folder = async (path: string): Promise<void> => {
    if (path === '.' || folders.has(path)) return
    await mkdir(join(directory, path), { recursive: true, mode: 0o755 })
    for (let parent = path; parent !== '.'; parent = dirname(parent)) folders.add(parent)
  }
  await readArchive(archive, async (entry) => {
    const full = join(directory, entry.path)
    await folder(entry.kind === 'directory' ? entry.path : dirname(entry.path))
    if (entry.kind === 'link') await symlink(entry.target, full)
    if (entry.kind !== 'file') return
    const file = await open(full, 'wx', 0o600)
    try {
      await file.writeFile(entry.content)
      await file.chmod(entry.executable ? 0o555 : 0o444)
      await file.sync()
    } finally {
      await file.close()
    }
  })
  for (const path of folders) await chmod(join(directory, path), 0o755)
  await chmod(directory, 0o755)
  await sync(directory)
}

/** The new folder in the place of one that may be there; of two processes that made it, either's will do. */
async function replace(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true })
  await rename(from, to).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
  })
  await sync(dirname(to))
}

async function sync(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** What cannot be read is not what it should be. */
const digestOrNothing = (path: string): Promise<string | undefined> => digestDirectory(path).catch(() => undefined)

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )

const touch = (path: string, now: number): Promise<void> => utimes(path, now / 1_000, now / 1_000)

async function prune(directory: string, now: number): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name)
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: now }))
    if (now - mtimeMs > UNUSED_MS) await rm(path, { recursive: true, force: true })
  }
}
