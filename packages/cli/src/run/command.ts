// `strongroom run` on the command line.

import type { Command } from 'commander'
import { addClientOptions } from '../options.ts'
import type { RunOptions } from './run.ts'

const each = (value: string, previous: readonly string[] = []): readonly string[] => [...previous, value]

export function addRunCommand(program: Command): void {
  // What follows the name of the command is the command's, also where somebody left out the --.
  const run = program
    .enablePositionalOptions()
    .command('run')
    .passThroughOptions()
    .argument('<COMMAND...>', 'after --, with its arguments')
    .description('start a command with secrets and parameters as variables, or as files in memory')
  addClientOptions(run)
    .option('--env <NAME=SECRET>', 'a variable; SECRET may be SECRET#member, of JSON, or ssm:/path/name', each)
    .option('--env-from <SECRET>', 'a variable for each member of it; ssm:/path/ for each parameter there', each)
    .option('--prefix <TEXT>', 'before the names that --env-from gives')
    .option(
      '--env-file <FILE>',
      'variables NAME=VALUE; strongroom://SECRET#member is a secret, here and in the environment',
      each,
    )
    .option('--file <NAME=SECRET>', 'a file in memory; the variable has its path', each)
    .option('--allow-disk', 'put the files of --file on a disk where no place is in memory')
    .option('--no-aws-credentials', 'keep the variables with our own credentials from the command')
    .option('--on-rotation <WHAT>', 'restart, signal=NAME or ignore', 'ignore')
    .option('--kill-after <SECONDS>', 'of a restart: from SIGTERM to SIGKILL', '10')
    .option('--jitter <SECONDS>', 'wait up to so long, by chance, before a restart or signal', '0')
    .action(async ([command, ...args]: readonly [string, ...string[]], given: RunOptions) => {
      const { runCommand } = await import('./run.ts')
      process.exitCode = await runCommand(command, args, given)
    })
}
