// Tags of functions: what policies see of them, how they are put on and taken off.
// https://docs.aws.amazon.com/lambda/latest/dg/configuration-tags.html

import type { Context } from '../../policy/engine.ts'
import * as errors from './errors.ts'
import { TAGS_MAX } from './model.ts'

type Tags = { readonly [key: string]: string }

/** Condition keys that the tags of a function give. */
export const tagContext = (tags: Tags): Context =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:ResourceTag/${key}`, value]))

/** Condition keys that the tags of a request give. */
export const requestTagContext = (tags: Tags = {}): Context => ({
  ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:RequestTag/${key}`, value])),
  ...(Object.keys(tags).length > 0 && { 'aws:TagKeys': Object.keys(tags) }),
})

const KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u
const VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u

/** The tags with those of a request, which take the place of those with the same key. @throws InvalidParameterValueException */
export function withTags(tags: Tags, given: Tags = {}): Tags {
  for (const [key, value] of Object.entries(given)) {
    if (key.toLowerCase().startsWith('aws:')) throw errors.reservedTagKey()
    if (!KEY.test(key) || !VALUE.test(value)) throw errors.tagInvalid()
  }
  const all = { ...tags, ...given }
  if (Object.keys(all).length > TAGS_MAX) throw errors.tooManyTags(TAGS_MAX)
  return all
}

/** Keys that are not there are nothing to remove. */
export const withoutTags = (tags: Tags, keys: readonly string[]): Tags =>
  Object.fromEntries(Object.entries(tags).filter(([key]) => !keys.includes(key)))
