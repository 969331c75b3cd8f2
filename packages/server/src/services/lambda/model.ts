// Functions, their versions and aliases, as they are stored. Nothing here reads or writes.

import type { NamingPolicy } from '../iam/port.ts'

export const RESOURCE_TYPE = 'AWS::Lambda::Function'

export const NAME_CHARACTERS_MAX = 64
/** AWS has no such limit but the one of code storage; here a function's row names all its versions. */
export const VERSIONS_MAX = 1_000
export const ALIASES_MAX = 1_000
export const TAGS_MAX = 50
export const TIMEOUT_SECONDS_DEFAULT = 3
export const MEMORY_MB_DEFAULT = 128

/** The body of a function's row. */
export type LambdaFunction = {
  readonly accountId: string
  readonly region: string
  readonly functionName: string
  /** Tells the function from a later one of the same name. */
  readonly functionId: string
  /** Its data key, sealed under a domain key, in base64. */
  readonly key: string
  readonly createdAt: number
  /** The number of the last version that was published; 0 where there was none. */
  readonly lastVersion: number
  readonly latest: FunctionVersion
  /** By CodeSha256: what $LATEST and the versions run. */
  readonly codes: { readonly [codeSha256: string]: FunctionCode }
  /** By name of the part: the digest of its row. */
  readonly parts: { readonly [part: string]: string }
  readonly tags: { readonly [key: string]: string }
  readonly reservedConcurrency?: number
}

export type FunctionCode = {
  /** Of the archive, in bytes. */
  readonly size: number
  readonly chunks: number
  /** Of what it unpacks to; see code/tree.ts. */
  readonly treeDigest: string
  /** How many of $LATEST and the versions run it. */
  readonly uses: number
}

/** What can be invoked: $LATEST, or a published version that never changes. */
export type FunctionVersion = {
  /** `$LATEST`, or a number from 1. */
  readonly version: string
  readonly description: string
  readonly role: string
  readonly runtime: string
  readonly handler: string
  readonly timeoutSeconds: number
  readonly memoryMb: number
  readonly ephemeralStorageMb: number
  readonly architecture: string
  readonly codeSha256: string
  /** JSON of the variables, encrypted under the function's data key, in base64. Absent: none. */
  readonly environment?: string
  readonly revisionId: string
  /** By the service clock. */
  readonly lastModified: number
  /** Of $LATEST: the revision that the last published version was made from. */
  readonly publishedFrom?: string
}

export type Alias = {
  readonly name: string
  readonly functionVersion: string
  readonly description: string
  readonly revisionId: string
}

/** The policy of a function, a version or an alias. */
export type FunctionPolicy = NamingPolicy & { readonly revisionId: string }

// Names of parts.

export const versionPart = (version: string): string => `version/${version}`
export const aliasPart = (name: string): string => `alias/${name}`
/** Of the function itself where there is no qualifier. */
export const policyPart = (qualifier: string | undefined): string =>
  qualifier === undefined ? 'policy' : `policy/${qualifier}`

/** Published versions, in the order of their numbers. */
export const versionsOf = ({ parts }: LambdaFunction): readonly string[] =>
  Object.keys(parts)
    .flatMap((part) => (part.startsWith('version/') ? [part.slice('version/'.length)] : []))
    .sort((a, b) => Number(a) - Number(b))

/** Names of aliases, in byte order. */
export const aliasesOf = ({ parts }: LambdaFunction): readonly string[] =>
  Object.keys(parts)
    .flatMap((part) => (part.startsWith('alias/') ? [part.slice('alias/'.length)] : []))
    .sort()

/** The codes with one use of a code more or less; what nobody runs is not among them. */
export function withUse(
  codes: LambdaFunction['codes'],
  codeSha256: string,
  by: 1 | -1,
  fresh?: Omit<FunctionCode, 'uses'>,
): LambdaFunction['codes'] {
  const { [codeSha256]: known, ...others } = codes
  const code = known ?? (fresh && { ...fresh, uses: 0 })
  if (code === undefined) throw new RangeError('a code that the function does not have is used')
  const uses = code.uses + by
  return uses === 0 ? others : { ...others, [codeSha256]: { ...code, uses } }
}

/** As Lambda writes times: 2026-11-26T14:40:26.123+0000. */
export const shownTime = (ms: number): string => new Date(ms).toISOString().replace('Z', '+0000')
