// Tags of users, roles and policies: what policies see of them, how they are put on and taken off. The keys of users and roles are told apart
// without regard to case and kept as they were written last; those of policies are told apart to the letter.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html

import type { Context } from '../../policy/engine.ts'
import * as errors from './errors.ts'
import { TAGS_MAX, type Tag } from './model.ts'
import { listed, type Source } from './paging.ts'

type GivenTag = { readonly Key: string; readonly Value: string }

/** Condition keys that the tags of a request give. */
export const requestTagContext = (given: readonly GivenTag[] = []): Context => ({
  ...Object.fromEntries(given.map(({ Key, Value }) => [`aws:RequestTag/${Key}`, Value])),
  ...tagKeysContext(given.map(({ Key }) => Key)),
})

/** The condition key that the tag keys of a request give. */
export const tagKeysContext = (keys: readonly string[]): Context => ({ 'aws:TagKeys': keys })

/** Condition keys that the tags of what is asked for give. */
export const resourceTagContext = (tags: readonly Tag[] = []): Context =>
  Object.fromEntries(
    tags.flatMap(({ key, value }) => [
      [`aws:ResourceTag/${key}`, value],
      [`iam:ResourceTag/${key}`, value],
    ]),
  )

/**
 * The tags with those of a request, which take the place of those with the same key; `quota` names the limit (`TagsPerUser`).
 * @throws InvalidInput for a key that stands twice or is AWS's own; LimitExceeded beyond 50.
 */
export function withTags(
  tags: readonly Tag[] = [],
  given: readonly GivenTag[] = [],
  quota: string,
  nameOf = caseless,
): readonly Tag[] {
  const keys = new Set(given.map(({ Key }) => nameOf(Key)))
  if (keys.size < given.length) throw errors.duplicateTagKeys()
  if (given.some(({ Key }) => caseless(Key).startsWith('aws:'))) throw errors.reservedTagKey()
  const others = tags.filter(({ key }) => !keys.has(nameOf(key)))
  const all = [...others, ...given.map(({ Key, Value }) => ({ key: Key, value: Value }))]
  if (all.length > TAGS_MAX) throw errors.quotaExceeded(quota, TAGS_MAX)
  return all
}

/** Keys that are not there are nothing to remove. */
export function withoutTags(tags: readonly Tag[] = [], keys: readonly string[], nameOf = caseless): readonly Tag[] {
  const removed = new Set(keys.map(nameOf))
  return tags.filter(({ key }) => !removed.has(nameOf(key)))
}

/** The same for a managed policy. */
export const withPolicyTags = (tags: readonly Tag[], given?: readonly GivenTag[]): readonly Tag[] =>
  withTags(tags, given, 'TagsPerPolicy', exactly)

export const withoutPolicyTags = (tags: readonly Tag[], keys: readonly string[]): readonly Tag[] =>
  withoutTags(tags, keys, exactly)

/** What List...Tags pages through. */
export const tagSource = (tags: readonly Tag[] = []): Source<Tag> => listed(tags, ({ key }) => key)

/** As answers show them. */
export const shownTags = (tags: readonly Tag[] = []): readonly GivenTag[] =>
  tags.map(({ key, value }) => ({ Key: key, Value: value }))

const caseless = (key: string): string => key.toLowerCase()
const exactly = (key: string): string => key
