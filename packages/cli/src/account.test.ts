// `strongroom account` as a process on a server as a process: what a new account can do, going on after a failure, and closing.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  GetUserCommand,
  IAMClient,
  ListAttachedUserPoliciesCommand,
} from '@aws-sdk/client-iam'
import { CreateAccountCommand, OrganizationsClient } from '@aws-sdk/client-organizations'
import { CreateSecretCommand, GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts'
import { assertRefused, BIN, clientOptions, run, type ServerProcess, serve, temporaryDirectory } from './testing.ts'

type NewAccount = { readonly AccountId: string; readonly AccessKeyId: string; readonly SecretAccessKey: string }

const at = ({ url, dataDir }: ServerProcess) => ['--endpoint-url', url, '--data-dir', dataDir]

/** What the command prints, parsed: one object and nothing else. */
async function account(server: ServerProcess, ...args: readonly string[]) {
  const { code, stdout, stderr } = await run(['account', ...args, ...at(server)])
  assert.equal(code, 0, stderr)
  assert.equal(stderr, '')
  return JSON.parse(stdout)
}

const refuse = async (server: ServerProcess, args: readonly string[], line: RegExp) =>
  assertRefused(await run(['account', ...args, ...at(server)]), line)

/** The options of an SDK client that uses the keys of a new account. */
const optionsOf = (server: ServerProcess, { AccessKeyId, SecretAccessKey }: NewAccount) => ({
  ...clientOptions(server),
  credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey },
})

const until = <C extends { destroy(): void }>(t: TestContext, client: C): C => {
  t.after(() => client.destroy())
  return client
}

test('a new account has an administrator, holds its own secrets, and is listed', async (t) => {
  const server = await serve(t)
  const made: NewAccount = await account(server, 'create', 'team-a', '--email', 'team-a@example.com')
  assert.deepEqual(Object.keys(made), ['AccountId', 'AccessKeyId', 'SecretAccessKey'])
  const sts = until(t, new STSClient(optionsOf(server, made)))
  const { Account, Arn } = await sts.send(new GetCallerIdentityCommand({}))
  assert.deepEqual([Account, Arn], [made.AccountId, `arn:aws:iam::${made.AccountId}:user/admin`])

  const secrets = until(t, new SecretsManagerClient(optionsOf(server, made)))
  await secrets.send(new CreateSecretCommand({ Name: 'app/db', SecretString: 'theirs' }))
  const first = until(t, new SecretsManagerClient(clientOptions(server)))
  await assert.rejects(first.send(new GetSecretValueCommand({ SecretId: 'app/db' })), {
    name: 'ResourceNotFoundException',
  })

  const { Accounts } = await account(server, 'list')
  assert.deepEqual(Accounts.map(({ Name }: { readonly Name: string }) => Name).sort(), ['first account', 'team-a'])
  const team = Accounts.find(({ Id }: { readonly Id: string }) => Id === made.AccountId)
  assert.deepEqual([team.Email, team.Status, team.JoinedMethod], ['team-a@example.com', 'ACTIVE', 'CREATED'])
})

test('the same name makes one account, whatever characters it has; another --user-name makes another user in it', async (t) => {
  const server = await serve(t)
  for (const name of ['team', 'Team', `Team ${'\u0021'.repeat(45)}`]) {
    const made: NewAccount = await account(server, 'create', name)
    await refuse(
      server,
      ['create', name],
      new RegExp(
        `^strongroom: account ${made.AccountId} is there, and its user admin has the access key ${made.AccessKeyId}: `,
      ),
    )
    const other: NewAccount = await account(server, 'create', name, '--user-name', 'second')
    assert.equal(other.AccountId, made.AccountId)
  }
  assert.equal((await account(server, 'list')).Accounts.length, 4)
})

test('an account that was left halfway is completed by the same command', async (t) => {
  const server = await serve(t)
  const create = ['create', 'team', '--email', 'team@example.com']
  const { AccountId }: NewAccount = await account(server, ...create, '--user-name', 'witness')
  const witness: NewAccount = await account(server, ...create, '--user-name', 'other')
  const iam = until(t, new IAMClient(optionsOf(server, witness)))

  // A user without policy and without key, as where the command was killed after CreateUser.
  await iam.send(new CreateUserCommand({ UserName: 'admin' }))
  const made: NewAccount = await account(server, ...create)
  assert.equal(made.AccountId, AccountId)
  const { AttachedPolicies } = await iam.send(new ListAttachedUserPoliciesCommand({ UserName: 'admin' }))
  assert.deepEqual(
    AttachedPolicies!.map(({ PolicyName }) => PolicyName),
    ['AdministratorAccess'],
  )

  // The key of a user whose key was lost on the way can be deleted and made again.
  await iam.send(new DeleteAccessKeyCommand({ UserName: 'admin', AccessKeyId: made.AccessKeyId }))
  const again: NewAccount = await account(server, ...create)
  assert.equal(again.AccountId, AccountId)
  await iam.send(new CreateAccessKeyCommand({ UserName: 'admin' }))
  const sts = until(t, new STSClient(optionsOf(server, again)))
  assert.equal((await sts.send(new GetCallerIdentityCommand({}))).Account, AccountId)
})

