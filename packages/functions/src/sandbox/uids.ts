// User ids for functions of a server that runs as root: one for each process, so that the kernel keeps instances apart, and counts
// processes for each. Nobody else has them: they need no line in /etc/passwd.

/** Beyond the ranges that systemd and containers take for themselves. https://systemd.io/UIDS-GIDS/ */
export const UIDS_FIRST = 1_900_000_000
/** How many ids the servers of one machine share. */
export const UIDS_COUNT = 65_536
/** How many of them one server process takes. */
const UIDS_PER_PROCESS = 256

export type Uids = {
  /** An id that no running instance of this process has. */
  take(): number
  /** Only when every process of it has ended. */
  giveBack(uid: number): void
}

/** @param processId chooses this process's share, so that servers on one machine seldom meet */
export function createUids(first: number, processId: number): Uids {
  const start = first + (processId % (UIDS_COUNT / UIDS_PER_PROCESS)) * UIDS_PER_PROCESS
  const taken = new Set<number>()
  let next = 0
  return {
    take() {
      for (let tries = 0; tries < UIDS_PER_PROCESS; tries++) {
        const uid = start + (next++ % UIDS_PER_PROCESS)
        if (taken.has(uid)) continue
        taken.add(uid)
        return uid
      }
      throw new Error(`more than ${UIDS_PER_PROCESS} functions at once`)
    },
    giveBack: (uid) => void taken.delete(uid),
  }
}
