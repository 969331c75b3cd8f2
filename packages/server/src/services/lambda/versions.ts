// Versions and aliases: which version a qualifier means, how one is published, and how code is let go of that no version runs any more.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-versions.html

import type { App } from '../../app.ts'
import * as errors from './errors.ts'
import {
  type Alias,
  aliasPart,
  type FunctionVersion,
  type LambdaFunction,
  VERSIONS_MAX,
  versionPart,
  versionsOf,
  withUse,
} from './model.ts'
import { functionArn, isVersion, LATEST } from './names.ts'
import {
  chunksOf,
  countUsage,
  findPart,
  insertCode,
  removeCode,
  type Store,
  type StoredFunction,
  updateFunction,
  writePart,
} from './store.ts'

/** @throws ServiceError ResourceNotFoundException where the function has no such version or alias */
export async function readVersion(
  store: Store & { readonly app: App },
  fn: LambdaFunction,
  qualifier: string | undefined,
): Promise<FunctionVersion> {
  if (qualifier === undefined || qualifier === LATEST) return fn.latest
  const number = isVersion(qualifier)
    ? qualifier
    : (await findPart<Alias>(store, fn, aliasPart(qualifier)))?.functionVersion
  if (number === LATEST) return fn.latest
  const version = number === undefined ? undefined : await findPart<FunctionVersion>(store, fn, versionPart(number))
  if (version === undefined) throw errors.functionNotFound(arnOf(store.app, fn, qualifier))
  return version
}

export const arnOf = ({ partition }: Pick<App, 'partition'>, fn: LambdaFunction, qualifier?: string): string =>
  functionArn({ partition, region: fn.region }, { account: fn.accountId, name: fn.functionName, qualifier })

/** @throws ServiceError PreconditionFailedException where the caller knows another revision */
export function mustBeRevision(given: string | undefined, current: string | undefined): void {
  if (given !== undefined && given !== current) throw errors.revisionDiffers()
}

/**
 * $LATEST as a version of its own; the last one where nothing has changed since it was published.
 * @throws ServiceError ResourceConflictException at the quota of versions
 */
export async function publishVersion(
  store: Store & { readonly app: App },
  stored: StoredFunction,
  description?: string,
): Promise<FunctionVersion> {
  const { fn } = stored
  const { latest } = fn
  if (latest.publishedFrom === latest.revisionId) {
    const last = await findPart<FunctionVersion>(store, fn, versionPart(String(fn.lastVersion)))
    if (last !== undefined) return last
  }
  if (versionsOf(fn).length >= VERSIONS_MAX) throw errors.tooManyVersions(VERSIONS_MAX)
  const number = String(fn.lastVersion + 1)
  const { publishedFrom: _, ...copied } = latest
  const version: FunctionVersion = {
    ...copied,
    version: number,
    ...(description !== undefined && { description }),
    revisionId: store.app.uuid(),
    lastModified: store.app.now(),
  }
  const parts = await writePart(store, stored, versionPart(number), version)
  await updateFunction(store, stored, {
    ...fn,
    parts,
    lastVersion: fn.lastVersion + 1,
    codes: withUse(fn.codes, latest.codeSha256, 1),
    latest: { ...latest, publishedFrom: latest.revisionId },
  })
  return version
}

export type NewCode = { readonly archive: Uint8Array; readonly codeSha256: string; readonly treeDigest: string }

/** The codes of a function with one more, whose archive is stored unless it is there. @throws ServiceError CodeStorageExceededException */
export async function addCode(
  store: Store & { readonly app: App },
  fn: LambdaFunction,
  { archive, codeSha256, treeDigest }: NewCode,
): Promise<LambdaFunction['codes']> {
  if (fn.codes[codeSha256] === undefined) {
    const used = await countUsage(store, fn.accountId, fn.region, 'lambda-code', archive.length)
    if (used > store.app.limits.functionCodeBytes) throw errors.codeStorageExceeded()
    await insertCode(store, fn, codeSha256, archive)
  }
  return withUse(fn.codes, codeSha256, 1, { size: archive.length, chunks: chunksOf(archive.length), treeDigest })
}

/** The codes of a function with one use less, whose archive goes where it was the last. */
export async function dropCode(store: Store, fn: LambdaFunction, codeSha256: string): Promise<LambdaFunction['codes']> {
  const codes = withUse(fn.codes, codeSha256, -1)
  if (codes[codeSha256] === undefined) {
    await removeCode(store, fn, codeSha256)
    await countUsage(store, fn.accountId, fn.region, 'lambda-code', -fn.codes[codeSha256]!.size)
  }
  return codes
}
