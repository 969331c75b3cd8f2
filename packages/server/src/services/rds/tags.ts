// Tags of databases: what policies see of them, how they are put on and taken off.
// https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/USER_Tagging.html

import type { Context } from '../../policy/engine.ts'
import * as errors from './errors.ts'
import { type Kind, TAGS_MAX, type Tag } from './model.ts'

type Given = readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[]

/** Condition keys that the tags of a database give. https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonrds.html */
export const resourceTagContext = (kind: Kind, tags: readonly Tag[]): Context =>
  Object.fromEntries(
    tags.flatMap(({ key, value }) => [
      [`aws:ResourceTag/${key}`, value],
      [`rds:${kind}-tag/${key}`, value],
    ]),
  )

/** Condition keys that the tags of a request give. */
export const requestTagContext = (given: Given = []): Context => ({
  ...Object.fromEntries(
    given.flatMap(({ Key = '', Value = '' }) => [
      [`aws:RequestTag/${Key}`, Value],
      [`rds:req-tag/${Key}`, Value],
    ]),
  ),
  ...(given.length > 0 && { 'aws:TagKeys': given.map(({ Key = '' }) => Key) }),
})

const KEY = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{1,128}$/u
const VALUE = /^[\p{L}\p{Z}\p{N}_.:/=+\-@]{0,256}$/u

/** The tags with those of a request, which take the place of those with the same key. @throws InvalidParameterValue */
export function withTags(tags: readonly Tag[], given: Given = []): readonly Tag[] {
  const all = new Map(tags.map(({ key, value }) => [key, value]))
  for (const { Key = '', Value = '' } of given) {
    if (Key.toLowerCase().startsWith('aws:') || Key.toLowerCase().startsWith('rds:')) {
      throw errors.invalidValue('Tag keys cannot begin with aws: or rds:.')
    }
    if (!KEY.test(Key) || !VALUE.test(Value)) throw errors.invalidValue(`The tag with the key ${Key} is not valid.`)
    all.set(Key, Value)
  }
  if (all.size > TAGS_MAX) throw errors.invalidValue(`A resource has at most ${TAGS_MAX} tags.`)
  return [...all].map(([key, value]) => ({ key, value }))
}

/** Keys that are not there are nothing to remove. */
export const withoutTags = (tags: readonly Tag[], keys: readonly string[]): readonly Tag[] =>
  tags.filter(({ key }) => !keys.includes(key))

export const shownTags = (tags: readonly Tag[]) => tags.map(({ key, value }) => ({ Key: key, Value: value }))
