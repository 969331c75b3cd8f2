// The AWS CLI and boto3 of this machine, as a user would call them on a server of ours.

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { type Credentials, REGION, type ServerProcess } from './server-process.ts'

const run = promisify(execFile)

/** Without a start of it, which takes the better part of a second. So does each call: tests prepare and inspect with an SDK. */
export const hasAwsCli = (): boolean =>
  (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, 'aws')))

export const hasBoto3 = (): Promise<boolean> =>
  hasCommand('python3', '-c', 'import importlib.util as u, sys; sys.exit(u.find_spec("boto3") is None)')

/** Whether a command is there and does this. */
export const hasCommand = (command: string, ...args: readonly string[]): Promise<boolean> =>
  run(command, args).then(
    () => true,
    () => false,
  )

type Variables = { readonly [name: string]: string }

/** With the administrator's credentials file, unless others are given. */
const environment = (
  { dataDir }: ServerProcess,
  credentials?: Credentials,
  more: Variables = {},
): NodeJS.ProcessEnv => ({
  ...process.env,
  AWS_SHARED_CREDENTIALS_FILE: join(dataDir, 'credentials'),
  AWS_CONFIG_FILE: '/dev/null',
  AWS_REGION: REGION,
  AWS_DEFAULT_REGION: REGION,
  AWS_PAGER: '',
  ...(credentials && {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    AWS_SESSION_TOKEN: credentials.sessionToken ?? '',
  }),
  ...more,
})

// biome-ignore lint/suspicious/noExplicitAny: a test asserts on whatever came
type Answer = any

/** Resolves with the parsed answer, `{}` where there is none; rejects with what the CLI says. */
export const awsCli =
  (server: ServerProcess, credentials?: Credentials, more?: Variables) =>
  async (...args: readonly string[]): Promise<Answer> => {
    const { stdout } = await run('aws', [...args, '--endpoint-url', server.url, '--output', 'json'], {
      env: environment(server, credentials, more),
    })
    return stdout === '' ? {} : JSON.parse(stdout)
  }

/** Runs a script whose `sys.argv[1]` is the URL of the server, and resolves with what it printed. */
export const python = async (server: ServerProcess, script: string): Promise<string> =>
  (await run('python3', ['-c', script, server.url], { env: environment(server) })).stdout
