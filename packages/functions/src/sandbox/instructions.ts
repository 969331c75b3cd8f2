// What the launcher is told: everything that it sets before it becomes the function.

import type { LaunchPlan } from '../launch.ts'

/** The least Landlock that confines: from 3 on (Linux 6.2) a program cannot cut off a file that it may not write. */
export const LANDLOCK_ABI_LEAST = 3
/** From 4 on (Linux 6.7) with TCP ports. */
export const LANDLOCK_ABI_PORTS = 4
/** From 6 on (Linux 6.12) with signals and abstract Unix sockets. */
export const LANDLOCK_ABI_SCOPES = 6

/** Processes and threads, and file descriptors, of one function. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
export const PROCESSES_MAX = 1024
const FILE_DESCRIPTORS_MAX = 1024
/** What Node 26 reserves for each of its threads before it runs a line, MiB: RLIMIT_DATA counts it although it is hardly used. */
const NODE_RESERVES_MIB = 640
/** The main thread of a function, and its workers. What they use in truth, the watchdog measures. */
const NODE_THREADS_MAX = 4
/** One byte: no dump begins, and neither is one given to a program of the machine that collects them, which 0 would let be. core(5) */
const CORE_BYTES = 1
const MIB = 1_048_576

export type Instructions = {
  /** The folder to begin in; absent where bubblewrap is told. */
  readonly directory?: string
  readonly command: readonly string[]
  readonly environment: { readonly [name: string]: string }
  /** The process that must still be the launcher's parent. */
  readonly parent: number
  /** RLIMIT_… of setrlimit(2) and its value, soft and hard. */
  readonly limits: readonly (readonly [resource: number, value: number])[]
  readonly landlock: {
    /** The version of Landlock to use; 0 for none. More than the kernel has is refused. */
    readonly abi: number
    /** Absent where mounts are the choice of files: Landlock's rules for files would forbid to make these. */
    readonly files?: {
      /** Files and folders with everything below: read and run. */
      readonly read: readonly string[]
      /** Read and written, but nothing made: devices. */
      readonly write: readonly string[]
      /** Everything but making devices. */
      readonly readWrite: readonly string[]
    }
    /** TCP ports, of any host. None may be bound. */
    readonly connectPorts: readonly number[]
  }
  /** Base64 of an array of struct sock_filter. */
  readonly filter: string
  /** The program bubblewrap and its options, where that makes the mounts, sets the filter and begins the command. */
  readonly bubblewrap?: readonly string[]
}

/** asm-generic/resource.h, the same on x86-64 and arm64. */
const RLIMIT = { FSIZE: 1, DATA: 2, CORE: 4, NPROC: 6, NOFILE: 7, MSGQUEUE: 12 } as const

/** @param tasksNow how many processes and threads the user of the function has already, where it is not alone with it */
export function limitsOf(plan: LaunchPlan, tasksNow: number): Instructions['limits'] {
  const dataMib = plan.memoryMb + (plan.engine === 'node' ? NODE_THREADS_MAX * NODE_RESERVES_MIB : 0)
  return [
    [RLIMIT.CORE, CORE_BYTES],
    [RLIMIT.MSGQUEUE, 0],
    [RLIMIT.FSIZE, plan.scratchBytesMax],
    [RLIMIT.NOFILE, FILE_DESCRIPTORS_MAX],
    [RLIMIT.NPROC, tasksNow + PROCESSES_MAX],
    [RLIMIT.DATA, dataMib * MIB],
  ]
}
