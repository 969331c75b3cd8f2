// `strongroom export`, for main.ts.

import { type Command, Option } from 'commander'
import { addConcurrencyOption } from '../import/concurrency.ts'
import { addSelectionOptions, repeatable, type SelectionOptions, selectionOf } from '../import/selection.ts'
import { addClientOptions } from '../options.ts'
import { addOutputOption } from '../output.ts'
import type { ExportOptions } from './export.ts'

export function addExportCommand(program: Command): void {
  const command = program
    .command('export')
    .description('write secrets and parameters to an encrypted file, which `import archive` reads')
    .argument('<FILE>', 'a file that does not exist yet; with --plaintext, - for standard output')
  addSelectionOptions(command)
    .addOption(repeatable('--recipient <KEY>', 'encrypt to this recipient of age: age1…; absent: to a passphrase'))
    .option('--passphrase-file <FILE>', 'its first line is the passphrase; absent: it is asked for')
    .addOption(
      new Option('--plaintext <FORMAT>', 'not encrypted: json, or dotenv with the current values alone').choices([
        'json',
        'dotenv',
      ]),
    )
  addConcurrencyOption(command)
  addOutputOption(addClientOptions(command)).action(
    async (file: string, names: readonly string[], given: ExportOptions & SelectionOptions) => {
      const { exportTo } = await import('./export.ts')
      await exportTo(file, selectionOf(names, given), given)
    },
  )
}
