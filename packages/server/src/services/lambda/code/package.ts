// A deployment package as CreateFunction and UpdateFunctionCode get it: looked at whole before anything is stored.

import { hash } from 'node:crypto'
import * as errors from '../errors.ts'
import { readArchive, ZIPPED_BYTES_MAX } from './archive.ts'
import { addEntry, createTreeHash } from './tree.ts'

export type DeploymentPackage = {
  /** Lambda's CodeSha256: of the archive, in base64. */
  readonly codeSha256: string
  readonly treeDigest: string
}

/** @throws ServiceError InvalidParameterValueException where there is none, or it is not accepted */
export async function inspectPackage(zip: Uint8Array | undefined): Promise<DeploymentPackage> {
  if (zip === undefined) throw errors.noCode()
  if (zip.length > ZIPPED_BYTES_MAX) throw errors.zipTooLarge(ZIPPED_BYTES_MAX)
  const tree = createTreeHash()
  await readArchive(Buffer.from(zip.buffer, zip.byteOffset, zip.length), (entry) => addEntry(tree, entry))
  return { codeSha256: hash('sha256', zip, 'base64'), treeDigest: tree.digest() }
}
