// What an archive of `strongroom export` has.

import { readArchive } from '../export/archive.ts'
import { decrypted } from '../export/file.ts'
import { decrypterOf, type OpenOptions } from '../export/keys.ts'
import type { Reference, Source } from './item.ts'

/** The file is read to its end first: nothing comes from one that was cut short or altered. @throws UsageError */
export async function archiveSource(file: string, options: OpenOptions): Promise<Source> {
  const decrypter = await decrypterOf(options)
  let total = 0
  for await (const _ of readArchive(decrypted(decrypter, file))) total++
  const references = async function* (): AsyncGenerator<Reference> {
    for await (const item of readArchive(decrypted(decrypter, file))) {
      yield { kind: item.kind, name: item.name, read: async () => item }
    }
  }
  return { total, references: references() }
}
