// The table of `strongroom secret`. What does the work is loaded when a command runs, so that the others start at once.

import { type Command, Option } from 'commander'
import type { ClientOptions } from '../command-line.ts'
import { addClientOptions } from '../options.ts'
import { addOutputOption, type OutputOptions } from '../output.ts'
import { addValueOptions, refuseArgument } from '../value.ts'
import type { DeleteOptions } from './change.ts'
import type { EditOptions } from './edit.ts'
import type { ListOptions } from './list.ts'
import type { PutOptions } from './put.ts'
import type { DiffOptions, GetOptions } from './read.ts'
import type { RotateOptions } from './rotate.ts'

export function addSecretCommands(program: Command): void {
  const secret = program.command('secret').description('secrets: read, write, edit, compare, roll back')
  const on = (name: string, description: string): Command =>
    addClientOptions(secret.command(name).argument('<NAME>', 'name or ARN of the secret')).description(description)

  on('get', 'print the value and nothing else')
    .option('--field <NAME>', 'one member of a value that is a JSON object')
    .option('--version-id <ID>', 'of the version; absent: the current one')
    .option('--stage <LABEL>', 'staging label of the version: AWSPREVIOUS')
    .addOption(new Option('--json', 'all that GetSecretValue answers').conflicts('field'))
    .action(async (name: string, given: GetOptions) => (await import('./read.ts')).getSecret(name, given))

  addOutputOption(addValueOptions(on('put', 'write a value, of a secret that is there or is made')))
    .option('--field <NAME>', 'set one member of a value that is a JSON object; a change that came between is not lost')
    .option('--binary', 'as SecretBinary, also where it is text')
    .addOption(new Option('--create', 'only make a new secret').conflicts('existing'))
    .option('--existing', 'make no new secret')
    .option('--description <TEXT>', 'of the secret')
    .option('--kms-key-id <KEY>', 'which encrypts it; absent: aws/secretsmanager')
    .option('--type <TYPE>', 'the partner of a managed external secret')
    .addOption(new Option('--tag <KEY=VALUE...>', 'of a new secret').conflicts('existing'))
    .addOption(
      new Option('--replica <REGION...>', 'of a new secret: where it is copied to, REGION or REGION=KMS_KEY').conflicts(
        'existing',
      ),
    )
    .action(async (name: string, given: PutOptions, command: Command) => {
      refuseArgument(command)
      await (await import('./put.ts')).putSecret(name, given)
    })

  on('edit', 'change the value in $VISUAL or $EDITOR, on a file in memory')
    .option('--draft <FILE>', 'begin with the text of an edit that was not written')
    .option('--allow-disk', 'also where no folder is in memory')
    .action(async (name: string, given: EditOptions) => (await import('./edit.ts')).editSecret(name, given))

  addOutputOption(addClientOptions(secret.command('list').argument('[PREFIX]', 'how their names begin')))
    .description('list secrets, never their values')
    .option('--name <PREFIX...>', 'filters, as ListSecrets has them; "!" before one turns it around')
    .option('--description <PREFIX...>')
    .option('--tag-key <PREFIX...>')
    .option('--tag-value <PREFIX...>')
    .option('--primary-region <PREFIX...>')
    .option('--owning-service <PREFIX...>')
    .option('--all <TEXT...>', 'in any of these')
    .addOption(new Option('--sort <BY>', 'absent: name').choices(['name', 'created', 'changed', 'accessed']))
    .option('--descending', 'the other way round')
    .option('--include-deleted', 'those too that wait to be deleted')
    .action(async (prefix: string | undefined, given: ListOptions) =>
      (await import('./list.ts')).listSecrets(prefix, given),
    )

  addOutputOption(on('describe', 'tell all that is known of a secret but its value')).action(
    async (name: string, given: ClientOptions & OutputOptions) =>
      (await import('./read.ts')).describeSecret(name, given),
  )
  addOutputOption(on('history', 'list the versions, and how rotations went')).action(
    async (name: string, given: ClientOptions & OutputOptions) =>
      (await import('./list.ts')).secretHistory(name, given),
  )
  addOutputOption(on('diff', 'tell which fields differ between two versions'))
    .argument('[BEFORE]', 'id or staging label of a version; absent: AWSPREVIOUS')
    .argument('[AFTER]', 'the same; absent: AWSCURRENT')
    .option('--show-values', 'print the values too')
    .option('--exit-code', 'exit with 1 where they differ')
    .action(async (name: string, before: string | undefined, after: string | undefined, given: DiffOptions) =>
      (await import('./read.ts')).diffSecret(name, [before, after], given),
    )

  on('rollback', 'make an earlier version current again, by its labels')
    .argument('[VERSION]', 'id or staging label of a version; absent: AWSPREVIOUS')
    .option('--yes', 'do not ask')
    .action(async (name: string, version: string | undefined, given: ClientOptions & { readonly yes?: true }) =>
      (await import('./change.ts')).rollBackSecret(name, version, given),
    )
  on('rotate', 'start a rotation now')
    .option('--wait', 'until it has ended, telling its steps; exits 1 where it fails')
    .option('--lambda-arn <ARN>', 'of the function; absent: the one that the secret has')
    .option('--schedule <EXPRESSION>', 'when it rotates from now on: "rate(30 days)", "cron(0 3 ? * SUN *)"')
    .action(async (name: string, given: RotateOptions) => (await import('./rotate.ts')).rotateSecret(name, given))

  on('delete', 'delete a secret; until its day it can be restored')
    .option('--recovery-days <N>', '7 to 30 (default: 30)')
    .addOption(new Option('--force', 'at once and for good').conflicts('recoveryDays'))
    .option('--yes', 'do not ask')
    .action(async (name: string, given: DeleteOptions) => (await import('./change.ts')).deleteSecret(name, given))
  on('restore', 'take back a deletion').action(async (name: string, given: ClientOptions) =>
    (await import('./change.ts')).restoreSecret(name, given),
  )
  on('tag', 'set tags')
    .argument('<KEY=VALUE...>', 'the tags')
    .action(async (name: string, tags: readonly string[], given: ClientOptions) =>
      (await import('./change.ts')).tagSecret(name, tags, given),
    )
  on('untag', 'remove tags')
    .argument('<KEY...>', 'of the tags')
    .action(async (name: string, keys: readonly string[], given: ClientOptions) =>
      (await import('./change.ts')).untagSecret(name, keys, given),
    )
}
