// What may stand at the cursor of a command line: commands, options, what an option takes, and names of secrets and parameters, if the
// server tells them at once.

import type { Command, Option } from 'commander'
import { type ClientOptions, connectionOf } from '../command-line.ts'
import { type AwsCall, signedCall } from '../signed-call.ts'

/** A person waits. */
const NAMES_MS_MAX = 1_000
const NAMES_MAX = 50

/** Lines for a script of ./scripts.ts. `words` is what follows `strongroom`, the last one perhaps empty. */
export async function complete(program: Command, words: readonly string[]): Promise<readonly string[]> {
  const word = words.at(-1) ?? ''
  const { command, option, given, place } = parse(program, words.slice(0, -1))
  if (option !== undefined) return valuesOf(option, word)
  if (word.startsWith('--') && word.includes('=')) {
    const at = word.indexOf('=') + 1
    const named = optionOf(command, word.slice(0, at - 1))
    const values = named === undefined ? [] : valuesOf(named, word.slice(at))
    return values.filter((line) => !line.startsWith(':')).map((line) => `${word.slice(0, at)}${line}`)
  }
  if (word.startsWith('-')) return optionsOf(command, word)
  if (command.commands.length > 0) return commandsOf(command, word)
  return argumentsOf(command, place, word, given)
}

/** Where the words lead: the command, the option that waits for its value, and how many arguments stand there. */
function parse(program: Command, words: readonly string[]) {
  let command = program
  let option: Option | undefined
  let place = 0
  const given: { [name: string]: string } = {}
  for (const word of words) {
    if (option !== undefined && !word.startsWith('-')) {
      given[option.attributeName()] = word
      if (!option.variadic) option = undefined
    } else if (word.startsWith('-')) {
      const [name, value] = word.split('=', 2)
      option = optionOf(command, name!)
      if (option?.isBoolean()) option = undefined
      else if (option !== undefined && value !== undefined) {
        given[option.attributeName()] = value
        option = undefined
      }
    } else {
      const sub = command.commands.find((one) => one.name() === word)
      if (sub === undefined) place += 1
      else command = sub
    }
  }
  // What may go on may as well have ended: its next value is completed only where it has none.
  if (option?.variadic && given[option.attributeName()] !== undefined) option = undefined
  return { command, option, given, place }
}

const optionOf = (command: Command, flag: string): Option | undefined =>
  command.options.find(({ long, short }) => long === flag || short === flag)

const line = (value: string, about = ''): string => `${value}\t${about.split('\n')[0]}`

const commandsOf = (command: Command, word: string): readonly string[] =>
  command
    .createHelp()
    .visibleCommands(command)
    .filter((one) => one.name().startsWith(word))
    .map((one) => line(one.name(), one.description()))

const optionsOf = (command: Command, word: string): readonly string[] =>
  command
    .createHelp()
    .visibleOptions(command)
    .flatMap(({ long, description }) => (long?.startsWith(word) ? [line(long, description)] : []))

function valuesOf(option: Option, word: string): readonly string[] {
  if (option.argChoices !== undefined) {
    return option.argChoices.filter((choice) => choice.startsWith(word)).map((choice) => line(choice))
  }
  return /<(FILE|DIR)>/.test(option.flags) ? [':files'] : []
}

async function argumentsOf(command: Command, place: number, word: string, given: ClientOptions) {
  const args = command.registeredArguments
  const argument = args[place] ?? (args.at(-1)?.variadic ? args.at(-1) : undefined)
  if (argument === undefined) return []
  if (argument.name() === 'FILE') return [':files']
  const lister = LISTERS[`${command.parent?.name()} ${argument.name()}`]
  if (lister === undefined) return []
  const names = await Promise.race([findNames(lister, word, given), after(NAMES_MS_MAX)])
  return names.filter((name) => name.startsWith(word)).map((name) => line(name))
}

type Lister = { readonly aws: AwsCall; readonly input: (prefix: string) => object; readonly member: string }

const SECRETS: Lister = {
  aws: { service: 'secretsmanager', target: 'secretsmanager.ListSecrets' },
  input: (prefix) => ({
    MaxResults: NAMES_MAX,
    SortBy: 'name',
    SortOrder: 'asc',
    ...(prefix !== '' && { Filters: [{ Key: 'name', Values: [prefix] }] }),
  }),
  member: 'SecretList',
}

const PARAMETERS: Lister = {
  aws: { service: 'ssm', target: 'AmazonSSM.DescribeParameters' },
  input: (prefix) => ({
    MaxResults: NAMES_MAX,
    ...(prefix !== '' && { ParameterFilters: [{ Key: 'Name', Option: 'BeginsWith', Values: [prefix] }] }),
  }),
  member: 'Parameters',
}

/** By group and name of the argument. */
const LISTERS: { readonly [place: string]: Lister } = {
  'secret NAME': SECRETS,
  'secret PREFIX': SECRETS,
  'rotation SECRET': SECRETS,
  'parameter NAME': PARAMETERS,
  'parameter PREFIX': PARAMETERS,
}

/** What names can have. Bash puts on the command line what it is given: nothing there may be a command, or a pattern. */
const NAME = /^[\w/+=.@!-]{1,2048}$/

/** None where the server refuses, or is not there: completion says nothing of its own. */
async function findNames(lister: Lister, prefix: string, given: ClientOptions): Promise<readonly string[]> {
  type Answer = { readonly [member: string]: readonly { readonly Name: string }[] }
  try {
    const answer = await signedCall<Answer>('/', lister.input(prefix), await connectionOf(given), lister.aws)
    return (answer[lister.member] ?? []).map(({ Name }) => Name).filter((name) => NAME.test(name))
  } catch {
    return []
  }
}

/** An answer that comes later is not waited for: the process ends. */
const after = (timeMs: number): Promise<readonly string[]> =>
  new Promise((resolve) => setTimeout(() => resolve([]), timeMs).unref())
