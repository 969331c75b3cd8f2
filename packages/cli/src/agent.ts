// `strongroom agent`: the local agent. bin/strongroom.js runs it without the rest of the command line, so that it starts at once and stays small.

import type { GivenOptions } from '@strongroom/agent/config.ts'
import { type Command, CommanderError } from 'commander'
import { trustBundle } from './ca-bundle.ts'
import { newProgram } from './program.ts'
import { UsageError } from './usage-error.ts'

export const addAgentCommand = (program: Command): Command =>
  program
    .command('agent')
    .description(
      'serve secrets and parameters to this machine, from a cache, as the agent of AWS and its Lambda extension do',
    )
    .option('--config <FILE>', 'configuration file in TOML')
    .option('--port <N>', 'on 127.0.0.1; 0 takes a free one (default: 2773)')
    .option('--socket <PATH>', 'a Unix socket to listen on besides')
    .action(async (given: GivenOptions) => {
      const { loadConfig } = await import('@strongroom/agent/config.ts')
      const { runAgent } = await import('@strongroom/agent/start.ts')
      const config = await loadConfig(given)
      // Of a profile or of AWS, an endpoint is https as a rule.
      trustBundle(URL.parse(process.env.AWS_ENDPOINT_URL ?? '') ?? new URL('https://amazonaws.com'))
      await runAgent(config)
    })

/** Runs the one command. Sets the exit code. */
export async function main(args: readonly string[]): Promise<void> {
  const { StartError } = await import('@strongroom/agent/start-error.ts')
  const program = newProgram()
  addAgentCommand(program).copyInheritedSettings(program)
  try {
    await program.parseAsync([...args], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 1
    else if (error instanceof StartError || error instanceof UsageError) {
      process.stderr.write(`strongroom: ${error.message}\n`)
      process.exitCode = 1
    } else throw error
  }
}
