// The command line's options, made from the server's table of options.

import { commandLineName, optionNames, options } from '@strongroom/server/config.ts'
import { type Command, Option } from 'commander'

/** Every option of the server. Values stay text: config.ts parses them, whatever they came from. */
export function addServerOptions(command: Command): Command {
  command.option('--config <FILE>', 'configuration file in JSON: {"port": 4650}')
  for (const name of optionNames) {
    const option: { value?: string; help: string; default: unknown; repeatable?: true; environmentOnly?: true } =
      options[name]
    if (option.environmentOnly) continue
    const flag = `--${commandLineName(name)}`
    if (option.value === undefined) {
      command.addOption(new Option(flag, option.help))
      // Takes back what the environment or the file switched on.
      command.addOption(new Option(`--no-${commandLineName(name)}`).hideHelp())
      continue
    }
    const shown = String(option.default) === '' ? '' : ` (default: ${option.default})`
    const added = new Option(`${flag} <${option.value}>`, `${option.help}${shown}`)
    if (option.repeatable) {
      added.argParser((value: string, previous: readonly string[] | undefined) => [...(previous ?? []), value])
    }
    command.addOption(added)
  }
  return command
}

/** What names the server that a command talks to. */
export const addDataDirOptions = (command: Command): Command =>
  command
    .option('--config <FILE>', 'configuration file of the server')
    .option(`--data-dir <${options.dataDir.value}>`, `${options.dataDir.help} (default: ${options.dataDir.default})`)

/** What names the server that a command calls as an AWS client, and the keys it signs with. */
export const addClientOptions = (command: Command): Command =>
  addDataDirOptions(command).option(
    '--endpoint-url <URL>',
    'the server; absent: AWS_ENDPOINT_URL, else http://127.0.0.1:4650',
  )
