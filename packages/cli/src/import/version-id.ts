// Ids of versions that have none at their source.

import { createHash } from 'node:crypto'

/** The same for the same texts, in the form of AWS's ids, which anybody may see who may describe the secret: no value goes into it. */
export function versionId(of: readonly string[]): string {
  const hex = createHash('sha256').update(JSON.stringify(of)).digest('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}
