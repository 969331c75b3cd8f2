// The filter of system calls, assembled as classic BPF (seccomp(2)). It refuses what no function needs and what Landlock does not see:
// what reaches other processes, makes namespaces, opens the kernel's wider doors, or keeps bytes where nobody counts them.
// https://docs.kernel.org/userspace-api/seccomp_filter.html

import { ARCHITECTURES, type Architecture, numberOf, SYSTEM_CALLS, type SystemCall } from './system-calls.ts'

const ERRNO = { EPERM: 1, ENOSYS: 38, EOPNOTSUPP: 95 } as const
type Errno = keyof typeof ERRNO

/** Tests of one argument's low 32 bits, which is all of an int. `mask` is applied first. */
type Test = { readonly argument: number; readonly mask?: number } & (
  | { readonly in: readonly number[] }
  | { readonly notIn: readonly number[] }
  | { readonly anyBit: number }
)

type Refusal = {
  readonly calls: readonly SystemCall[]
  readonly errno?: Errno
  /** Refused where any of these holds; always, without. */
  readonly where?: readonly Test[]
}

export type FilterOptions = {
  readonly architecture: Architecture
  /**
   * Whether modes, owners, times and attributes of files may be changed, which Landlock does not see: not where files of the server have the
   * same owner.
   */
  readonly fileModes: boolean
}

// linux/sched.h: CLONE_NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
const CLONE_NEW = 0x7e020000
// With it a process's children are the server's, who buries none of them.
const CLONE_PARENT = 0x8000
// asm-generic/ioctls.h: TIOCSTI types into a terminal, TIOCLINUX pastes into one
const TERMINAL_INPUT = [0x5412, 0x541c]
// linux/fcntl.h: F_SETLEASE, F_NOTIFY, F_SETDELEG. Whoever opens a file that is leased waits, for 45 seconds.
const LEASES = [1024, 1026, 1040]
// linux/fs.h, linux/fsverity.h: FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR, FS_IOC_ENABLE_VERITY
const FILE_FLAGS = [0x40086602, 0x401c5820, 0x40806685]
// linux/prctl.h: PR_SET_PDEATHSIG, PR_SET_DUMPABLE. With them a process would outlive the server, and hide from the watchdog.
const PRCTL_OURS = [1, 4]
const [AF_UNIX, AF_INET, AF_INET6] = [1, 2, 10]
const [SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_TYPE_MASK] = [1, 2, 5, 0xf]
const [IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP] = [0, 6, 17]
const MSG_FASTOPEN = 0x20000000
// linux/tcp.h. Another protocol takes over the socket; options of this number that other levels have can only be read.
const TCP_ULP = 31

