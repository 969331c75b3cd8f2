// What a process has to run functions with: the sandbox that holds on this machine, the interpreters that are on it, and folders with code.
// Everything is looked for when it is needed first.

import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createFunctions,
  type Functions,
  findInterpreters,
  NoSandboxError,
  plainSandbox,
  probeSandbox,
  runtimes,
  type Sandbox,
  type SandboxLevel,
} from '@strongroom/functions'
import type { App } from '../../app.ts'
import { ServiceError } from '../../errors.ts'
import { type CodeDirectories, createCodeDirectories } from './code/directory.ts'
import { cannotRun, functionsOff } from './errors.ts'

/** The least level at which functions run; `off`: they do not run here. */
export type LeastLevel = SandboxLevel | 'off'

export type FunctionRunner = {
  /** Names of the runtimes that there are anywhere. */
  readonly runtimes: readonly string[]
  /** Of this machine, in Lambda's words. */
  readonly architecture: 'x86_64' | 'arm64'
  /** Why functions of the runtime cannot run here; undefined where they can. */
  unavailable(runtime: string): Promise<string | undefined>
  /** Folders with code. */
  readonly code: CodeDirectories
  /** @throws ServiceError ServiceException that says why functions do not run here */
  ready(): Promise<Functions>
  /** For an operator: the level of the sandbox and what it leaves open, looked for now where nobody asked for a function yet; or why none run. */
  state(): Promise<{ readonly sandbox: SandboxLevel; readonly open: readonly string[] } | { readonly reason: string }>
  /** For the health of the server: what an operator should know of how functions are confined, once one was asked for. */
  warnings(): readonly string[]
  /** Where functions reach the server: known once it listens, and before anyone can ask for a function. */
  listening(url: string): void
  /** That URL. */
  endpoint(): string
  /** Ends every instance: invocations under way end as if their function had been killed. */
  close(): Promise<void>
}

export type RunnerOptions = Pick<App, 'log' | 'wallNow' | 'uuid' | 'randomBytes'> & {
  readonly dataDir: string
  /** Files of keys and credentials, which no function may see. */
  readonly secretFiles: readonly string[]
  readonly least: LeastLevel
  /** Instances at a time. */
  readonly concurrency: number
}

const LEVELS = ['A', 'B', 'B-'] as const

export function createRunner(options: RunnerOptions): FunctionRunner {
  const { dataDir, secretFiles, least, concurrency, log, wallNow, uuid, randomBytes } = options
  const directory = join(dataDir, 'functions')
  const [code, run] = [join(directory, 'code'), join(directory, 'run')]
  let endpoint: string | undefined
  let started: Promise<Functions> | undefined
  let sandbox: Sandbox | undefined

  const start = async (): Promise<Functions> => {
    if (least === 'off') throw functionsOff('it was started with --function-sandbox off.')
    for (const folder of [directory, code, run]) await mkdir(folder, { recursive: true })
    await mayBePassed(dataDir, directory, code, run)
    sandbox = await findSandbox(least, dataDir, secretFiles, (line) => log.warn(line))
    log.info({ sandbox: sandbox.level, open: sandbox.open }, 'functions run in a sandbox of this level')
    return createFunctions({
      sandbox,
      interpreters: await findInterpreters(),
      directory: run,
      endpoint: endpoint!,
      log,
      wallNow,
      uuid,
      randomBytes,
      concurrency,
    })
  }

  const ready = (): Promise<Functions> => {
    started ??= start()
    return started.catch((error: unknown) => {
      // Whoever asks next tries again: what is missing may have been installed.
      started = undefined
      throw error
    })
  }

  return {
    runtimes,
    architecture: process.arch === 'arm64' ? 'arm64' : 'x86_64',
    code: createCodeDirectories(code, wallNow),
    ready,
    state: async () => {
      try {
        const { level, open } = (await ready()).sandbox
        return { sandbox: level, open }
      } catch (error) {
        if (error instanceof ServiceError) return { reason: error.message }
        throw error
      }
    },
    warnings: () =>
      sandbox?.level === 'C' ? ['functions run without a sandbox: they can read what the server can'] : [],
    unavailable: async (runtime) => {
      const found = (await ready()).available(runtime)
      return 'reason' in found ? found.reason : undefined
    },
    listening: (url) => {
      endpoint = url
    },
    endpoint: () => endpoint!,
    close: async () => {
      await (await started?.catch(() => undefined))?.close()
    },
  }
}

async function findSandbox(
  least: SandboxLevel,
  directory: string,
  secretFiles: readonly string[],
  report: (line: string) => void,
): Promise<Sandbox> {
  if (least === 'C') return plainSandbox
  try {
    return await probeSandbox({
      levels: LEVELS.slice(0, LEVELS.indexOf(least) + 1),
      directory,
      hidden: [directory, ...secretFiles],
      report,
    })
  } catch (error) {
    if (error instanceof NoSandboxError) throw functionsOff(error.message)
    throw cannotRun(error)
  }
}

/**
 * A server that runs as root gives its functions a user of their own, who must get to their code: through the data directory, whose files are
 * all private and which nobody can list.
 */
async function mayBePassed(...folders: readonly string[]): Promise<void> {
  if (process.getuid?.() !== 0) return
  for (const folder of folders) await chmod(folder, 0o711)
}
