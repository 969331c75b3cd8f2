// What a call asks of the session that it wants, and what that session inherits from the one that the call is made from: transitive tags and
// the source identity go from role to role, and nobody on the way can change them.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining

import type { Identity } from '../../call.ts'
import * as errors from './errors.ts'

type Tags = { readonly [key: string]: string }

export type SessionInput = {
  readonly Tags?: readonly { readonly Key: string; readonly Value: string }[] | undefined
  readonly TransitiveTagKeys?: readonly string[] | undefined
  readonly SourceIdentity?: string | undefined
}

export type SessionRequest = {
  /** Those passed and those inherited. */
  readonly tags: Tags
  /** Keys of `tags`, in their spelling. */
  readonly transitiveTagKeys: readonly string[]
  readonly inheritedTags: Tags
  readonly sourceIdentity: string | undefined
  /** How many roles lead to the session: 1 where a user asks. */
  readonly chain: number
}

/** @throws InvalidParameterValue for tags that cannot be; AccessDenied for a change of the source identity. */
export function sessionRequest({ session }: Identity, input: SessionInput): SessionRequest {
  const { Tags = [], TransitiveTagKeys = [], SourceIdentity } = input
  if (session?.sourceIdentity !== undefined && (SourceIdentity ?? session.sourceIdentity) !== session.sourceIdentity) {
    throw errors.sourceIdentityFixed()
  }
  const inheritedKeys = session?.transitiveTagKeys ?? []
  const inheritedTags = Object.fromEntries(inheritedKeys.map((key) => [key, session!.tags[key]!]))

  const passed = new Map(Tags.map(({ Key }) => [Key.toLowerCase(), Key]))
  if (passed.size < Tags.length) throw errors.duplicateTagKeys()
  if ([...passed.keys()].some((key) => key.startsWith('aws:'))) throw errors.reservedTagKey()
  if (inheritedKeys.some((key) => passed.has(key.toLowerCase()))) throw errors.tagOfCallingSession()
  const transitive = new Set(TransitiveTagKeys.map((key) => passed.get(key.toLowerCase())))
  if (transitive.has(undefined)) throw errors.transitiveKeyWithoutTag()

  return {
    tags: { ...inheritedTags, ...Object.fromEntries(Tags.map(({ Key, Value }) => [Key, Value])) },
    transitiveTagKeys: [...inheritedKeys, ...(transitive as ReadonlySet<string>)],
    inheritedTags,
    sourceIdentity: session?.sourceIdentity ?? SourceIdentity,
    chain: (session?.chain ?? 0) + 1,
  }
}
