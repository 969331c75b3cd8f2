// Which program runs a runtime of Lambda on this machine, found by trying it. Names of runtimes are Lambda's; the interpreter's own
// version may differ from the name, which the description tells.
// https://docs.aws.amazon.com/lambda/latest/dg/lambda-runtimes.html

import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { access, constants, realpath } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import type { FunctionVersion } from './function.ts'
import type { LaunchPlan } from './launch.ts'

/** Our own bootstraps, LAMBDA_RUNTIME_DIR. */
export const RUNTIME_DIRECTORY = join(import.meta.dirname, 'bootstraps')

const NODE_RUNTIMES = ['nodejs20.x', 'nodejs22.x', 'nodejs24.x']
const PYTHON_RUNTIMES = ['python3.9', 'python3.10', 'python3.11', 'python3.12', 'python3.13', 'python3.14']
const PROVIDED_RUNTIMES = ['provided.al2', 'provided.al2023']

/** What Lambda calls them; whether one is here, `available` tells. */
export const runtimes: readonly string[] = [...NODE_RUNTIMES, ...PYTHON_RUNTIMES, ...PROVIDED_RUNTIMES]

export type Interpreter = {
  readonly engine: LaunchPlan['engine']
  /** What it is, for people: `Node.js 26.10.0 (/usr/bin/node)`. */
  readonly description: string
  /** Program and arguments. */
  command(fn: FunctionVersion): readonly string[]
  /** Files and folders outside code and bootstraps that it needs. */
  readonly readable: readonly string[]
}

export type Interpreters = {
  /** Whether functions of this runtime can be run here; if not, why not, in a sentence for the caller of CreateFunction. */
  available(runtime: string): { readonly interpreter: Interpreter } | { readonly reason: string }
}

export type InterpreterOptions = {
  /** Programs for single runtimes, by the names of these. They are tried too. */
  readonly programs?: { readonly [runtime: string]: string }
  /** Where `python3.N` and `python3` are looked for, in this order. */
  readonly path?: readonly string[]
}

const PATH = ['/usr/bin', '/usr/local/bin', '/opt/homebrew/bin']

/** Tries every interpreter once. Python needs boto3 beside it, as functions expect to find it. */
export async function findInterpreters({ programs = {}, path = PATH }: InterpreterOptions = {}): Promise<Interpreters> {
  const found = new Map<string, { readonly interpreter: Interpreter } | { readonly reason: string }>()
  const pythons = new Map<string, ReturnType<typeof tryPython>>()
  const python = (program: string): ReturnType<typeof tryPython> => {
    const tried = pythons.get(program) ?? tryPython(program)
    pythons.set(program, tried)
    return tried
  }
  for (const runtime of NODE_RUNTIMES) found.set(runtime, await tryNode(programs[runtime] ?? process.execPath))
  for (const runtime of PYTHON_RUNTIMES) {
    const names = [runtime, 'python3']
    const candidates = names
      .flatMap((name) => path.map((folder) => join(folder, name)))
      .filter((file) => existsSync(file))
    found.set(runtime, await firstOf(programs[runtime] === undefined ? candidates : [programs[runtime]], python))
  }
  for (const runtime of PROVIDED_RUNTIMES) found.set(runtime, { interpreter: provided })
  return {
    available: (runtime) => found.get(runtime) ?? { reason: `The runtime ${runtime} is not supported.` },
  }
}

async function firstOf(
  candidates: readonly string[],
  attempt: (program: string) => ReturnType<typeof tryPython>,
): ReturnType<typeof tryPython> {
  const reasons: string[] = []
  for (const program of candidates) {
    const tried = await attempt(program)
    if ('interpreter' in tried) return tried
    reasons.push(tried.reason)
  }
  return { reason: reasons.join(' ') || 'No python3 was found on this machine.' }
}

/** The AWS SDK for JavaScript of ours, which functions find without packing it, as on AWS. */
const sdkDirectory = (): string => {
  const manifest = createRequire(import.meta.url).resolve('@aws-sdk/client-secrets-manager/package.json')
  return dirname(dirname(dirname(manifest)))
}

async function tryNode(program: string): Promise<{ readonly interpreter: Interpreter } | { readonly reason: string }> {
  const version =
    program === process.execPath ? process.version : (await run(program, ['--version']).catch(String)).trim()
  const major = /^v(\d+)\.\d+\.\d+$/.exec(version)?.[1]
  if (major === undefined || Number(major) < 20) return { reason: `${program} is no Node.js from 20 on: ${version}` }
  const sdk = sdkDirectory()
  return {
    interpreter: {
      engine: 'node',
      description: `Node.js ${version.slice(1)} (${program})`,
      command: ({ memoryMb }) => [
        program,
        `--max-old-space-size=${Math.floor(memoryMb * OLD_SPACE_SHARE)}`,
        join(RUNTIME_DIRECTORY, 'bootstrap.mjs'),
        sdk,
      ],
      readable: existing([await realpath(program), program, sdk]),
    },
  }
}

/** The rest is code, buffers and stacks. */
const OLD_SPACE_SHARE = 0.65

const PYTHON_PROBE = `
import json, sys
try:
    import boto3
    sdk = boto3.__version__
except ImportError:
    sdk = None
print(json.dumps({"version": sys.version.split()[0], "boto3": sdk, "paths": [sys.prefix, sys.base_prefix, *filter(None, sys.path)]}))
`

async function tryPython(
  program: string,
): Promise<{ readonly interpreter: Interpreter } | { readonly reason: string }> {
  const text = await run(program, ['-s', '-c', PYTHON_PROBE]).catch((error: unknown) => error as Error)
  if (typeof text !== 'string') return { reason: `${program} does not run: ${text.message.split('\n')[0]}` }
  const { version, boto3, paths } = JSON.parse(text) as {
    readonly version: string
    readonly boto3: string | null
    readonly paths: readonly string[]
  }
  if (Number(version.split('.')[1]) < 9) return { reason: `${program} is Python ${version}; functions need 3.9.` }
  if (boto3 === null) {
    // Packages of a distribution are for its own python3 alone.
    const mend =
      program === '/usr/bin/python3'
        ? 'on Debian and Ubuntu: apt-get install python3-boto3'
        : `${program} -m pip install boto3`
    return { reason: `${program} has no boto3 (${mend}).` }
  }
  return {
    interpreter: {
      engine: 'python',
      description: `Python ${version} with boto3 ${boto3} (${program})`,
      command: () => [program, '-s', '-B', join(RUNTIME_DIRECTORY, 'bootstrap.py')],
      readable: existing([await realpath(program), program, ...paths]),
    },
  }
}

const provided: Interpreter = {
  engine: 'other',
  description: 'the executable file bootstrap of the function',
  command: ({ codeDirectory }) => [join(codeDirectory, 'bootstrap')],
  readable: [],
}

/** Whether the function has what its runtime begins with; only OS-only runtimes take it from the function's own files. */
export async function hasEntrypoint(interpreter: Interpreter, fn: FunctionVersion): Promise<boolean> {
  if (interpreter !== provided) return true
  return access(interpreter.command(fn)[0]!, constants.X_OK).then(
    () => true,
    () => false,
  )
}

function existing(paths: readonly string[]): readonly string[] {
  return [...new Set(paths)].filter((path) => existsSync(path))
}

const PROBE_MS = 10_000

/** With an empty environment, as a function has nothing of the server's either. */
const run = async (program: string, args: readonly string[]): Promise<string> =>
  (await promisify(execFile)(program, args, { env: {}, timeout: PROBE_MS })).stdout
