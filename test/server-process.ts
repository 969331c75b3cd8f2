// A server as a user runs it: the real command in a process of its own, on a spare port, stopped when the test ends.

import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestContext } from 'node:test'
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
import { FLAGS } from '../packages/cli/bin/flags.js'
import {
  openTestDatabaseUrl,
  temporaryDataDirectory,
  temporaryDirectory,
} from '../packages/server/src/storage/testing.ts'

export const COMMAND = resolve(import.meta.dirname, '../packages/cli/bin/strongroom.js')
export const REGION = 'eu-central-1'

export type Credentials = {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
}

export type ServerProcess = {
  readonly url: string
  readonly dataDir: string
  readonly credentials: Credentials
  /** Everything printed so far. */
  readonly output: () => string
  /** Sends a signal to the server and waits until it is gone. */
  kill(signal: NodeJS.Signals): Promise<number | null>
  readonly child: ChildProcess
}

/** A data directory, and on PostgreSQL a database, that several servers may use one after another. */
export type Home = {
  readonly dataDir: string
  readonly options: readonly string[]
  /** Runs before what was registered earlier. */
  readonly after: (end: () => unknown) => void
}

/** With an empty schema where there is a template of it, or `bare`, as for a first start. */
export async function makeHome(t: TestContext, { bare = false }: { readonly bare?: boolean } = {}): Promise<Home> {
  // node:test runs what is registered in order; what was started last must end first.
  const scope = new AsyncDisposableStack()
  t.after(() => scope.disposeAsync())
  const after = (end: () => unknown): void => scope.defer(async () => void (await end()))
  const database = await openTestDatabaseUrl({ after }, { migrated: !bare })
  const onSqlite = database === undefined && !bare
  const dataDir = onSqlite ? temporaryDataDirectory({ after }) : temporaryDirectory({ after })
  return { dataDir, options: database === undefined ? [] : ['--database', database], after }
}

/** Resolves when the server has printed its ready line. Request rates are off unless given. */
export function startProcess(home: Home, ...options: readonly string[]): Promise<ServerProcess> {
  const child = spawn(
    process.execPath,
    // With them at once, the command need not start Node a second time.
    [
      ...FLAGS.serve,
      COMMAND,
      'serve',
      '--data-dir',
      home.dataDir,
      '--port',
      '0',
      '--rates',
      'off',
      ...home.options,
      ...options,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let output = ''
  const exited = new Promise<number | null>((done) => child.on('close', done))
  const kill = async (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal)
    return exited
  }
  home.after(() => kill('SIGKILL'))
  child.stderr.on('data', (chunk) => {
    output += chunk
  })
  return new Promise((ready, failed) => {
    exited.then((code) => failed(new Error(`the server ended with ${code} before it was ready: ${output}`)))
    createInterface(child.stdout).on('line', (line) => {
      output += `${line}\n`
      const url = /^Strongroom ready on (http\S+)$/.exec(line)?.[1]
      if (url === undefined) return
      ready({
        url,
        dataDir: home.dataDir,
        credentials: readCredentials(join(home.dataDir, 'credentials')),
        output: () => output,
        kill,
        child,
      })
    })
  })
}

export function readCredentials(path: string): Credentials {
  const text = readFileSync(path, 'utf8')
  const field = (name: string): string => new RegExp(`^${name} *= *(\\S+)$`, 'm').exec(text)?.[1] ?? ''
  return { accessKeyId: field('aws_access_key_id'), secretAccessKey: field('aws_secret_access_key') }
}

/** What any client of an SDK needs. */
export const sdkOptions = ({ url, credentials }: Pick<ServerProcess, 'url' | 'credentials'>) => ({
  endpoint: url,
  region: REGION,
  credentials: { ...credentials },
  maxAttempts: 1,
})

export function clientOf(server: Pick<ServerProcess, 'url' | 'credentials'>): SecretsManagerClient {
  return new SecretsManagerClient(sdkOptions(server))
}
