// A text that is edited: a file of mode 0600 in a folder of mode 0700, in memory. Its bytes are overwritten before it is removed.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  accessSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  type Stats,
  statfsSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join, resolve } from 'node:path'
import { UsageError } from '../usage-error.ts'

export type Draft = {
  readonly path: string
  /**
   * Runs $VISUAL or $EDITOR, which may hold arguments, until it is closed. Ctrl-C is the editor's; what ends the command ends the editor.
   * @throws UsageError where it cannot be run, or fails
   */
  readonly edit: () => Promise<void>
  /** @throws UsageError where the editor left none, or more than a value. */
  readonly read: () => string
  /** It stays where it is, from now on: what ends the command then tells where. */
  readonly keep: () => void
  /** It need not stay any more. */
  readonly release: () => void
  /** Wipes it, unless it is kept. */
  readonly remove: () => void
}

/** https://man7.org/linux/man-pages/man2/statfs.2.html: tmpfs and ramfs. */
const IN_MEMORY = [0x01021994, 0x858458f6]
/** More than any value, also of JSON on many lines: the server tells. */
export const DRAFT_BYTES_MAX = 1_048_576
/** What an editor has to end in when it is told to. */
const END_MS_MAX = 2_000
/** Exit codes, as shells tell them. */
const ENDING = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const

/** It ends with the process, whatever ends it but SIGKILL. @throws UsageError where there is no place in memory. */
export function createDraft(text: string, isJson: boolean, { allowDisk }: { readonly allowDisk?: true }): Draft {
  const folder = mkdtempSync(join(memoryFolder(allowDisk), 'strongroom-'))
  // An editor tells by the name how to show it.
  const path = join(folder, isJson ? 'value.json' : 'value.txt')
  let kept = false
  let editor: ChildProcess | undefined
  let made: Stats | undefined

  const wipe = () => {
    if (kept) return
    wipeFile(path, made)
    rmSync(folder, { recursive: true, force: true })
  }
  const end = (signal: keyof typeof ENDING) => {
    const exit = () => {
      if (kept) process.stderr.write(`strongroom: your text is kept in ${path}: it may have been written or not\n`)
      process.exit(ENDING[signal])
    }
    if (editor === undefined) exit()
    if (signal === 'SIGINT') return
    editor!.once('exit', exit).kill(signal)
    setTimeout(() => editor!.kill('SIGKILL'), END_MS_MAX)
  }
  const signals = Object.keys(ENDING) as (keyof typeof ENDING)[]
  for (const signal of signals) process.on(signal, end)
  process.on('exit', wipe)
  made = writeDraft(path, text)

  return {
    path,
    async edit() {
      editor = startEditor(path)
      try {
        const [code, signal] = (await once(editor, 'exit')) as [number | null, string | null]
        if (code !== 0) throw new UsageError(`the editor ended with ${code ?? signal}: nothing was written`)
      } finally {
        editor = undefined
      }
    },
    read: () => readDraft(path),
    keep() {
      kept = true
    },
    release() {
      kept = false
    },
    remove() {
      wipe()
      process.off('exit', wipe)
      for (const signal of signals) process.off(signal, end)
    },
  }
}

/** @returns what it can be told by */
function writeDraft(path: string, text: string): Stats {
  const file = openSync(path, 'wx', 0o600)
  try {
    writeFileSync(file, text)
    return fstatSync(file)
  } finally {
    closeSync(file)
  }
}

function memoryPlaces(): readonly string[] {
  const { XDG_RUNTIME_DIR } = process.env
  return [...(XDG_RUNTIME_DIR ? [XDG_RUNTIME_DIR] : []), '/dev/shm']
}

function memoryFolder(allowDisk = false): string {
  const found = memoryPlaces().find(isInMemory)
  if (found !== undefined) return found
  if (allowDisk) return tmpdir()
  throw new UsageError(
    'there is no folder in memory ($XDG_RUNTIME_DIR, /dev/shm) for the text: --allow-disk takes one on a disk, where it may leave traces',
  )
}

function isInMemory(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK)
    return IN_MEMORY.includes(statfsSync(folder).type)
  } catch {
    return false
  }
}

function readDraft(path: string): string {
  try {
    const { size } = lstatSync(path)
    if (size > DRAFT_BYTES_MAX) throw new UsageError('the text is too long for a value')
    const bytes = withFile(path, constants.O_RDONLY, (file) => readFileSync(file))
    const text = bytes.toString()
    if (!Buffer.from(text).equals(bytes)) throw new UsageError('the text is not UTF-8: nothing was written')
    return text
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError('the editor left no text: nothing was written')
  }
}

/** Wipes the text of an edit that was not written, with what its editor left beside it. Any other file is the user's own, and stays. */
export function removeKept(path: string): void {
  const folder = dirname(resolve(path))
  const isOurs = /^strongroom-\w{6}$/.test(basename(folder)) && /^value\.(json|txt)$/.test(basename(path))
  if (!isOurs || ![...memoryPlaces(), tmpdir()].includes(dirname(folder))) return
  if (!lstatSync(folder, { throwIfNoEntry: false })?.isDirectory()) return
  wipeFile(path)
  rmSync(folder, { recursive: true, force: true })
}

/** Overwritten, then removed. Of what an editor put in its place a link is not followed, and a file that has other names is left as it is. */
function wipeFile(path: string, made?: Stats): void {
  try {
    withFile(path, constants.O_RDWR, (file) => {
      const { dev, ino, nlink, size } = fstatSync(file)
      const isOurs = dev === made?.dev && ino === made.ino
      if (isOurs || nlink === 1) writeSync(file, Buffer.alloc(size), 0, size, 0)
    })
  } catch {
    // A link, or what the editor removed.
  }
  rmSync(path, { force: true })
}

/** @throws the system's error where it is a link, or no file */
function withFile<T>(path: string, flags: number, work: (file: number) => T): T {
  const file = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    return work(file)
  } finally {
    closeSync(file)
  }
}

/** Of vim: nothing of the text beside it, nor in files that stay. */
const WITHOUT_TRACES = ['-n', '-i', 'NONE', '--cmd', 'set nobackup nowritebackup noundofile']

function startEditor(path: string): ChildProcess {
  const editor = process.env.VISUAL || process.env.EDITOR || 'vi'
  const quiet = /^n?vim$/.test(basename(editor)) ? WITHOUT_TRACES : []
  return spawn('/bin/sh', ['-c', `exec ${editor} "$@"`, editor, ...quiet, path], { stdio: 'inherit' })
}
