// The AWS CLI and boto3 of this machine, as a user would call them on a server of ours.

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type Credentials, REGION, type ServerProcess } from './server-process.ts'

const run = promisify(execFile)

/** Whether a command is there and does this. */
export const hasCommand = (command: string, ...args: readonly string[]): Promise<boolean> =>
  run(command, args).then(
    () => true,
    () => false,
  )

/** With the administrator's credentials file, unless others are given. */
const environment = ({ dataDir }: ServerProcess, credentials?: Credentials): NodeJS.ProcessEnv => ({
  ...process.env,
  AWS_SHARED_CREDENTIALS_FILE: join(dataDir, 'credentials'),
  AWS_CONFIG_FILE: '/dev/null',
  AWS_REGION: REGION,
  AWS_DEFAULT_REGION: REGION,
  AWS_PAGER: '',
  ...(credentials && {
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  }),
})

// biome-ignore lint/suspicious/noExplicitAny: a test asserts on whatever came
type Answer = any

/** Resolves with the parsed answer, `{}` where there is none; rejects with what the CLI says. */
export const awsCli =
  (server: ServerProcess, credentials?: Credentials) =>
  async (...args: readonly string[]): Promise<Answer> => {
    const { stdout } = await run('aws', [...args, '--endpoint-url', server.url, '--output', 'json'], {
      env: environment(server, credentials),
    })
    return stdout === '' ? {} : JSON.parse(stdout)
  }

/** Runs a script whose `sys.argv[1]` is the URL of the server, and resolves with what it printed. */
export const python = async (server: ServerProcess, script: string): Promise<string> =>
  (await run('python3', ['-c', script, server.url], { env: environment(server) })).stdout
