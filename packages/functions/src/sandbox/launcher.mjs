// The launcher: a program of its own that confines itself and then becomes the function, or bubblewrap, which becomes it (execve). Its
// instructions are a line of JSON on standard input (instructions.ts), which it reads to the end: so the function finds nothing there, and
// its environment, which may ask Node or the linker to load code, is nothing that the launcher itself runs under. It may be started long
// before there are any, and then knows nothing until they come. Imports nothing of ours; imported by nobody.
// It fails closed: what cannot be set ends it with code 125 before the function has begun. A program that cannot be run is code 127.

import { dlopen, getRawPointer } from 'node:ffi'
import { openSync, readFileSync, statSync, writeFileSync, writeSync } from 'node:fs'

// linux/prctl.h, linux/seccomp.h
const [PR_SET_PDEATHSIG, PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS] = [1, 22, 38]
const SECCOMP_MODE_FILTER = 2n
const [SIGKILL, SIGPIPE, SIG_DFL] = [9n, 13, 0n]
// The numbers of these system calls are the same on every architecture. linux/close_range.h, linux/landlock.h
const [CLOSE_RANGE, CLOSE_RANGE_CLOEXEC] = [436n, 4n]
const [LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF] = [444n, 445n, 446n]
const LANDLOCK_CREATE_RULESET_VERSION = 1n
const [LANDLOCK_RULE_PATH_BENEATH, LANDLOCK_RULE_NET_PORT] = [1n, 2n]
const [BIND_TCP, CONNECT_TCP] = [1n, 2n]
const SCOPE_ABSTRACT_UNIX_SOCKET_AND_SIGNAL = 3n
const right = (...bits) => bits.reduce((all, bit) => all | (1n << BigInt(bit)), 0n)
const [EXECUTE, WRITE_FILE, READ_FILE, READ_DIR, MAKE_CHAR, MAKE_BLOCK, TRUNCATE, IOCTL_DEV] = [
  0, 1, 2, 3, 6, 11, 14, 15,
]
const OF_FILES = right(EXECUTE, WRITE_FILE, READ_FILE, TRUNCATE, IOCTL_DEV)
const READ = right(EXECUTE, READ_FILE, READ_DIR)
const O_PATH = 0o10000000
const F_SETFD = 2
const FAILED = 125
/** As shells have it for a program that is not there. */
const NOT_RUN = 127

const i64 = 'i64'
const { functions: libc } = dlopen(null, {
  _exit: { arguments: ['i32'], return: 'void' },
  execve: { arguments: ['buffer', 'buffer', 'buffer'], return: 'i32' },
  fcntl: { arguments: ['i32', 'i32', i64], return: 'i32' },
  memfd_create: { arguments: ['buffer', 'u32'], return: 'i32' },
  prctl: { arguments: ['i32', i64, i64, i64, i64], return: 'i32' },
  setrlimit: { arguments: ['i32', 'buffer'], return: 'i32' },
  signal: { arguments: ['i32', i64], return: i64 },
  syscall: { arguments: [i64, i64, i64, i64, i64, i64, i64], return: i64 },
  write: { arguments: ['i32', 'buffer', 'u64'], return: i64 },
})

/** Off the heap of the runtime, so that its address stays. */
const place = (size) => Buffer.from(new ArrayBuffer(size))
const syscall = (number, ...values) =>
  libc.syscall(number, ...values, ...Array.from({ length: 6 - values.length }, () => 0n))

class Refused extends Error {}
const must = (what, result) => {
  if (result < 0) throw new Refused(`${what} was refused`)
  return result
}

try {
  if (process.argv[2] === '--landlock-abi') {
    const abi = syscall(LANDLOCK_CREATE_RULESET, 0n, 0n, LANDLOCK_CREATE_RULESET_VERSION)
    process.stdout.write(`${abi < 0n ? 0 : abi}\n`)
  } else {
    const instructions = readFileSync(0, 'utf8')
    if (instructions !== '') confine(JSON.parse(instructions))
  }
} catch (error) {
  writeSync(2, `strongroom sandbox: ${error instanceof Refused || error?.code ? error.message : 'failed'}\n`)
  process.exit(FAILED)
}

