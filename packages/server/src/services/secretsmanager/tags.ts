// Tags as requests name them: what policies see of them, and how they are taken off. model.ts puts them on.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/managing-secrets_tagging.html

import type { Context } from '../../policy/engine.ts'
import * as errors from './errors.ts'
import type { Tag } from './model.ts'

type GivenTag = { readonly Key?: string | undefined; readonly Value?: string | undefined }

/** Condition keys that the tags of a request give. */
export const requestTagContext = (given: readonly GivenTag[]): Context => ({
  ...Object.fromEntries(given.map(({ Key = '', Value = '' }) => [`aws:RequestTag/${Key}`, Value])),
  ...tagKeysContext(given.map(({ Key = '' }) => Key)),
})

/** The condition key that the tag keys of a request give. */
export const tagKeysContext = (keys: readonly string[]): Context => ({ 'aws:TagKeys': keys })

/** The tags without those of `keys`; keys that are not there are nothing to remove. @throws InvalidParameterException for a key of AWS's own. */
export function withoutTags(tags: readonly Tag[], keys: readonly string[]): readonly Tag[] {
  if (keys.some((key) => key.toLowerCase().startsWith('aws:'))) throw errors.reservedTagKey()
  return tags.filter((tag) => !keys.includes(tag.key))
}

export const sameTags = (a: readonly Tag[], b: readonly Tag[]): boolean =>
  a.length === b.length && a.every((tag, index) => tag.key === b[index]?.key && tag.value === b[index]?.value)
