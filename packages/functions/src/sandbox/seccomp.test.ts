import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { assembleFilter, type FilterOptions } from './seccomp.ts'
import { ARCHITECTURES, type Architecture, numberOf, SYSTEM_CALLS, type SystemCall } from './system-calls.ts'

const ALLOWED = 'allowed'
const open: FilterOptions = { architecture: 'x64', fileModes: true }

/** Runs a filter as the kernel does, for the instructions that ours is made of, and fails where the kernel would refuse to load it. */
function answerOf(filter: Buffer, data: { number: number; architecture: number; values: readonly number[] }): string {
  const words = new Map([
    [0, data.number],
    [4, data.architecture],
    ...data.values.map((value, index): [number, number] => [16 + 8 * index, value >>> 0]),
  ])
  let accumulator = 0
  for (let at = 0; at * 8 < filter.length; at++) {
    const [code, then, otherwise, k] = [
      filter.readUInt16LE(at * 8),
      filter[at * 8 + 2]!,
      filter[at * 8 + 3]!,
      filter.readUInt32LE(at * 8 + 4),
    ]
    if (code === 0x20) accumulator = words.get(k) ?? 0
    else if (code === 0x54) accumulator = (accumulator & k) >>> 0
    else if (code === 0x15) at += accumulator === k ? then : otherwise
    else if (code === 0x35) at += accumulator >= k ? then : otherwise
    else if (code === 0x45) at += (accumulator & k) !== 0 ? then : otherwise
    else if (code === 0x06)
      return k === 0x7fff0000 ? ALLOWED : k === 0x80000000 ? 'killed' : `errno ${k & 0xffff} of ${k >>> 16}`
    else assert.fail(`instruction ${code}`)
  }
  assert.fail('the filter runs off its end')
}

function ask(call: SystemCall, values: readonly number[], options: Partial<FilterOptions> = {}): string {
  const all = { ...open, ...options }
  const number = numberOf(call, all.architecture)
  assert.notEqual(number, undefined, call)
  const filter = assembleFilter(all)
  return answerOf(filter, { number: number!, architecture: ARCHITECTURES[all.architecture], values })
}

const EPERM = 'errno 1 of 5'