/** Neither the kernel nor bubblewrap takes a text that holds a NUL: what follows it would be lost to the one, and an option to the other. */
function isWhole(texts) {
  return texts.every((text) => !text.includes('\0'))
}

function confine({ parent, directory, command, environment, limits, landlock, filter, bubblewrap }) {
  if (!isWhole([...command, ...Object.entries(environment).flat(), ...(bubblewrap ?? [])]))
    throw new Refused('a variable or an argument that holds a NUL was refused')
  must('PR_SET_PDEATHSIG', libc.prctl(PR_SET_PDEATHSIG, SIGKILL, 0n, 0n, 0n))
  if (process.ppid !== parent) throw new Refused('outliving the server')
  must('PR_SET_NO_NEW_PRIVS', libc.prctl(PR_SET_NO_NEW_PRIVS, 1n, 0n, 0n, 0n))
  // Where memory is short, the function goes and not the server, whose own setting it would inherit.
  writeFileSync('/proc/self/oom_score_adj', '1000')
  if (directory !== undefined) process.chdir(directory)
  restrict(landlock)
  const instructions = place(Buffer.byteLength(filter, 'base64'))
  instructions.write(filter, 'base64')
  if (bubblewrap === undefined) filterSystemCalls(instructions)
  // Whoever started the server may have left files open in it, which go from process to process.
  must('close_range', syscall(CLOSE_RANGE, 3n, 0xffffffffn, CLOSE_RANGE_CLOEXEC))
  // Node ignores SIGPIPE, and has its own standard streams closed by execve too.
  libc.signal(SIGPIPE, SIG_DFL)
  for (const stream of [0, 1, 2]) must(`keeping stream ${stream}`, libc.fcntl(stream, F_SETFD, 0n))
  const begun =
    bubblewrap === undefined ? { command, environment } : inBubblewrap(bubblewrap, command, environment, instructions)
  // Last comes RLIMIT_DATA: the launcher itself has more memory than many a function may, so that from then on it can have no more. All
  // that the calls from there on need is made before.
  const [program, names, variables] = [
    cString(begun.command[0]),
    cStrings(begun.command),
    cStrings(Object.entries(begun.environment).map(([name, value]) => `${name}=${value}`)),
  ]
  const calls = limits.map(([resource, value]) => [resource, resourceLimit(value)])
  const message = cString(`strongroom sandbox: ${begun.command[0]} cannot be run\n`)
  for (const [resource, limit] of calls) must(`RLIMIT ${resource}`, libc.setrlimit(resource, limit))
  libc.execve(program, names.pointers, variables.pointers)
  libc.write(2, message, BigInt(message.length - 1))
  libc._exit(NOT_RUN)
  return [names, variables] // so that they live until here
}

function filterSystemCalls(instructions) {
  const sockFilterProgram = place(16) // struct sock_fprog { u16 len; struct sock_filter *filter }
  sockFilterProgram.writeUInt16LE(instructions.length / 8)
  sockFilterProgram.writeBigUInt64LE(getRawPointer(instructions), 8)
  must('PR_SET_SECCOMP', libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, getRawPointer(sockFilterProgram), 0n, 0n))
}

/**
 * The filter comes after the mounts, and so from bubblewrap. The function's variables are for the function alone: neither in the environment
 * of bubblewrap, where the linker would heed them, nor among its arguments, which every process of the machine can read.
 */
