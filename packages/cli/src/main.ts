// The commands of `strongroom`. What goes wrong is one line on standard error and exit code 1.

import { resolve } from 'node:path'
import { callAdmin, NoServerError } from '@strongroom/server/admin/client.ts'
import { AdminError, type AdminInput } from '@strongroom/server/admin/command.ts'
import {
  ConfigurationError,
  type GivenOptions,
  loadConfig,
  loadDataDir,
  loadNewRootKey,
  options,
} from '@strongroom/server/config.ts'
import { type Command, CommanderError } from 'commander'
import { addAdviseCommand } from './advise/command.ts'
import { addAgentCommand } from './agent.ts'
import { type ClientOptions, connectionOf, print, printWhether } from './command-line.ts'
import { addCompletionCommands } from './completion/commands.ts'
import type { NewDatabase } from './database.ts'
import { addDoctorCommand } from './doctor/command.ts'
import { addExportCommand } from './export/command.ts'
import { addImportCommands } from './import/commands.ts'
import { addClientOptions, addDataDirOptions, addServerOptions } from './options.ts'
import { printable } from './output.ts'
import { addParameterCommands } from './parameter/commands.ts'
import type { NewAssociation } from './pod-identity.ts'
import type { ExplainOptions } from './policy.ts'
import { newProgram } from './program.ts'
import { addRunCommand } from './run/command.ts'
import { addSecretCommands } from './secret/commands.ts'
import { UsageError } from './usage-error.ts'

/** Runs one command line. Sets the exit code; `serve` returns when the server has stopped. */
export async function main(args: readonly string[]): Promise<void> {
  if (args[0] !== 'serve') outliveReaders()
  try {
    await createProgram().parseAsync([...args], { from: 'user' })
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode !== 0) process.exitCode = 1
    } else if (error instanceof ConfigurationError || error instanceof AdminError || error instanceof UsageError) {
      process.stderr.write(`strongroom: ${printable(error.message)}\n`)
      process.exitCode = 1
    } else throw error
  }
}

/**
 * Whoever reads may have seen enough, as in `strongroom import … | head -1`: what was begun is done to its end all the same, and its exit code is as
 * ever. Output that cannot be written for another reason is an error.
 */
function outliveReaders(): void {
  let failed = false
  process.stdout.on('error', ({ code }: NodeJS.ErrnoException) => {
    // After the first one each attempt fails.
    if (failed) return
    failed = true
    if (code === 'EPIPE') return
    process.exitCode = 1
    process.stderr.write(`strongroom: standard output cannot be written (${code})\n`)
  })
  // There is nobody to tell.
  process.stderr.on('error', () => undefined)
}

