// Closes the memory of this process to other processes of the same user: no ptrace, no core dump, no /proc/PID/environ (prctl(2)).
// Where node:ffi is not to be had the server runs without, and says so in its log.

/** Linux: PR_SET_DUMPABLE of prctl(2), RLIMIT_CORE of setrlimit(2). */
const PR_SET_DUMPABLE = 4
const RLIMIT_CORE = 4

/** @returns why the memory stays open, or undefined where it was closed. */
export async function closeMemory(): Promise<string | undefined> {
  if (process.platform !== 'linux') return `not available on ${process.platform}`
  try {
    const { dlopen } = await import('node:ffi')
    const { functions } = dlopen(null, {
      prctl: { arguments: ['i32', 'u64', 'u64', 'u64', 'u64'], return: 'i32' },
      setrlimit: { arguments: ['i32', 'buffer'], return: 'i32' },
    })
    // struct rlimit { 0, 1 }: functions are given the 1 (packages/functions), which nobody could raise from 0 again.
    const none = new Uint8Array(new BigUint64Array([0n, 1n]).buffer)
    if (functions.setrlimit(RLIMIT_CORE, none) !== 0) return 'setrlimit was refused'
    if (functions.prctl(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n) !== 0) return 'prctl was refused'
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