describe('the filter of system calls', () => {
  for (const architecture of ['x64', 'arm64'] as const satisfies readonly Architecture[]) {
    it(`refuses on ${architecture} what no function needs, and allows the rest`, () => {
      for (const call of ['ptrace', 'mount', 'unshare', 'keyctl', 'setsid', 'listen', 'memfd_create'] as const)
        assert.equal(ask(call, [], { architecture }), EPERM, call)
      assert.equal(ask('clone3', [], { architecture }), 'errno 38 of 5')
      const filter = assembleFilter({ ...open, architecture })
      const named = new Set(SYSTEM_CALLS.map((call) => numberOf(call, architecture)))
      for (let number = 0; number < 600; number++) {
        if (named.has(number)) continue
        const data = { number, architecture: ARCHITECTURES[architecture], values: [1, 2, 3] }
        assert.equal(answerOf(filter, data), ALLOWED, `${number}`)
      }
    })
  }

  for (const [architecture, headers] of [
    ['x64', '/usr/include/x86_64-linux-gnu/asm/unistd_64.h'],
    ['arm64', '/usr/include/asm-generic/unistd.h'],
  ] as const) {
    it(`has the numbers of ${architecture} that the headers of Linux have`, {
      skip: !existsSync(headers) && `${headers} is not there`,
    }, () => {
      const defined = new Map(
        [...readFileSync(headers, 'utf8').matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)/gm)].map(
          ([, name, number]) => [name!, Number(number)] as const,
        ),
      )
      const newer = Math.max(...defined.values())
      for (const call of SYSTEM_CALLS) {
        const number = numberOf(call, architecture)
        // Headers may be older than the table.
        if (number === undefined || number <= newer) assert.equal(defined.get(call), number, call)
      }
    })
  }

  it('names every call that it knows', () => {
    const filter = (options: Partial<FilterOptions>) => assembleFilter({ ...open, fileModes: false, ...options })
    for (const architecture of ['x64', 'arm64'] as const) {
      const bytes = filter({ architecture })
      const compared = new Set<number>()
      for (let at = 0; at < bytes.length; at += 8)
        if (bytes.readUInt16LE(at) === 0x15) compared.add(bytes.readUInt32LE(at + 4))
      for (const call of SYSTEM_CALLS) {
        const number = numberOf(call, architecture)
        if (number !== undefined) assert.ok(compared.has(number), call)
      }
    }
  })

  it('has less than the instructions that the kernel takes', () => {
    assert.ok(assembleFilter({ ...open, fileModes: false }).length / 8 < 4096)
  })

  it('ends a program of another architecture, and refuses x32', () => {
    const filter = assembleFilter(open)
    assert.equal(answerOf(filter, { number: 1, architecture: 0x40000003, values: [] }), 'killed')
    assert.equal(answerOf(filter, { number: 0x40000000 + 1, architecture: ARCHITECTURES.x64, values: [] }), EPERM)
  })

  it('lets a program clone itself, not make namespaces nor children of its parent', () => {
    assert.equal(ask('clone', [0x01200011]), ALLOWED)
    for (const flag of [0x00020000, 0x02000000, 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000, 0x8000])
      assert.equal(ask('clone', [flag | 17]), EPERM, flag.toString(16))
  })

  it('makes sockets of TCP and UDP alone', () => {
    for (const family of [2, 10]) {
      assert.equal(ask('socket', [family, 1 | 0o2004000, 0]), ALLOWED) // SOCK_CLOEXEC | SOCK_NONBLOCK
      assert.equal(ask('socket', [family, 2, 17]), ALLOWED)
      assert.equal(ask('socket', [family, 3, 0]), EPERM)
      assert.equal(ask('socket', [family, 1, 262]), EPERM) // Multipath TCP
      assert.equal(ask('socket', [family, 2, 1]), EPERM) // ICMP
    }
    // Unix, netlink, packet, vsock, XDP
    for (const family of [1, 16, 17, 40, 44]) assert.equal(ask('socket', [family, 1, 0]), EPERM)
    assert.equal(ask('socketpair', [1, 1, 0]), ALLOWED)
    assert.equal(ask('socketpair', [1, 2, 0]), EPERM)
  })

  it('connects by connect alone', () => {
    assert.equal(ask('sendto', [3, 0, 0, 0x4000]), ALLOWED)
    assert.equal(ask('sendto', [3, 0, 0, 0x20004000]), 'errno 95 of 5')
    assert.equal(ask('sendmsg', [3, 0, 0x20000000]), 'errno 95 of 5')
    assert.equal(ask('sendmmsg', [3, 0, 1, 0x20000000]), 'errno 95 of 5')
  })

  it('limits and priorities are its own alone', () => {
    assert.equal(ask('prlimit64', [0, 7]), ALLOWED)
    assert.equal(ask('prlimit64', [1, 7]), EPERM)
    assert.equal(ask('setpriority', [0, 0, 5]), ALLOWED)
    assert.equal(ask('setpriority', [0, 1, 5]), EPERM)
    assert.equal(ask('setpriority', [2, 0, 5]), EPERM)
    assert.equal(ask('sched_setaffinity', [1]), EPERM)
    assert.equal(ask('prctl', [15]), ALLOWED) // PR_SET_NAME
    assert.equal(ask('prctl', [1]), EPERM)
    assert.equal(ask('prctl', [4]), EPERM)
  })

  it('leaves a socket the protocol that it was made with', () => {
    assert.equal(ask('setsockopt', [3, 6, 1]), ALLOWED) // TCP_NODELAY
    assert.equal(ask('setsockopt', [3, 6, 31]), EPERM)
  })

  it('types into no terminal', () => {
    assert.equal(ask('ioctl', [0, 0x5401]), ALLOWED)
    assert.equal(ask('ioctl', [0, 0x5412]), EPERM)
  })

  it('changes modes of files only where they are its own', () => {
    assert.equal(ask('fchmodat', []), ALLOWED)
    assert.equal(ask('fchmodat', [], { fileModes: false }), EPERM)
    assert.equal(ask('utimensat', [], { fileModes: false }), EPERM)
    assert.equal(ask('ioctl', [3, 0x40086602]), ALLOWED) // FS_IOC_SETFLAGS
    assert.equal(ask('ioctl', [3, 0x40086602], { fileModes: false }), EPERM)
    assert.equal(ask('ioctl', [3, 0x5413], { fileModes: false }), ALLOWED)
  })

  it('holds no file that others open', () => {
    assert.equal(ask('fcntl', [3, 4]), ALLOWED) // F_SETFL
    assert.equal(ask('fcntl', [3, 1024]), EPERM) // F_SETLEASE
  })
})
