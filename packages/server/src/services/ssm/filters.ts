// Filters of DescribeParameters and GetParametersByPath: which parameters a caller wants to see. Values of a filter are alternatives; every
// filter must hold. Pure.
// https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_ParameterStringFilter.html

import * as errors from './errors.ts'
import { latestOf } from './model.ts'
import { parentOf, pathsBelow } from './names.ts'
import type { Range, StoredParameter } from './store.ts'

export type Filter = {
  readonly Key: string
  readonly Option?: string | undefined
  readonly Values?: readonly string[] | undefined
}

export type Predicate = (stored: StoredParameter) => boolean

const DESCRIBED = ['Path', 'Name', 'Type', 'KeyId', 'Tier', 'DataType', 'tag:<key>'] as const
const BY_PATH = ['Type', 'KeyId', 'Label'] as const

const ENUMERATIONS: { readonly [key: string]: readonly string[] } = {
  Type: ['String', 'StringList', 'SecureString'],
  Tier: ['Standard', 'Advanced', 'Intelligent-Tiering'],
}

/** @throws ServiceError InvalidFilterKey, InvalidFilterOption, InvalidFilterValue */
export function compileFilters(filters: readonly Filter[]): Predicate {
  const predicates = filters.map((filter) => {
    const { Key } = filter
    if (Key.startsWith('tag:')) return tagPredicate(filter)
    switch (Key) {
      case 'Name':
        return namePredicate(filter)
      case 'Path':
        return pathPredicate(filter)
      case 'Label':
        throw errors.invalidFilterKey(Key, DESCRIBED)
      default:
        return memberPredicate(filter)
    }
  })
  return (stored) => predicates.every((passes) => passes(stored))
}

/** The filters of GetParametersByPath, and the labels of which each parameter must have one. @throws as compileFilters */
export function compilePathFilters(filters: readonly Filter[]): {
  readonly passes: Predicate
  readonly labels: readonly string[] | undefined
} {
  const invalid = filters.find(({ Key }) => !BY_PATH.includes(Key as (typeof BY_PATH)[number]))
  if (invalid !== undefined) throw errors.invalidFilterKey(invalid.Key, BY_PATH)
  const labels = filters.filter(({ Key }) => Key === 'Label').map((filter) => checked(filter, ['Equals']).values)
  return {
    passes: compileFilters(filters.filter(({ Key }) => Key !== 'Label')),
    labels: labels.length === 0 ? undefined : labels.reduce((a, b) => a.filter((label) => b.includes(label))),
  }
}

/** Every parameter that passes has a path in this range. */
export function rangeOf(filters: readonly Filter[]): Range {
  const ranges = filters.flatMap(({ Key, Option, Values = [] }) => {
    if (Key === 'Path') return [span(Values.map((value) => pathsBelow(value === '/' ? '' : value.replace(/\/$/, ''))))]
    if (Key !== 'Name' || Option === 'Contains') return []
    // A tilde comes after every character that a name may have.
    return [span(Values.map(withSlash).map((from) => ({ from, to: `${from}~` })))]
  })
  return {
    from:
      ranges
        .map(({ from }) => from)
        .sort()
        .at(-1) ?? '',
    to: ranges.map(({ to }) => to).sort()[0] ?? '~',
  }
}

type Span = { readonly from: string; readonly to: string }

const span = (spans: readonly Span[]): Span => ({
  from: spans.map(({ from }) => from).sort()[0] ?? '',
  to:
    spans
      .map(({ to }) => to)
      .sort()
      .at(-1) ?? '',
})

/** @throws ServiceError InvalidFilterOption, InvalidFilterValue */
function checked({ Key, Option, Values = [] }: Filter, options: readonly string[]) {
  const option = Option ?? options[0]!
  if (!options.includes(option)) throw errors.invalidFilterOption(option, options)
  if (Values.length === 0) throw errors.filterWithoutValues(Key)
  const allowed = ENUMERATIONS[Key]
  const unknown = option === 'Equals' ? Values.find((value) => allowed?.includes(value) === false) : undefined
  if (unknown !== undefined) throw errors.invalidFilterValue(unknown, allowed!)
  return { option, values: Values }
}

const withSlash = (name: string): string => (name.startsWith('/') ? name : `/${name}`)

function namePredicate(filter: Filter): Predicate {
  const { option, values } = checked(filter, ['Equals', 'BeginsWith', 'Contains'])
  switch (option) {
    case 'Equals':
      return ({ path }) => values.some((value) => withSlash(value) === path)
    case 'BeginsWith':
      return ({ path, parameter: { name } }) =>
        values.some((value) => name.startsWith(value) || (value.startsWith('/') && path.startsWith(value)))
    default:
      return ({ parameter: { name } }) => values.some((value) => name.includes(value))
  }
}

function pathPredicate(filter: Filter): Predicate {
  const { option, values } = checked(filter, ['OneLevel', 'Recursive'])
  const invalid = values.find((value) => !value.startsWith('/'))
  if (invalid !== undefined) throw errors.filterPath(invalid)
  const paths = values.map((value) => (value === '/' ? '' : value.replace(/\/$/, '')))
  return option === 'OneLevel'
    ? ({ path }) => paths.includes(parentOf(path))
    : ({ path }) => paths.some((above) => path.startsWith(`${above}/`))
}

function tagPredicate({ Key, Option = 'Equals', Values = [] }: Filter): Predicate {
  if (Option !== 'Equals' && Option !== 'BeginsWith') throw errors.invalidFilterOption(Option, ['Equals', 'BeginsWith'])
  const key = Key.slice('tag:'.length)
  const fits = matcher(Option, Values)
  return ({ parameter: { tags } }) => tags.some((tag) => tag.key === key && (Values.length === 0 || fits(tag.value)))
}

function memberPredicate(filter: Filter): Predicate {
  const { option, values } = checked(filter, ['Equals', 'BeginsWith'])
  const fits = matcher(option, values)
  return (stored) => {
    const value = memberOf(stored, filter.Key)
    return value !== undefined && fits(value)
  }
}

const matcher = (option: string, values: readonly string[]) =>
  option === 'Equals'
    ? (text: string): boolean => values.includes(text)
    : (text: string): boolean => values.some((value) => text.startsWith(value))

function memberOf({ parameter: { type, details } }: StoredParameter, key: string): string | undefined {
  switch (key) {
    case 'Type':
      return type
    case 'KeyId':
      return details.keyId
    case 'Tier':
      return details.tier
    default:
      return details.dataType
  }
}

/** The version of a parameter that a page of GetParametersByPath shows; undefined where it has none of the labels. */
export function versionShown({ parameter }: StoredParameter, labels: readonly string[] | undefined) {
  if (labels === undefined) return { entry: latestOf(parameter), selector: undefined }
  for (const label of labels) {
    const entry = parameter.versions.find((version) => version.labels.includes(label))
    if (entry !== undefined) return { entry, selector: `:${label}` }
  }
  return undefined
}
