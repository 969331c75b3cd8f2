// Tags of keys: told apart to the letter, 50 at most.
// https://docs.aws.amazon.com/kms/latest/developerguide/tagging-keys.html

import type { Context } from '../../policy/engine.ts'
import { tagFault } from './errors.ts'
import type { Tag } from './model.ts'

const TAGS_MAX = 50

type GivenTag = { readonly TagKey: string; readonly TagValue: string }

/** Condition keys that the tags of a request give. */
export const requestTagContext = (given: readonly GivenTag[] = []): Context =>
  given.length === 0
    ? {}
    : {
        ...Object.fromEntries(given.map(({ TagKey, TagValue }) => [`aws:RequestTag/${TagKey}`, TagValue])),
        'aws:TagKeys': given.map(({ TagKey }) => TagKey),
      }

/** The tags with those of a request, which take the place of those with the same key. @throws TagException, LimitExceededException */
export function withTags(tags: readonly Tag[] = [], given: readonly GivenTag[] = []): readonly Tag[] {
  const keys = new Set(given.map(({ TagKey }) => TagKey))
  if (keys.size < given.length) throw tagFault('Duplicate tag keys')
  if (given.some(({ TagKey }) => /^aws:/i.test(TagKey))) throw tagFault('Tag keys beginning with aws: are reserved')
  const all = [
    ...tags.filter(({ key }) => !keys.has(key)),
    ...given.map(({ TagKey, TagValue }) => ({ key: TagKey, value: TagValue })),
  ]
  if (all.length > TAGS_MAX) throw tagFault('Too many tags')
  return all
}

export const shownTags = (tags: readonly Tag[] = []): readonly GivenTag[] =>
  tags.map(({ key, value }) => ({ TagKey: key, TagValue: value }))
