// Filters of ListSecrets and BatchGetSecretValue: which secrets a caller wants to see. Pure.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/manage_search-secret.html

import * as errors from './errors.ts'

export type FilterKey = 'all' | 'description' | 'name' | 'owning-service' | 'primary-region' | 'tag-key' | 'tag-value'

export type Filter = { readonly Key?: FilterKey | undefined; readonly Values?: readonly string[] | undefined }

/** What a filter looks at. */
export type Searchable = {
  readonly name: string
  readonly description?: string | undefined
  readonly tags: readonly { readonly key: string; readonly value: string }[]
  readonly primaryRegion?: string | undefined
  readonly owningService?: string | undefined
  readonly type?: string | undefined
}

export type SecretPredicate = (secret: Searchable) => boolean

/**
 * A secret passes if it passes every filter. It passes one filter if it matches any of its plain values, or if there are none,
 * and none of its values that begin with `!`.
 * @throws InvalidParameterException for a filter without a key or without values.
 */
export function compileFilters(filters: readonly Filter[]): SecretPredicate {
  const predicates = filters.map((filter) => {
    const { key, wanted, unwanted } = parse(filter)
    const wantedMatchers = wanted.map((value) => matcher(key, value))
    const unwantedMatchers = unwanted.map((value) => matcher(key, value))
    return (secret: Searchable): boolean =>
      (wantedMatchers.length === 0 || wantedMatchers.some((matches) => matches(secret))) &&
      !unwantedMatchers.some((matches) => matches(secret))
  })
  return (secret) => predicates.every((passes) => passes(secret))
}

/** Every secret that passes the filters has a name with `from <= name < to`, in byte order; undefined where all names are possible. */
export type NameRange = { readonly from: string; readonly to: string }

export function nameRange(filters: readonly Filter[]): NameRange | undefined {
  const froms: string[] = []
  const tos: string[] = []
  for (const filter of filters) {
    const { key, wanted } = parse(filter)
    if (key !== 'name' || wanted.length === 0) continue
    froms.push([...wanted].sort()[0] as string)
    // A tilde comes after every character that a name may have. The end of the last prefix is not always the furthest: `a` covers `ab`.
    tos.push(
      wanted
        .map((prefix) => `${prefix}~`)
        .sort()
        .at(-1) as string,
    )
  }
  return froms.length === 0 ? undefined : { from: froms.sort().at(-1) as string, to: tos.sort()[0] as string }
}

/**
 * Words in lower case, cut at everything that is neither letter nor digit, between letters and digits, and where an upper-case letter
 * follows a lower-case one: `db-Main2 userName` has `db`, `main`, `2`, `user`, `name`.
 */
export const finelyCut = (text: string): readonly string[] =>
  wordsOf(text.replace(/\p{Ll}(?=\p{Lu})/gu, '$& ').replace(/[\p{L}\p{M}](?=\p{N})|\p{N}(?=\p{L})/gu, '$& '))

/** Words in lower case, cut at everything that is neither letter nor digit. */
export const wordsOf = (text: string): readonly string[] =>
  text
    .toLowerCase()
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => word !== '')

function parse(filter: Filter): { readonly key: FilterKey; readonly wanted: string[]; readonly unwanted: string[] } {
  if (filter.Key === undefined) throw errors.filterWithoutKey()
  if (filter.Values === undefined || filter.Values.length === 0) throw errors.filterWithoutValues(filter.Key)
  return {
    key: filter.Key,
    wanted: filter.Values.filter((value) => !value.startsWith('!')),
    unwanted: filter.Values.filter((value) => value.startsWith('!')).map((value) => value.slice(1)),
  }
}

function matcher(key: FilterKey, value: string): SecretPredicate {
  switch (key) {
    case 'name':
      return (secret) => secret.name.startsWith(value)
    case 'description': {
      const words = wordsOf(value)
      return ({ description }) => description !== undefined && everyWordBegins(words, wordsOf(description))
    }
    case 'tag-key':
      return (secret) => secret.tags.some((tag) => tag.key.startsWith(value))
    case 'tag-value':
      return (secret) => secret.tags.some((tag) => tag.value.startsWith(value))
    case 'primary-region':
      return (secret) => secret.primaryRegion?.startsWith(value) ?? false
    case 'owning-service':
      return (secret) => secret.owningService?.startsWith(value) ?? false
    case 'all': {
      // What is searched is cut both ways, so that `username` finds `userName` as well as `UserName` does.
      const words = finelyCut(value)
      return (secret) =>
        everyWordBegins(
          words,
          attributesOf(secret).flatMap((text) => [...finelyCut(text), ...wordsOf(text)]),
        )
    }
  }
}

const attributesOf = (secret: Searchable): readonly string[] => [
  secret.name,
  ...(secret.description === undefined ? [] : [secret.description]),
  ...secret.tags.flatMap((tag) => [tag.key, tag.value]),
  ...(secret.primaryRegion === undefined ? [] : [secret.primaryRegion]),
  ...(secret.owningService === undefined ? [] : [secret.owningService]),
  ...(secret.type === undefined ? [] : [secret.type]),
]

const everyWordBegins = (wanted: readonly string[], words: readonly string[]): boolean =>
  wanted.every((prefix) => words.some((word) => word.startsWith(prefix)))