function createProgram(): Command {
  const program = newProgram().description('AWS Secrets Manager that you run yourself')

  addServerOptions(program.command('serve'))
    .description('run the server')
    .action(async (given: GivenOptions) => {
      const config = loadConfig(given)
      // The server is loaded only here, so that the other commands start at once.
      const { runServer } = await import('@strongroom/server/start.ts')
      await runServer(config)
    })

  addAgentCommand(program)
  addRunCommand(program)
  addSecretCommands(program)
  addParameterCommands(program)

  const admin = program.command('admin').description('what only the operator of the machine may do')
  addDataDirOptions(admin.command('recover'))
    .description("make a new access key for the first account's administrator and write it to the credentials file")
    .action((given: GivenOptions) => ask(given, 'admin/recover'))
  addDataDirOptions(admin.command('reopen-account').argument('<ACCOUNT_ID>', 'the 12 digits of a closed account'))
    .description('let a closed account in again, with everything that is in it')
    .action((accountId: string, given: GivenOptions) => ask(given, 'admin/reopen-account', { accountId }))

  addDataDirOptions(program.command('backup').argument('<FILE>', 'a file that does not exist yet'))
    .description('copy the database of a running server to a file')
    .action((file: string, given: GivenOptions) => ask(given, 'backup', { file: resolve(file) }))

  addServerOptions(program.command('restore').argument('<FILE>', 'a file that backup wrote'))
    .description('put a backup into a data directory, or a PostgreSQL database, that has no content')
    .action(async (file: string, given: GivenOptions) => {
      const config = loadConfig(given)
      const [{ restoreOffline }, { exitWith }] = await loadServer()
      print(await restoreOffline(config, resolve(file)).catch(exitWith))
    })

  const rootKey = program.command('root-key').description('the keys that open the keyring, each by a slot of it')
  addDataDirOptions(rootKey.command('status', { isDefault: true }))
    .description('tell which slots the keyring has, where their root keys are, and which keys are in use')
    .action((given: GivenOptions) => ask(given, 'root-key/status'))
  addDataDirOptions(rootKey.command('verify'))
    .description('try every root key of the server; exits 1 where one of the slots does not open')
    .action(async (given: GivenOptions) => printWhether(await callAdmin(loadDataDir(given), 'root-key/verify')))
  addDataDirOptions(rootKey.command('add').argument('<WHERE>', `where the key is: ${options.rootKey.allowed}`))
    .description('let one more root key open the keyring')
    .option('--shares <N>', 'of shamir: how many shares to make, 2 to 16')
    .option('--threshold <T>', 'of shamir: how many of them open the keyring')
    .action(async (where: string, given: GivenOptions & { readonly shares?: string; readonly threshold?: string }) => {
      const { shares, threshold } = given
      if ((where === 'shamir') !== (shares !== undefined && threshold !== undefined))
        throw new UsageError('--shares and --threshold go with shamir, and shamir with both')
      if (where !== 'shamir') return ask(given, 'root-key/add', loadNewRootKey(where, 'root-key add'))
      const input = { newRootKey: where, shares: Number(shares), threshold: Number(threshold) }
      const { texts, ...told } = await callAdmin(loadDataDir(given), 'root-key/add', input)
      // One line for each holder, and nothing else.
      for (const text of texts as readonly string[]) process.stdout.write(`${text}\n`)
      process.stderr.write(`${JSON.stringify(told)}\n`)
    })
  addDataDirOptions(rootKey.command('remove').argument('<SLOT>', 'the id of a slot, as status tells it'))
    .description('remove a slot, so that its root key opens the keyring no more; never the last one')
    .action((slot: string, given: GivenOptions) => ask(given, 'root-key/remove', { slot }))
  addDataDirOptions(rootKey.command('rotate'))
    .description('seal the keyring under a new root key')
    .option(
      '--new-root-key <WHERE>',
      `where it is: ${options.rootKey.allowed}; absent: the server makes one in the place of the file in use`,
    )
    .action((given: GivenOptions & { readonly newRootKey?: string }) =>
      ask(
        given,
        'root-key/rotate',
        given.newRootKey === undefined ? {} : loadNewRootKey(given.newRootKey, '--new-root-key'),
      ),
    )
  addDataDirOptions(rootKey.command('retire'))
    .description("close out every root key but the server's: old ones, and those of rotations that did not finish")
    .action((given: GivenOptions) => ask(given, 'root-key/retire'))

  addDataDirOptions(program.command('unseal'))
    .description('give the server one share of its root key, from standard input or without showing what is typed')
    .action(async (given: GivenOptions) => {
      const { readShare } = await import('./share.ts')
      await ask(given, 'unseal', { share: await readShare() })
    })
  addDataDirOptions(program.command('seal-status'))
    .description('tell whether the server is sealed, and how many shares it was given')
    .action((given: GivenOptions) => ask(given, 'seal-status'))

  const domainKeys = program.command('domain-keys').description('the keys that seal rows and key material')
  addDataDirOptions(domainKeys.command('rotate'))
    .description('make new domain keys and wrap key material anew')
    .action((given: GivenOptions) => ask(given, 'domain-keys/rotate'))

  const audit = program.command('audit').description('the audit trail')
  addServerOptions(audit.command('verify'))
    .description('find events that were edited, removed or reordered; needs no running server, but its root key then')
    .action(async (given: GivenOptions) => {
      printWhether(
        await callAdmin(loadDataDir(given), 'audit/verify').catch(async (error: unknown) => {
          if (!(error instanceof NoServerError)) throw error
          const config = loadConfig(given)
          const [{ verifyOffline }, { exitWith }] = await loadServer()
          return verifyOffline(config).catch(exitWith)
        }),
      )
    })

  addDataDirOptions(program.command('health'))
    .description('ask a running server how it is; exits 1 where it cannot do its work')
    .action(async (given: GivenOptions) => printWhether(await callAdmin(loadDataDir(given), 'health')))

  addDoctorCommand(program)

  const clock = program.command('clock').description('the service clock of a server started with --test-clock')
  addClientOptions(clock.command('advance').argument('<DURATION>', 'an ISO 8601 duration: P7D, PT5S'))
    .description(
      'move the clock of schedules and deletion windows ahead; signed with the credentials of the environment',
    )
    .action(async (duration: string, given: ClientOptions) => {
      const { advanceClock } = await import('./clock.ts')
      print(await advanceClock(duration, await connectionOf(given)))
    })

  const rotation = program.command('rotation').description('rotations of secrets, beyond what the AWS tools tell')
  const onSecret = (name: string, description: string): Command =>
    addClientOptions(rotation.command(name).argument('<SECRET>', 'name or ARN of the secret')).description(description)
  onSecret('history', 'list the latest rotations of a secret, step by step').action(
    async (secretId: string, given: ClientOptions) => {
      const { listRotations } = await import('./rotation.ts')
      print(await listRotations(secretId, await connectionOf(given)))
    },
  )
  onSecret('dry-run', 'have the rotation function test the current value; nothing is changed').action(
    async (secretId: string, given: ClientOptions) => {
      const { dryRunRotation } = await import('./rotation.ts')
      printWhether(await dryRunRotation(secretId, await connectionOf(given)))
    },
  )
  onSecret('abandon', 'give up a rotation that is under way or stuck, so that another one can begin')
    .option('--force', 'also where the new value may be set already')
    .action(async (secretId: string, given: ClientOptions & { readonly force?: true }) => {
      const { abandonRotation } = await import('./rotation.ts')
      print(await abandonRotation(secretId, given.force ?? false, await connectionOf(given)))
    })
  onSecret('rollback', 'move AWSCURRENT back to the version before').action(
    async (secretId: string, given: ClientOptions) => {
      const { rollBackRotation } = await import('./rotation.ts')
      print(await rollBackRotation(secretId, await connectionOf(given)))
    },
  )

  program
    .command('rotators')
    .description('the ready-made rotation functions of the server')
    .command('list', { isDefault: true })
    .description('what each rotates, and the members of the secret and options that it reads')
    .action(async () => print((await import('./rotators.ts')).listRotators()))

  const session = program.command('session').description('sessions of roles, made by AssumeRole')
  addClientOptions(session.command('revoke').argument('<ACCESS_KEY_ID>', 'of the session: ASIA...'))
    .description('end a session of your account on every server; signed with the credentials of the environment')
    .action(async (accessKeyId: string, given: ClientOptions) => {
      const { revokeSession } = await import('./session.ts')
      print(await revokeSession(accessKeyId, await connectionOf(given)))
    })

  const database = program
    .command('database')
    .description('databases whose master passwords can be managed, as RDS does it')
  const IDENTIFIER = ['<IDENTIFIER>', 'of the DB instance or cluster'] as const
  const CLUSTER = ['--cluster', 'a DB cluster, in the place of a DB instance'] as const
  addClientOptions(database.command('register').argument(...IDENTIFIER))
    .description('make an endpoint of a database a DB instance or cluster; its password is read from standard input')
    .requiredOption(
      '--engine <ENGINE>',
      'postgres, mariadb or mysql; of a cluster also aurora-postgresql, aurora-mysql',
    )
    .requiredOption('--host <NAME>', 'name or address, which TLS verifies')
    .requiredOption('--port <N>', 'of the database')
    .requiredOption('--username <NAME>', 'the master user')
    .option('--password-file <FILE>', 'its password as it is now, in the place of standard input')
    .option('--db-name <NAME>', 'database to log in to')
    .option('--ca <FILE>', 'certificate authorities of the database in PEM, beside those that the server knows')
    .option(...CLUSTER)
    .option('--await-create', 'show it once CreateDBInstance or CreateDBCluster has taken it')
    .option('--no-tls', 'connect without TLS')
    .option('--no-login', 'do not try whether the master user can log in')
    .action(async (identifier: string, given: ClientOptions & NewDatabase) => {
      const { registerDatabase } = await import('./database.ts')
      print(await registerDatabase(identifier, given, await connectionOf(given)))
    })
  addClientOptions(database.command('list'))
    .description('list the registered databases of your account in the Region')
    .action(async (given: ClientOptions) => {
      const { listDatabases } = await import('./database.ts')
      print(await listDatabases(await connectionOf(given)))
    })
  addClientOptions(database.command('show').argument(...IDENTIFIER))
    .description('show a registered database, and why a password was last refused there')
    .option(...CLUSTER)
    .action(async (identifier: string, given: ClientOptions & { readonly cluster?: boolean }) => {
      const { showDatabase } = await import('./database.ts')
      print(await showDatabase(identifier, given.cluster === true, await connectionOf(given)))
    })
  addClientOptions(database.command('deregister').argument(...IDENTIFIER))
    .description('forget a registered database, which is not touched')
    .option(...CLUSTER)
    .option('--force', 'also where its password is managed: the secret stays, and is not rotated any more')
    .action(
      async (identifier: string, given: ClientOptions & { readonly cluster?: boolean; readonly force?: boolean }) => {
        const { deregisterDatabase } = await import('./database.ts')
        print(await deregisterDatabase(identifier, given, await connectionOf(given)))
      },
    )

  const podIdentity = program
    .command('pod-identity')
    .description('which service accounts of Kubernetes get which roles')
  addClientOptions(podIdentity.command('create'))
    .description('give the pods of a service account a role of your account, which must trust pods.eks.amazonaws.com')
    .requiredOption('--provider <ARN>', "of the OIDC provider of the cluster's issuer")
    .requiredOption('--cluster-name <NAME>', 'what sessions are tagged with as eks-cluster-name')
    .requiredOption('--namespace <NAME>', 'of the service account')
    .requiredOption('--service-account <NAME>', 'the service account')
    .requiredOption('--role-arn <ARN>', 'of the role')
    .action(async (given: ClientOptions & NewAssociation) => {
      const { createAssociation } = await import('./pod-identity.ts')
      print(await createAssociation(given, await connectionOf(given)))
    })
  addClientOptions(podIdentity.command('list'))
    .description('list the associations of your account')
    .action(async (given: ClientOptions) => {
      const { listAssociations } = await import('./pod-identity.ts')
      print(await listAssociations(await connectionOf(given)))
    })
  addClientOptions(podIdentity.command('delete').argument('<ASSOCIATION_ID>', 'a-...'))
    .description('end an association; sessions that were given out go on until they expire')
    .action(async (associationId: string, given: ClientOptions) => {
      const { deleteAssociation } = await import('./pod-identity.ts')
      print(await deleteAssociation(associationId, await connectionOf(given)))
    })

  const oidcProvider = program
    .command('oidc-provider')
    .description('keys of OIDC providers that the server cannot reach')
  const ARN = ['<ARN>', 'of the provider: arn:aws:iam::ACCOUNT:oidc-provider/ISSUER'] as const
  addClientOptions(
    oidcProvider
      .command('set-keys')
      .argument(...ARN)
      .argument('<FILE>', 'a JWK Set in JSON'),
  )
    .description(
      'check tokens of the provider with these public keys, in the place of all it had, and not call its issuer',
    )
    .action(async (arn: string, file: string, given: ClientOptions) => {
      const { setProviderKeys } = await import('./oidc-provider.ts')
      print(await setProviderKeys(arn, file, await connectionOf(given)))
    })
  addClientOptions(oidcProvider.command('get-keys').argument(...ARN))
    .description('tell the keys that were set')
    .action(async (arn: string, given: ClientOptions) => {
      const { getProviderKeys } = await import('./oidc-provider.ts')
      print(await getProviderKeys(arn, await connectionOf(given)))
    })
  addClientOptions(oidcProvider.command('remove-keys').argument(...ARN))
    .description('forget the keys that were set: the issuer is asked for its keys again')
    .action(async (arn: string, given: ClientOptions) => {
      const { removeProviderKeys } = await import('./oidc-provider.ts')
      print(await removeProviderKeys(arn, await connectionOf(given)))
    })

  const policy = program.command('policy').description('what policies say, and why')
  addClientOptions(policy.command('explain'))
    .description('tell why a principal of your account may do something, or may not, and what to do about it')
    .option('--principal <ARN>', 'a user, a role, a session of a role; absent: whose credentials sign')
    .option('--action <ACTION>', 'secretsmanager:GetSecretValue')
    .option('--resource <ARN>', 'what it is done to; absent: *')
    .option('--context <KEY=VALUE...>', 'condition keys in the place of those that the request would have')
    .option('--session-policy <JSON>', 'of a session of a role: the policy that was passed for it')
    .option('--session-policy-arn <ARN...>', 'of a session of a role: managed policies that were passed for it')
    .option('--message <TEXT>', 'ask about a refused call, by its header x-strongroom-authorization-message')
    .option('--event <ID>', 'ask about a refused call, by its event in the trail')
    .option('--request-id <ID>', 'the same, by its request id')
    .option('--json', 'print the explanation as JSON')
    .action(async (given: ClientOptions & ExplainOptions & { readonly json?: true }) => {
      const { explainAccess, explanationText } = await import('./policy.ts')
      const explained = await explainAccess(given, await connectionOf(given))
      if (given.json) print(explained)
      else process.stdout.write(explanationText(explained))
    })

  addAdviseCommand(program)
  addImportCommands(program)
  addExportCommand(program)

  const account = program.command('account').description('AWS accounts on the server, through the AWS APIs')
  addClientOptions(account.command('create').argument('<NAME>', 'what the account is called'))
    .description('make an account and a user who may do everything in it; prints the keys of the user once')
    .option('--email <ADDRESS>', 'the address of the account, in no other; absent: one made of its name')
    .option('--user-name <NAME>', 'the name of the user', 'admin')
    .action(async (name: string, given: ClientOptions & { readonly email?: string; readonly userName: string }) => {
      const { createAccount } = await import('./account.ts')
      print(await createAccount(await connectionOf(given), name, given))
    })
  addClientOptions(account.command('list'))
    .description('list the accounts, closed ones too')
    .action(async (given: ClientOptions) => {
      const { listAccounts } = await import('./account.ts')
      print(await listAccounts(await connectionOf(given)))
    })
  addClientOptions(account.command('close').argument('<ACCOUNT_ID>', 'the 12 digits of the account'))
    .description('close an account: nothing of it is let in any more; its data stays')
    .option('--yes', 'do not ask')
    .action(async (accountId: string, given: ClientOptions & { readonly yes?: true }) => {
      const { closeAccount, confirmClosing } = await import('./account.ts')
      print(await closeAccount(await connectionOf(given), accountId, given.yes ? undefined : confirmClosing))
    })

  addCompletionCommands(program)
  return program
}

async function ask(given: GivenOptions, command: string, input: AdminInput = {}): Promise<void> {
  print(await callAdmin(loadDataDir(given), command, input))
}

/** Only here, so that the other commands start at once. */
const loadServer = () => Promise.all([import('@strongroom/server/offline.ts'), import('@strongroom/server/start.ts')])