const always: readonly Refusal[] = [
  // Other processes: their memory, file descriptors, limits, priorities. 0 is the caller itself.
  { calls: ['kcmp', 'migrate_pages', 'move_pages', 'pidfd_getfd', 'process_madvise', 'process_mrelease'] },
  { calls: ['process_vm_readv', 'process_vm_writev', 'ptrace'] },
  { calls: ['prlimit64'], where: [{ argument: 0, notIn: [0] }] },
  { calls: ['sched_setaffinity', 'sched_setattr', 'sched_setparam'], where: [{ argument: 0, notIn: [0] }] },
  { calls: ['sched_setscheduler'], where: [{ argument: 0, notIn: [0] }] },
  { calls: ['ioprio_set', 'setpriority'], where: [{ argument: 1, notIn: [0] }] },
  { calls: ['ioprio_set'], where: [{ argument: 0, in: [3] }] }, // IOPRIO_WHO_USER
  { calls: ['setpriority'], where: [{ argument: 0, in: [2] }] }, // PRIO_USER
  // Every process stays in the group that is killed and counted.
  { calls: ['setpgid', 'setsid'] },
  { calls: ['prctl'], where: [{ argument: 0, in: PRCTL_OURS }] },
  // Namespaces and mounts.
  { calls: ['chroot', 'fsconfig', 'fsmount', 'fsopen', 'fspick', 'listmount', 'mount', 'mount_setattr', 'move_mount'] },
  { calls: ['open_tree', 'open_tree_attr', 'pivot_root', 'setns', 'statmount', 'umount2', 'unshare'] },
  { calls: ['clone'], where: [{ argument: 0, anyBit: CLONE_NEW | CLONE_PARENT }] },
  { calls: ['clone3'], errno: 'ENOSYS' }, // its flags are out of a filter's sight; libraries fall back to clone
  // The kernel's wider doors.
  { calls: ['add_key', 'bpf', 'fanotify_init', 'io_uring_enter', 'io_uring_register', 'io_uring_setup', 'keyctl'] },
  { calls: ['name_to_handle_at', 'open_by_handle_at', 'perf_event_open', 'request_key', 'userfaultfd'] },
  { calls: ['ioctl'], where: [{ argument: 1, in: TERMINAL_INPUT }] },
  { calls: ['personality'], where: [{ argument: 0, notIn: [0, 0xffffffff] }] },
  // What others make and open in a folder that Landlock closes; and files that others open, held by who may only read them.
  { calls: ['inotify_add_watch'] },
  { calls: ['fcntl'], where: [{ argument: 1, in: LEASES }] },
  // The machine.
  { calls: ['acct', 'adjtimex', 'clock_adjtime', 'clock_settime', 'delete_module', 'finit_module', 'init_module'] },
  { calls: ['ioperm', 'iopl', 'kexec_file_load', 'kexec_load', 'lookup_dcookie', 'modify_ldt', 'nfsservctl'] },
  { calls: ['quotactl', 'quotactl_fd', 'reboot', 'setdomainname', 'sethostname', 'settimeofday', 'swapoff', 'swapon'] },
  { calls: ['sysfs', 'syslog', 'uselib', 'ustat', 'vhangup'] },
  // Memory that is no process's, so that no limit counts it; some of it outlives them all.
  { calls: ['memfd_create', 'memfd_secret', 'mq_open', 'msgget', 'semget', 'shmget'] },
  // Sockets to other hosts by TCP and UDP, and none else: a Unix socket would reach the admin socket of the server, and Docker's, where
  // Landlock sees nothing. What it would let through too: a listen without a bind takes a port, fast open connects while it
  // sends, and Multipath TCP, like every other protocol, is not TCP to it.
  { calls: ['listen'] },
  { calls: ['sendto', 'sendmmsg'], errno: 'EOPNOTSUPP', where: [{ argument: 3, anyBit: MSG_FASTOPEN }] },
  { calls: ['sendmsg'], errno: 'EOPNOTSUPP', where: [{ argument: 2, anyBit: MSG_FASTOPEN }] },
  { calls: ['setsockopt'], where: [{ argument: 2, in: [TCP_ULP] }] },
  {
    calls: ['socket'],
    where: [
      { argument: 0, notIn: [AF_INET, AF_INET6] },
      { argument: 1, mask: SOCK_TYPE_MASK, notIn: [SOCK_STREAM, SOCK_DGRAM] },
      { argument: 2, notIn: [IPPROTO_IP, IPPROTO_TCP, IPPROTO_UDP] },
    ],
  },
  // Pairs are what pipes to child processes are made of. One of datagrams could be connected to somebody else's socket.
  {
    calls: ['socketpair'],
    where: [
      { argument: 0, notIn: [AF_UNIX] },
      { argument: 1, mask: SOCK_TYPE_MASK, notIn: [SOCK_STREAM, SOCK_SEQPACKET] },
    ],
  },
]

const fileModes: readonly Refusal[] = [
  { calls: ['chmod', 'chown', 'fchmod', 'fchmodat', 'fchmodat2', 'fchown', 'fchownat', 'file_setattr', 'lchown'] },
  { calls: ['fremovexattr', 'fsetxattr', 'lremovexattr', 'lsetxattr', 'removexattr', 'removexattrat'] },
  { calls: ['setxattr', 'setxattrat', 'futimesat', 'utime', 'utimensat', 'utimes'] },
  { calls: ['ioctl'], where: [{ argument: 1, in: FILE_FLAGS }] },
]

