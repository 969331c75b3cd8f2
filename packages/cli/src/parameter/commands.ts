// The table of `strongroom parameter`. What does the work is loaded when a command runs, so that the others start at once.

import { type Command, Option } from 'commander'
import type { ClientOptions } from '../command-line.ts'
import { addClientOptions } from '../options.ts'
import { addOutputOption, type OutputOptions } from '../output.ts'
import { addValueOptions, refuseArgument } from '../value.ts'
import type { ListOptions } from './read.ts'
import type { PutOptions } from './write.ts'

const TYPES = ['String', 'StringList', 'SecureString'] as const

export function addParameterCommands(program: Command): void {
  const parameter = program.command('parameter').description('parameters of Parameter Store: read, write, label')
  const on = (name: string, description: string): Command =>
    addClientOptions(parameter.command(name).argument('<NAME>', 'name or ARN of the parameter')).description(
      description,
    )

  on('get', 'print the value, decrypted, and nothing else; NAME:VERSION and NAME:LABEL work')
    .option('--json', 'all that GetParameter answers')
    .action(async (name: string, given: ClientOptions & { readonly json?: true }) =>
      (await import('./read.ts')).getParameter(name, given),
    )

  addOutputOption(addValueOptions(on('put', 'write a value, of a parameter that is there or is made')))
    .addOption(new Option('--create', 'only make a new parameter').conflicts('existing'))
    .option('--existing', 'make no new parameter')
    .addOption(new Option('--type <TYPE>', 'absent: SecureString of a new one, else what it is').choices(TYPES))
    .option('--description <TEXT>', 'of the parameter')
    .option('--key-id <KEY>', 'which encrypts a SecureString; absent: alias/aws/ssm')
    .addOption(new Option('--tier <TIER>').choices(['Standard', 'Advanced', 'Intelligent-Tiering']))
    .option('--allowed-pattern <REGEX>', 'what values must match')
    .option('--data-type <TYPE>', 'text, or what else the server knows')
    .option('--policies <JSON>', 'of an advanced parameter')
    .addOption(new Option('--tag <KEY=VALUE...>', 'of a new parameter').conflicts('existing'))
    .action(async (name: string, given: PutOptions, command: Command) => {
      refuseArgument(command)
      await (await import('./write.ts')).putParameter(name, given)
    })

  const PREFIX = ['[PREFIX]', 'a path, with all below it, or how names begin'] as const
  addOutputOption(addClientOptions(parameter.command('list').argument(...PREFIX)))
    .description('list parameters, without their values')
    .addOption(new Option('--type <TYPE>', 'only those').choices(TYPES))
    .option('--show-values', 'print the values too, decrypted')
    .action(async (prefix: string | undefined, given: ListOptions) =>
      (await import('./read.ts')).listParameters(prefix, given),
    )

  addOutputOption(on('history', 'list the versions; the values of a SecureString are hidden'))
    .option('--show-values', 'print them too, decrypted')
    .action(async (name: string, given: ClientOptions & OutputOptions & { readonly showValues?: true }) =>
      (await import('./read.ts')).parameterHistory(name, given),
    )

  addClientOptions(parameter.command('delete').argument('<NAME...>', 'of the parameters'))
    .description('delete parameters for good')
    .option('--yes', 'do not ask')
    .action(async (names: readonly string[], given: ClientOptions & { readonly yes?: true }) =>
      (await import('./write.ts')).deleteParameters(names, given),
    )

  on('label', 'give a version labels, which other versions lose')
    .argument('<VERSION>', 'number of the version')
    .argument('<LABEL...>', 'the labels')
    .option('--remove', 'take the labels away')
    .action(
      async (
        name: string,
        version: string,
        labels: readonly string[],
        given: ClientOptions & { readonly remove?: boolean },
      ) => (await import('./write.ts')).labelParameter(name, version, labels, given),
    )
}
