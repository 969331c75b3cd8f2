// The commands of `strongroom import`, for main.ts.

import { type Command, Option } from 'commander'
import type { OpenOptions } from '../export/keys.ts'
import { addClientOptions } from '../options.ts'
import { addOutputOption } from '../output.ts'
import type { SourceOptions } from './clients.ts'
import { addConcurrencyOption } from './concurrency.ts'
import type { DotenvOptions } from './dotenv-source.ts'
import type { ImportOptions } from './import.ts'
import { addSelectionOptions, repeatable, type SelectionOptions, selectionOf } from './selection.ts'
import type { VaultOptions } from './vault-client.ts'
import type { KvSelection } from './vault-source.ts'

export function addImportCommands(program: Command): void {
  const group = program.command('import').description('bring secrets and parameters here from elsewhere')

  addTargetOptions(addMappingOptions(addSelectionOptions(group.command('aws'))))
    .description(
      'from AWS, or from another Strongroom: versions, labels, tags, policies; the same command again goes on',
    )
    .option('--source-endpoint-url <URL>', 'of another Strongroom; absent: AWS')
    .option('--source-region <REGION>', 'absent: the Region of the target')
    .option('--source-profile <NAME>', 'of the credentials file; absent: the credentials of the environment')
    .action(async (names: readonly string[], given: ImportOptions & SourceOptions & SelectionOptions) => {
      const selection = selectionOf(names, given)
      const [{ importFrom }, { awsSource }, { openSource }] = await Promise.all([
        import('./import.ts'),
        import('./aws-source.ts'),
        import('./clients.ts'),
      ])
      await importFrom(async () => awsSource(await openSource(given), selection), given)
    })

  addTargetOptions(group.command('dotenv').argument('<FILE>', 'NAME=value lines'))
    .description('from a dotenv file: one JSON secret, or a secret or parameter for each variable')
    .option('--secret <NAME>', 'one secret of this name, with the variables as JSON')
    .addOption(new Option('--each <KIND>', 'one of each variable').choices(['secret', 'parameter']))
    .option('--prefix <TEXT>', 'of --each: put before the names of the variables')
    .action(async (file: string, given: ImportOptions & DotenvOptions) => {
      const [{ importFrom }, { dotenvSource }] = await Promise.all([
        import('./import.ts'),
        import('./dotenv-source.ts'),
      ])
      const { source, warnings } = dotenvSource(file, given)
      for (const warning of warnings) process.stderr.write(`strongroom: ${warning}\n`)
      await importFrom(() => source, given)
    })

  addTargetOptions(group.command('vault-kv'))
    .description('from a KV secrets engine of HashiCorp Vault or OpenBao, version 1 or 2')
    .option('--address <URL>', 'of Vault; absent: VAULT_ADDR')
    .option('--token-file <FILE>', 'absent: VAULT_TOKEN, else ~/.vault-token')
    .option('--namespace <NAME>', 'absent: VAULT_NAMESPACE')
    .option('--ca <FILE>', 'certificate authorities of Vault in PEM; absent: VAULT_CACERT')
    .option('--mount <PATH>', 'of the secrets engine', 'secret')
    .option('--path <PATH>', 'secrets at and below this path', '')
    .option('--prefix <TEXT>', 'put before their paths', '')
    .addOption(new Option('--kv-version <N>', 'of the engine; absent: Vault is asked').choices(['1', '2']))
    .action(async (given: ImportOptions & VaultOptions & KvSelection) => {
      const [{ importFrom }, { vaultSource }, { vaultClient }] = await Promise.all([
        import('./import.ts'),
        import('./vault-source.ts'),
        import('./vault-client.ts'),
      ])
      await importFrom(() => vaultSource(vaultClient(given), given), given)
    })

  addTargetOptions(addMappingOptions(group.command('archive').argument('<FILE>', 'that `export` wrote')))
    .description('from an archive of strongroom export')
    .option('--identity-file <FILE>', 'identities of age that open it; absent: a passphrase')
    .option('--passphrase-file <FILE>', 'its first line is the passphrase; absent: it is asked for')
    .action(async (file: string, given: ImportOptions & OpenOptions) => {
      const [{ importFrom }, { archiveSource }] = await Promise.all([
        import('./import.ts'),
        import('./archive-source.ts'),
      ])
      await importFrom(() => archiveSource(file, given), given)
    })
}

/** What every import has. */
function addTargetOptions(command: Command): Command {
  command
    .option('--dry-run', 'tell what would be done, and write nothing')
    .option('--overwrite', 'what the target has of its own gets the current value of the source as a new version')
  return addOutputOption(addClientOptions(addConcurrencyOption(command)))
}

const addMappingOptions = (command: Command): Command =>
  command
    .addOption(repeatable('--kms-key <SOURCE=TARGET>', 'a key, and the one in its place; * for all others, default'))
    .addOption(repeatable('--account <SOURCE=TARGET>', 'an account that policies name, and the one in its place'))
    .addOption(repeatable('--function <SOURCE=TARGET>', 'the ARN of a rotation function, and of the one in its place'))
    .option('--no-policies', 'leave resource policies out')
    .option('--rotation', 'turn rotation on where it is on at the source; turn it off there first')
