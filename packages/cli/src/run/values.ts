// The environment and the files of a command, from what it asked for and what the server has.

import { isMembers, parseJson } from '../json-text.ts'
import { UsageError } from '../usage-error.ts'
import type { Named, Plan, Variables } from './plan.ts'
import type { Found, Reader, Value } from './reader.ts'
import type { ParameterPath, Reference, Source } from './references.ts'

export type Resolved = {
  readonly environment: Variables
  /** Their content, by the name of the variable that is to hold the path. */
  readonly files: ReadonlyMap<string, Uint8Array>
  /** The same for as long as no value changes. It holds none. */
  readonly versions: string
}

/** Names by which what runs is changed, and not what it is told: whoever may write a secret would run code. */
const LOADED_BY = new RegExp(
  `^(${[
    'PATH|IFS|ENV|BASH_ENV|SHELLOPTS|BASHOPTS|PS4|PROMPT_COMMAND|HOME|SHELL|ZDOTDIR|FPATH',
    'LD_.*|DYLD_.*|GCONV_PATH|OPENSSL_(CONF|ENGINES|MODULES)',
    'NODE_(OPTIONS|PATH|REPL_EXTERNAL_MODULE)|BUN_OPTIONS|NPM_CONFIG_.*',
    'PYTHON.*|PERL5?.*|RUBY(LIB|OPT)|GEM_(HOME|PATH)|BUNDLE_GEMFILE|PHPRC|PHP_INI_SCAN_DIR|LUA_(INIT|PATH|CPATH).*',
    'JAVA_TOOL_OPTIONS|_JAVA_OPTIONS|JDK_JAVA_OPTIONS|CLASSPATH|DOTNET_STARTUP_HOOKS|CORECLR_.*|ERL_.*',
    'GIT_.*|EDITOR|VISUAL|PAGER|LESSOPEN|LESSCLOSE|KUBECONFIG|AWS_CONFIG_FILE|AWS_SHARED_CREDENTIALS_FILE',
  ].join('|')})$`,
)

/** Every secret and parameter that is named by itself. */
export function sourcesOf({ referred, groups, variables, files }: Plan): readonly Source[] {
  const named = [...referred, ...variables, ...files].map(({ reference }) => reference.source)
  const sources = [...named, ...groups.filter((group) => 'id' in group)]
  return [...new Map(sources.map((source) => [keyOf(source), source])).values()]
}

/** Everything is read before anything is given. @throws UsageError that names what is not to be had, and holds no value */
export async function resolve(plan: Plan, reader: Reader): Promise<Resolved> {
  const sources = sourcesOf(plan)
  const paths = plan.groups.filter((group) => 'path' in group)
  const [values, founds] = await Promise.all([
    reader.readAll(sources),
    Promise.all(paths.map((path) => reader.readPath(path))),
  ])
  const contentOf = new Map(sources.map((source, at) => [keyOf(source), values[at]!]))
  const foundOf = new Map(paths.map((path, at) => [path, founds[at]!]))
  const text = ({ name, reference }: Named): string => {
    const value = partOf(reference, contentOf.get(keyOf(reference.source))!)
    if (typeof value === 'string') return forVariable(value, `${name}, of ${reference.source.id},`)
    throw new UsageError(`${reference.source.id} is binary: give it by --file ${name}=…`)
  }
  const environment: Record<string, string> = { ...plan.base }
  for (const named of plan.referred) environment[named.name] = text(named)
  const grouped = new Map<string, string>()
  for (const group of plan.groups) {
    const entries = 'path' in group ? foundOf.get(group)! : membersOf(group, contentOf.get(keyOf(group))!)
    for (const { name, text } of entries) addGrouped(grouped, variableName(plan.prefix, name, idOf(group)), text, group)
  }
  for (const [name, value] of grouped) environment[name] = value
  for (const named of plan.variables) environment[named.name] = text(named)
  const files = plan.files.map(({ name, reference }) => {
    const value = partOf(reference, contentOf.get(keyOf(reference.source))!)
    return [name, typeof value === 'string' ? Buffer.from(value) : value] as const
  })
  const versions = [...values, ...founds.flat()].map(({ version }) => version)
  const names = founds.flat().map(({ name }) => name)
  return { environment, files: new Map(files), versions: JSON.stringify([versions, names]) }
}

const keyOf = ({ kind, id }: Source): string => `${kind} ${id}`
const idOf = (group: Source | ParameterPath): string => ('path' in group ? group.path : group.id)

/** The bytes of a binary secret, else text. */
function partOf({ source, member }: Reference, value: Value): string | Uint8Array {
  if (member === undefined) return value.text ?? value.bytes
  const members = objectOf(source, value)
  if (!Object.hasOwn(members, member)) throw new UsageError(`${source.id} has no member ${member}`)
  return textOf(members[member])
}

const membersOf = (source: Source, value: Value): readonly Omit<Found, 'version'>[] =>
  Object.entries(objectOf(source, value)).map(([name, member]) => ({ name, text: textOf(member) }))

function objectOf({ id }: Source, { text }: Value): { readonly [member: string]: unknown } {
  const parsed = parseJson(text ?? '')
  if (isMembers(parsed)) return parsed
  throw new UsageError(`${id} is no JSON object, so that it has no members`)
}

const textOf = (member: unknown): string => (typeof member === 'string' ? member : JSON.stringify(member))

function forVariable(text: string, what: string): string {
  if (text.includes('\0')) throw new UsageError(`${what} holds a NUL, which no variable can: give it by --file`)
  return text
}

/** `db/password` is DB_PASSWORD. */
function variableName(prefix: string, name: string, id: string): string {
  const variable = `${prefix}${name.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')}`
  if (!/^[A-Z_a-z]/.test(variable)) {
    throw new UsageError(`${id} has a member whose name begins with no letter: give a --prefix, or name it by --env`)
  }
  if (LOADED_BY.test(variable)) {
    throw new UsageError(`${id} would set ${variable}, which changes what runs: give a --prefix, or name it by --env`)
  }
  return variable
}

function addGrouped(grouped: Map<string, string>, name: string, text: string, group: Source | ParameterPath): void {
  if (grouped.has(name)) throw new UsageError(`--env-from gives ${name} twice, the second time from ${idOf(group)}`)
  grouped.set(name, forVariable(text, `${name}, of ${idOf(group)},`))
}
