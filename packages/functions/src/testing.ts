// For tests: functions made of a few files, run by real processes at level C, everything ended with the test.

import { randomBytes, randomUUID } from 'node:crypto'
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestContext } from 'node:test'
import type { FunctionVersion } from './function.ts'
import {
  createFunctions,
  type Functions,
  type FunctionsOptions,
  type Invocation,
  type InvocationResult,
} from './functions.ts'
import { findInterpreters, type Interpreters } from './interpreters.ts'
import type { Credentials } from './runtime-api.ts'
import { plainSandbox } from './sandbox/plain.ts'

export const NODE = 'nodejs24.x'
export const PYTHON = 'python3.13'
export const PROVIDED = 'provided.al2023'

export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-'))
  t.after(() => rmSync(directory, { recursive: true, force: true, maxRetries: 5 }))
  return directory
}

/** Files by their names; `bootstrap` and what ends in `.sh` can be executed. */
export type Files = { readonly [name: string]: string }

/** A version of a function with a folder of its own: handler `index.handler`, 20 seconds, 256 MiB. */
export function functionOf(
  t: TestContext,
  runtime: string,
  files: Files,
  more: Partial<FunctionVersion> = {},
): FunctionVersion {
  const codeDirectory = temporaryDirectory(t)
  for (const [name, text] of Object.entries(files)) {
    const path = join(codeDirectory, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    if (name === 'bootstrap' || name.endsWith('.sh')) chmodSync(path, 0o755)
  }
  return {
    arn: 'arn:aws:lambda:eu-central-1:111122223333:function:rotate',
    name: 'rotate',
    version: '$LATEST',
    codeSha256: randomUUID(),
    codeDirectory,
    runtime,
    handler: 'index.handler',
    timeoutSeconds: 20,
    memoryMb: 256,
    environment: {},
    ...more,
  }
}

export const CREDENTIALS: Credentials = {
  accessKeyId: 'ASIAEXAMPLE',
  secretAccessKey: 'secret',
  sessionToken: 'token',
  expiration: new Date('2030-01-01T00:00:00Z'),
}

let interpreters: Promise<Interpreters> | undefined

export type TestFunctions = {
  readonly functions: Functions
  /** The folder of the instances' folders. */
  readonly directory: string
  /** Warnings to the operator. */
  readonly warnings: readonly string[]
  /** With an event in place of a payload. */
  invoke(fn: FunctionVersion, event?: unknown, more?: Partial<Invocation>): Promise<InvocationResult>
}

export async function startFunctions(t: TestContext, options: Partial<FunctionsOptions> = {}): Promise<TestFunctions> {
  interpreters ??= findInterpreters()
  const warnings: string[] = []
  const directory = temporaryDirectory(t)
  const functions = await createFunctions({
    sandbox: plainSandbox,
    interpreters: await interpreters,
    directory,
    endpoint: 'http://127.0.0.1:4650',
    log: { debug: () => undefined, warn: (_fields, message) => warnings.push(message) },
    wallNow: Date.now,
    uuid: randomUUID,
    randomBytes,
    ...options,
  })
  t.after(() => functions.close())
  const invoke = (
    fn: FunctionVersion,
    event: unknown = {},
    more: Partial<Invocation> = {},
  ): Promise<InvocationResult> =>
    functions.invoke({
      function: fn,
      payload: Buffer.from(JSON.stringify(event)),
      credentials: () => Promise.resolve(CREDENTIALS),
      ...more,
    })
  return { functions, directory, warnings, invoke }
}

/** What a function answered or failed with. */
export const bodyOf = ({ payload }: InvocationResult): unknown => JSON.parse(payload.toString())
