// Which secrets and parameters of a source are meant: the options of `import aws`, `import archive` and `export`.

import { type Command, Option } from 'commander'
import { UsageError } from '../usage-error.ts'
import type { Tag } from './item.ts'

export type SelectionOptions = {
  readonly prefix?: string
  readonly filter?: readonly string[]
  readonly tag?: readonly string[]
  readonly parameters?: string
  readonly secrets: boolean
  readonly allVersions?: true
}

export type Selection = {
  /** Of secrets; none: all that the rest selects. */
  readonly names: readonly string[]
  readonly prefix?: string
  /** Of ListSecrets. */
  readonly filters: readonly { readonly key: string; readonly values: readonly string[] }[]
  readonly tags: readonly Tag[]
  /** Parameters below this path, or one of this name; absent: none. */
  readonly parameters?: string
  readonly secrets: boolean
  /** Deprecated versions of secrets too. */
  readonly allVersions: boolean
}

const FILTER_KEYS = ['name', 'description', 'tag-key', 'tag-value', 'primary-region', 'owning-service', 'all']

export const addSelectionOptions = (command: Command): Command =>
  command
    .argument('[NAMES...]', 'names or ARNs of secrets; absent: all that the options select')
    .option('--prefix <TEXT>', 'secrets whose names begin so')
    .addOption(repeatable('--filter <KEY=VALUE>', `filter of ListSecrets: ${FILTER_KEYS.join(', ')}`))
    .addOption(repeatable('--tag <KEY=VALUE>', 'secrets that have this tag'))
    .option('--parameters <PATH>', 'parameters below this path too, with their history; / for all')
    .addOption(new Option('--no-secrets', 'only parameters'))
    .option('--all-versions', 'versions without staging labels too')

/** An option that may be given several times. Not as a list behind one: names could follow. */
export const repeatable = (flags: string, help: string): Option =>
  new Option(flags, `${help}; may be given several times`).argParser(
    (value: string, before: readonly string[] | undefined) => [...(before ?? []), value],
  )

/** @throws UsageError */
export function selectionOf(names: readonly string[], given: SelectionOptions): Selection {
  const { prefix, filter = [], tag = [], parameters, secrets, allVersions = false } = given
  if (names.length > 0 && (prefix !== undefined || filter.length > 0 || tag.length > 0)) {
    throw new UsageError('names stand for themselves: leave out --prefix, --filter and --tag')
  }
  if (!secrets && (names.length > 0 || prefix !== undefined || filter.length > 0 || tag.length > 0)) {
    throw new UsageError('--no-secrets goes with --parameters alone')
  }
  if (!secrets && parameters === undefined) throw new UsageError('nothing is selected: --no-secrets needs --parameters')
  if (parameters !== undefined && !/^\/?[\w./-]+$/.test(parameters)) {
    throw new UsageError(`--parameters ${parameters} is not a path: /app/db`)
  }
  const filters = filter.map((text) => pair('--filter', text)).map(([key, value]) => ({ key, values: [value] }))
  for (const { key } of filters) {
    if (!FILTER_KEYS.includes(key)) throw new UsageError(`--filter ${key} is not one of ${FILTER_KEYS.join(', ')}`)
  }
  return {
    names,
    ...(prefix !== undefined && { prefix }),
    filters,
    tags: tag.map((text) => pair('--tag', text)).map(([Key, Value]) => ({ Key, Value })),
    ...(parameters !== undefined && { parameters }),
    secrets,
    allVersions,
  }
}

function pair(option: string, text: string): readonly [string, string] {
  const at = text.indexOf('=')
  if (at < 1) throw new UsageError(`${option} ${text} is not KEY=VALUE`)
  return [text.slice(0, at), text.slice(at + 1)]
}
