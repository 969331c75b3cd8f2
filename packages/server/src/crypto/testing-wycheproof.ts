// Project Wycheproof's `testvectors_v1`, where they are kept beside the repository. https://github.com/C2SP/wycheproof

import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const FOLDER = join(import.meta.dirname, '../../../../../shared/vectors/wycheproof')

/** Why tests that need them are skipped; false where the vectors are there. */
export const noVectors = !existsSync(FOLDER) && 'the public test vectors are not beside the repository'

/** The groups of a file: what its tests share, and the tests. */
export const wycheproof = <Group, Test>(file: string): readonly (Group & { readonly tests: readonly Test[] })[] =>
  JSON.parse(readFileSync(join(FOLDER, file), 'utf8')).testGroups

export const bytes = (hex: string): Buffer => Buffer.from(hex, 'hex')