test('what stands in the way is told in one line', async (t) => {
  const server = await serve(t)
  const organizations = until(t, new OrganizationsClient(clientOptions(server)))
  const { CreateAccountStatus: status } = await organizations.send(
    new CreateAccountCommand({ AccountName: 'team', Email: 'team@example.com', RoleName: 'AnotherRole' }),
  )
  const id = status!.AccountId
  const email = ['--email', 'team@example.com']
  await refuse(
    server,
    ['create', 'other', ...email],
    new RegExp(`^strongroom: --email team@example\\.com belongs to account ${id} \\(team\\): give another address\n`),
  )
  await refuse(
    server,
    ['create', 'team', ...email],
    new RegExp(
      `^strongroom: account ${id} is there, but its user is not: .* \\(AccessDenied\\)\\. The same command again`,
    ),
  )
  await refuse(
    server,
    ['create', 'bad', '--email', 'x'],
    /^strongroom: .* shorter than allowed\. \(InvalidInputException\)\n/,
  )
  await refuse(server, ['create', 'bad', '--email', '.x@example.com'], /^strongroom: --email .*\(INVALID_EMAIL\)\n/)
  await refuse(server, ['create', 'bad\u00e9'], /required pattern\. \(InvalidInputException\)\n/)
  await refuse(
    server,
    ['create', 'odd', '--user-name', 'a/b'],
    /^strongroom: account \d{12} is there, but its user is not: /,
  )
  const made: NewAccount = await account(server, 'create', 'odd')

  const keys = { AWS_ACCESS_KEY_ID: made.AccessKeyId, AWS_SECRET_ACCESS_KEY: made.SecretAccessKey }
  const member = await run(['account', 'list', '--endpoint-url', server.url], keys)
  assertRefused(member, /^strongroom: You don't have permissions to access this resource\. \(AccessDeniedException\)\n/)
  const nobody = await run(['account', 'list', '--endpoint-url', server.url], { ...keys, AWS_SECRET_ACCESS_KEY: 'x' })
  assertRefused(nobody, /^strongroom: .* \(\w*Signature\w*\)\n/)

  const { dataDir } = server
  assert.equal(await server.end(), 0)
  const gone = await run(['account', 'list', '--endpoint-url', server.url, '--data-dir', dataDir])
  assertRefused(gone, /^strongroom: no server answers at http:\/\/127\.0\.0\.1:\d+ \(ECONNREFUSED\): /)
  const none = await run(['account', 'list', '--data-dir', temporaryDirectory(t)])
  assertRefused(none, /^strongroom: \S+credentials cannot be read \(ENOENT\): /)
})

test('a closed account is refused, keeps its address, and comes back when the operator reopens it', async (t) => {
  const server = await serve(t)
  const made: NewAccount = await account(server, 'create', 'team')
  const iam = until(t, new IAMClient(optionsOf(server, made)))
  await refuse(server, ['close', made.AccountId], /^strongroom: --yes is missing: /)
  await iam.send(new GetUserCommand({}))

  assert.deepEqual(await account(server, 'close', made.AccountId, '--yes'), {
    AccountId: made.AccountId,
    Status: 'SUSPENDED',
  })
  await assert.rejects(iam.send(new GetUserCommand({})), { name: 'InvalidClientTokenId' })
  await refuse(server, ['close', made.AccountId, '--yes'], /^strongroom: This account is already closed\. /)
  await refuse(
    server,
    ['create', 'team'],
    new RegExp(`^strongroom: account ${made.AccountId} \\(team\\) is there and closed: `),
  )
  const first = (await account(server, 'list')).Accounts.find(({ Name }: { readonly Name: string }) => Name !== 'team')
  await refuse(server, ['close', first.Id, '--yes'], /^strongroom: .* \(ConstraintViolationException\)\n/)
  await refuse(server, ['close', '000000000000'], /^strongroom: .* \(AccountNotFoundException\)\n/)

  const reopen = (id: string) => run(['admin', 'reopen-account', id, '--data-dir', server.dataDir])
  const reopened = await reopen(made.AccountId)
  assert.deepEqual(JSON.parse(reopened.stdout), { accountId: made.AccountId, status: 'ACTIVE' })
  await iam.send(new GetUserCommand({}))
  assertRefused(await reopen(made.AccountId), /^strongroom: account \d{12} is not closed\n/)
  assertRefused(await reopen('000000000000'), /^strongroom: there is no account 000000000000\n/)
})

test('on a terminal the id is asked for, and anything else closes nothing', async (t) => {
  if (!existsSync('/usr/bin/script')) return t.skip('script(1), which makes a terminal, is not installed')
  const server = await serve(t)
  const { AccountId }: NewAccount = await account(server, 'create', 'team')
  const command = [process.execPath, BIN, 'account', 'close', AccountId, ...at(server)].join(' ')
  const answer = async (text: string) => {
    const log = join(temporaryDirectory(t), 'log')
    const asked = promisify(execFile)('/usr/bin/script', ['-qec', command, log])
    asked.child.stdin!.end(`${text}\n`)
    return asked.then(
      ({ stdout }) => stdout,
      (error) => String(error.stdout),
    )
  }
  assert.match(await answer('y'), /Type its id to close it: [\s\S]*strongroom: nothing was closed\r?\n/)
  assert.match(await answer(AccountId), /\(team\) will be let in any more[\s\S]*"Status": "SUSPENDED"/)
})