function inBubblewrap([program, ...options], command, environment, filter) {
  const variables = Object.entries(environment).flatMap(([name, value]) => ['--setenv', name, value])
  const [all, calls] = [
    fileOf(Buffer.from([...options, ...variables].map((text) => `${text}\0`).join(''))),
    fileOf(filter),
  ]
  return { command: [program, '--args', `${all}`, '--seccomp', `${calls}`, '--', ...command], environment: {} }
}

/** Without a name, in memory, at its beginning, and left open for the next program. */
function fileOf(bytes) {
  const file = must('memfd_create', libc.memfd_create(cString('strongroom'), 0))
  for (let written = 0; written < bytes.length; )
    written += writeSync(file, bytes, written, bytes.length - written, written)
  return file
}

/** struct rlimit { rlim_cur; rlim_max } */
function resourceLimit(value) {
  const limit = place(16)
  limit.writeBigUInt64LE(BigInt(value))
  limit.writeBigUInt64LE(BigInt(value), 8)
  return limit
}

function cString(text) {
  const bytes = place(Buffer.byteLength(text) + 1)
  bytes.write(text)
  return bytes
}

/** An array of addresses that ends in none, and what lies there, which lives while it is named. */
function cStrings(texts) {
  const strings = texts.map(cString)
  const pointers = place(8 * (strings.length + 1))
  for (const [index, bytes] of strings.entries()) pointers.writeBigUInt64LE(getRawPointer(bytes), 8 * index)
  return { pointers, strings }
}

/**
 * Landlock: only these files and TCP ports from here on, for this process and all that it starts. Without `files` there are no rules for
 * these: whoever has some may mount nothing.
 */
function restrict({ abi, files: paths, connectPorts }) {
  const files = paths === undefined ? 0n : (1n << (abi >= 5 ? 16n : 15n)) - 1n
  if (abi < (paths === undefined ? 4 : 1)) return
  const ruleset = place(24) // struct landlock_ruleset_attr { handled_access_fs; handled_access_net; scoped }
  ruleset.writeBigUInt64LE(files)
  if (abi >= 4) ruleset.writeBigUInt64LE(BIND_TCP | CONNECT_TCP, 8)
  if (abi >= 6) ruleset.writeBigUInt64LE(SCOPE_ABSTRACT_UNIX_SOCKET_AND_SIGNAL, 16)
  const size = abi >= 6 ? 24n : abi >= 4 ? 16n : 8n
  const handle = must('landlock_create_ruleset', syscall(LANDLOCK_CREATE_RULESET, getRawPointer(ruleset), size, 0n))
  const allow = (path, rights) => {
    const opened = openSync(path, O_PATH)
    const rule = place(12) // struct landlock_path_beneath_attr { u64 allowed_access; s32 parent_fd } packed
    rule.writeBigUInt64LE(rights & files & (statSync(path).isDirectory() ? files : OF_FILES))
    rule.writeInt32LE(opened, 8)
    must(
      `landlock_add_rule for ${path}`,
      syscall(LANDLOCK_ADD_RULE, handle, LANDLOCK_RULE_PATH_BENEATH, getRawPointer(rule), 0n),
    )
  }
  for (const path of paths?.read ?? []) allow(path, READ)
  for (const path of paths?.write ?? []) allow(path, right(WRITE_FILE, READ_FILE))
  for (const path of paths?.readWrite ?? []) allow(path, files & ~right(MAKE_CHAR, MAKE_BLOCK, IOCTL_DEV))
  for (const port of abi >= 4 ? connectPorts : []) {
    const rule = place(16) // struct landlock_net_port_attr { allowed_access; port }
    rule.writeBigUInt64LE(CONNECT_TCP)
    rule.writeBigUInt64LE(BigInt(port), 8)
    must(
      `landlock_add_rule for port ${port}`,
      syscall(LANDLOCK_ADD_RULE, handle, LANDLOCK_RULE_NET_PORT, getRawPointer(rule), 0n),
    )
  }
  must('landlock_restrict_self', syscall(LANDLOCK_RESTRICT_SELF, handle, 0n))
}