// linux/bpf_common.h and linux/seccomp.h
const LOAD = 0x20 // BPF_LD | BPF_W | BPF_ABS
const AND = 0x54 // BPF_ALU | BPF_AND | BPF_K
const IF_EQUAL = 0x15 // BPF_JMP | BPF_JEQ | BPF_K
const IF_AT_LEAST = 0x35 // BPF_JMP | BPF_JGE | BPF_K
const IF_ANY_BIT = 0x45 // BPF_JMP | BPF_JSET | BPF_K
const RETURN = 0x06 // BPF_RET | BPF_K
const KILL_PROCESS = 0x80000000
const REFUSE = 0x00050000 // SECCOMP_RET_ERRNO
const ALLOW = 0x7fff0000
/** struct seccomp_data { int nr; u32 arch; u64 instruction_pointer; u64 args[6] }, little endian. */
const [NUMBER, ARCHITECTURE, ARGUMENTS] = [0, 4, 16]
const X32_BIT = 0x40000000

/** struct sock_filter { u16 code; u8 jt; u8 jf; u32 k }. Jumps skip so many instructions. */
type Instruction = readonly [code: number, k: number, then?: number, otherwise?: number]

/**
 * The filter as an array of struct sock_filter. A foreign architecture ends the process, since its numbers mean other calls; x32's and the
 * refusals above answer an error; everything else is allowed.
 */
export function assembleFilter(options: FilterOptions): Buffer {
  const { architecture } = options
  const all = options.fileModes ? always : [...always, ...fileModes]
  const program: Instruction[] = [
    [LOAD, ARCHITECTURE],
    [IF_EQUAL, ARCHITECTURES[architecture], 1, 0],
    [RETURN, KILL_PROCESS],
    [LOAD, NUMBER],
  ]
  if (architecture === 'x64') program.push([IF_AT_LEAST, X32_BIT, 0, 1], [RETURN, REFUSE | ERRNO.EPERM])
  for (const call of SYSTEM_CALLS) {
    const number = numberOf(call, architecture)
    if (number === undefined) continue
    const block = all.filter(({ calls }) => calls.includes(call)).flatMap(instructionsOf)
    if (block.length === 0) continue
    // What passes every test of its call is allowed: by then the number is no longer loaded.
    program.push([IF_EQUAL, number, 0, block.length + 1], ...block, [RETURN, ALLOW])
  }
  program.push([RETURN, ALLOW])
  const bytes = Buffer.alloc(program.length * 8)
  for (const [index, [code, k, then = 0, otherwise = 0]] of program.entries()) {
    bytes.writeUInt16LE(code, index * 8)
    bytes.writeUInt8(then, index * 8 + 2)
    bytes.writeUInt8(otherwise, index * 8 + 3)
    bytes.writeUInt32LE(k >>> 0, index * 8 + 4)
  }
  return bytes
}

function instructionsOf({ errno = 'EPERM', where }: Refusal): readonly Instruction[] {
  const refuse: Instruction = [RETURN, REFUSE | ERRNO[errno]]
  if (where === undefined) return [refuse]
  return where.flatMap((test): readonly Instruction[] => {
    const load: readonly Instruction[] = [
      [LOAD, ARGUMENTS + 8 * test.argument],
      ...(test.mask === undefined ? [] : [[AND, test.mask] as const]),
    ]
    if ('anyBit' in test) return [...load, [IF_ANY_BIT, test.anyBit, 0, 1], refuse]
    const values = 'in' in test ? test.in : test.notIn
    const rest = (index: number): number => values.length - 1 - index
    // The comparisons stand one after another, then the refusal: a match jumps to it over the rest, or over it too.
    const comparisons = values.map((value, index): Instruction => {
      if ('notIn' in test) return [IF_EQUAL, value, rest(index) + 1, 0]
      return [IF_EQUAL, value, rest(index), rest(index) === 0 ? 1 : 0]
    })
    return [...load, ...comparisons, refuse]
  })
}
