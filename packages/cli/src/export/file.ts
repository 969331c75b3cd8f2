// A file of secrets: readable for its owner alone, and under its name only when it is complete.

import { closeSync, createReadStream, existsSync, fsyncSync, linkSync, openSync, rmSync, writeSync } from 'node:fs'
import { Readable } from 'node:stream'
import type { Decrypter, Encrypter } from 'age-encryption'
import { UsageError } from '../usage-error.ts'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Before any work is done for it. @throws UsageError where the file is there: nothing is overwritten. */
export function mustNotExist(file: string): void {
  if (existsSync(file)) throw new UsageError(`${file} is there already: name another file`)
}

/** @throws UsageError where it cannot be written; there is no file then. */
export async function writeWhole(file: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const partial = `${file}.${process.pid}.partial`
  let descriptor: number | undefined
  // What is ended by hand leaves nothing: the file may be plain text.
  const remove = (signal?: NodeJS.Signals): void => {
    rmSync(partial, { force: true })
    if (signal !== undefined) process.kill(process.pid, signal)
  }
  for (const signal of SIGNALS) process.once(signal, remove)
  try {
    descriptor = openSync(partial, 'wx', 0o600)
    for await (const chunk of chunks) {
      for (let written = 0; written < chunk.length; ) written += writeSync(descriptor, chunk, written)
    }
    fsyncSync(descriptor)
    // Fails where somebody has made the file meanwhile, as a rename would not.
    linkSync(partial, file)
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException
    if (syscall === undefined) throw error
    throw new UsageError(`${file} cannot be written (${code})`)
  } finally {
    for (const signal of SIGNALS) process.removeListener(signal, remove)
    if (descriptor !== undefined) {
      closeSync(descriptor)
      remove()
    }
  }
}

export const encrypted = async (
  encrypter: Encrypter,
  chunks: AsyncIterable<Uint8Array>,
): Promise<AsyncIterable<Uint8Array>> => encrypter.encrypt(ReadableStream.from(chunks))

/** The text of an encrypted file, as far as it is proven to be whole. @throws UsageError */
export async function* decrypted(decrypter: Decrypter, file: string): AsyncGenerator<Uint8Array> {
  try {
    yield* await decrypter.decrypt(Readable.toWeb(createReadStream(file)) as ReadableStream<Uint8Array>)
  } catch (error) {
    if (error instanceof UsageError) throw error
    const { code, message } = error as NodeJS.ErrnoException
    if (code !== undefined) throw new UsageError(`${file} cannot be read (${code})`)
    if (/no identity matched/.test(message)) throw new UsageError(`${file} does not open with this key`)
    throw new UsageError(`${file} is no whole archive: it was cut short or altered, or is none`)
  }
}
