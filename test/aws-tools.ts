// The AWS CLI and boto3 of this machine, as a user would call them on a server of ours.

import { execFile, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { type Credentials, REGION, type ServerProcess } from './server-process.ts'

const run = promisify(execFile)

/** Without a start of it, which takes the better part of a second. A call takes some tenths: tests prepare and inspect with an SDK. */
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
    const all = [...args, '--endpoint-url', server.url, '--output', 'json']
    const env = environment(server, credentials, more)
    host ??= startHost()
    const { stdout } = await ((await host)?.(all, env) ?? run('aws', all, { env }))
    return stdout === '' ? {} : JSON.parse(stdout)
  }

type Host = (args: readonly string[], env: NodeJS.ProcessEnv) => Promise<{ readonly stdout: string }>
type HostAnswer = { readonly code: number; readonly stdout: string; readonly stderr: string }

let host: Promise<Host | undefined> | undefined

/** One AWS CLI for all commands of this process. Undefined where its modules are out of reach, as those of its bundled installer are. */
async function startHost(): Promise<Host | undefined> {
  if (!(await hasCommand('python3', '-c', 'import awscli.clidriver'))) return undefined
  const child = spawn('python3', [join(import.meta.dirname, 'aws_cli.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
  // Where nothing else goes on this process ends, and the host with its standard input.
  const streams = [child, child.stdin, child.stdout] as unknown as readonly { ref(): void; unref(): void }[]
  for (const stream of streams) stream.unref()
  let last: Promise<unknown> = Promise.resolve()
  const ask = async (args: readonly string[], env: NodeJS.ProcessEnv): Promise<{ readonly stdout: string }> => {
    for (const stream of streams) stream.ref()
    try {
      child.stdin.write(`${JSON.stringify({ args, env })}\n`)
      const line = await lines.next()
      if (line.done) throw new Error('the AWS CLI ended')
      const { code, stdout, stderr } = JSON.parse(line.value) as HostAnswer
      if (code === 0) return { stdout }
      throw Object.assign(new Error(`aws ${args.join(' ')} failed: ${stderr}`), { code, stdout, stderr })
    } finally {
      for (const stream of streams) stream.unref()
    }
  }
  return (args, env) => {
    const answer = last.then(() => ask(args, env))
    last = answer.catch(() => undefined)
    return answer
  }
}

/** Runs a script whose `sys.argv[1]` is the URL of the server, and resolves with what it printed. */
export const python = async (server: ServerProcess, script: string): Promise<string> =>
  (await run('python3', ['-c', script, server.url], { env: environment(server) })).stdout
