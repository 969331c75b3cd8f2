// How a process of a function begins: what the runtime asks of a sandbox level, and what it gets.

import type { ChildProcess } from 'node:child_process'

/**
 * How well functions are confined on this machine, best first.
 *
 * - `A`: bubblewrap, after dropping the uid; own mounts and process ids, then what B does.
 * - `B`: our launcher: no new privileges, rlimits, Landlock for files and TCP ports, seccomp.
 * - `B-`: B on a kernel whose Landlock has no rules for TCP ports (before Linux 6.7).
 * - `C`: a plain child process; only by an explicit switch.
 */
export type SandboxLevel = 'A' | 'B' | 'B-' | 'C'

/** One process to begin. Paths are the host's; a sandbox may show them elsewhere and changes command and environment accordingly. */
export type LaunchPlan = {
  /** Program and arguments. */
  readonly command: readonly string[]
  /** The whole environment of the process; nothing of the server's is added. */
  readonly environment: { readonly [name: string]: string }
  /** The function's code (LAMBDA_TASK_ROOT): readable, never writable. */
  readonly taskDirectory: string
  /** Our bootstraps (LAMBDA_RUNTIME_DIR): readable. */
  readonly runtimeDirectory: string
  /** A private folder of this instance, seen as `/tmp` where the level can: writable, at most `scratchBytesMax` bytes. */
  readonly scratchDirectory: string
  readonly scratchBytesMax: number
  /** What else the interpreter reads: its own prefix and packages. Every function reads the system's programs and certificates. */
  readonly readable: readonly string[]
  /** Which memory limit fits: V8 reserves far more address space than it uses. */
  readonly engine: 'node' | 'python' | 'other'
  /** MiB, as a function's MemorySize. */
  readonly memoryMb: number
  /** The TCP ports that it may connect to: our endpoint, its runtime API, the secret's own database. */
  readonly tcpPorts: readonly number[]
}

export type Launched = {
  /** stdin closed, stdout and stderr piped. */
  readonly child: ChildProcess
  /** Ends the process with everything that it started. */
  kill(): void
  /** The most memory that its processes were seen to hold together, of their own and shared; undefined where the system does not tell. */
  peakBytes(): number | undefined
}

export type Sandbox = {
  readonly level: SandboxLevel
  /** What stays open at this level on this machine, one line each, for the documentation, health and logs. */
  readonly open: readonly string[]
  /** Who holds more than its `memoryMb` is killed. */
  launch(plan: LaunchPlan): Launched
  /** Has what the next launch needs started ahead, and again after each one, so that it takes less time. Keeps nobody from ending. */
  prepare(): void
  /** Ends what was started ahead. What was launched goes on. */
  close(): void
}
