// The battery (testing-escape.ts), as root and as a user without rights, at each level that this machine has.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { closeSync, existsSync, openSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { describe, it } from 'node:test'
import { type ConfinedLevel, doorsOf } from './confined.ts'
import { LANDLOCK_ABI_SCOPES } from './instructions.ts'
import { OPEN, type OpenDoor } from './open-doors.ts'
import { machineLacks } from './testing.ts'
import { type Battery, PYTHON, type Tried } from './testing-escape.ts'

/** Which attempts get through which door. Every other one must be refused. */
const THROUGH: { readonly [door in OpenDoor]: readonly string[] } = {
  hosts: ['Node: connect to another host on an allowed port'],
  ports: [
    'Node: connect to another host on an allowed port',
    'Node: connect to another port',
    'Node: connect to another port by IPv6',
    'Node: connect to the metadata of a cloud',
    'Python: bind a port',
    'Python: connect to another port',
    'shell: connect to another port',
  ],
  udp: ['Node: send a datagram', 'Python: send a datagram'],
  sockets: ['Node: read the connections of the machine'],
  machine: ['Node: read a program of the machine'],
  processor: ['Python: use the processor without end'],
  metadata: ['Node: ask for the size of a file'],
  signals: ['Node: signal a launcher that waits', 'Node: signal the server'],
  orphans: ['greed: a process left behind by a server that is killed'],
}

/** Succeed for any program of the server's user, on any Linux: so the attempts are real. */
const REAL = [
  'Node: connect to a Unix socket of the server',
  'Node: connect to an abstract Unix socket',
  'Node: connect to another port',
  'Node: cut off the database',
  'Node: leave by /proc/self/root',
  'Node: listen on a port',
  'Node: make its own code writable',
  'Node: change the mode of the root key',
  'Node: read the command of a launcher that waits',
  'Node: read the command of the server',
  'Node: read the credentials',
  'Node: read the database',
  'Node: read the environment of the server',
  'Node: read the root key',
  'Node: read the scratch folder of another instance',
  'Node: read through a symbolic link',
  'Node: send a datagram',
  'Node: signal a launcher that waits',
  'Node: signal the server',
  'Node: write /dev/shm',
  'Node: write its own code',
  'Node: write through a symbolic link',
  'Python: bind a port',
  'Python: change the limits of a process',
  'Python: change the priority of a process',
  'Python: connect to another port by fast open',
  'Python: hide from the watchdog',
  'Python: inherit a file of the server',
  'Python: listen without a bind',
  'Python: make a Unix socket',
  'Python: make a netlink socket',
  'Python: make memory of no process',
  'Python: make shared memory',
  'Python: hold up who opens its bootstraps',
  'Python: leave a dump of its memory',
  'Python: have another protocol take over a socket',
  'Python: make a child of the server',
  'Python: outlive the server',
  'Python: watch a folder that is open to everybody',
  'Python: watch the folder of the server',
  'shell: begin a session',
  'shell: cat the root key',
  'shell: copy the database',
]

const NOBODY = 65_534
const isRoot = process.getuid?.() === 0
const users = isRoot ? (['root', 'a user without rights'] as const) : (['a user without rights'] as const)

/** As many servers are started, with a file left open in them. */
const [LEFT_OPEN, HANDLE] = ['/etc/hosts', 40]

async function battery(level: Tried, user: (typeof users)[number], greed: boolean): Promise<Battery> {
  const program = join(import.meta.dirname, 'testing-escape.ts')
  const leftOpen = openSync(LEFT_OPEN, 'r')
  const child = spawn(process.execPath, ['--no-warnings', program, level, ...(greed ? ['greed'] : [])], {
    stdio: ['ignore', 'pipe', 'inherit', ...Array.from({ length: HANDLE - 3 }, () => 'ignore' as const), leftOpen],
    ...(user === 'root' || !isRoot ? {} : { uid: NOBODY, gid: NOBODY }),
  })
  try {
    return JSON.parse(await text(child.stdout!)) as Battery
  } finally {
    child.kill()
    closeSync(leftOpen)
  }
}

const opened = ({ attempts }: Battery): readonly string[] =>
  Object.entries(attempts)
    .filter(([, result]) => result === 'open')
    .map(([name]) => name)

const isControl = (name: string): boolean => name.includes(': works: ')

const lacksPython = !existsSync(PYTHON) && `${PYTHON} is not there`

describe('the escape battery', { skip: machineLacks('B-') || lacksPython }, () => {
  for (const user of users) {
    for (const level of ['A', 'B', 'B-'] as const satisfies readonly ConfinedLevel[]) {
      // What takes more than its share takes its time too: once as each user.
      const greed = level === (user === 'root' ? 'A' : 'B')
      it(`level ${level}, of a server that runs as ${user}: only what is said to be open is`, {
        skip: machineLacks(level),
      }, async (t) => {
        const result = await battery(level, user, greed)
        for (const [name, came] of Object.entries(result.attempts))
          if (came !== 'open') t.diagnostic(`${name}: ${came}`)
        const doors = (Object.keys(OPEN) as OpenDoor[]).filter((door) => result.open.includes(OPEN[door]))
        const through = doors.flatMap((door) => THROUGH[door]).filter((name) => greed || !name.startsWith('greed: '))
        const expected = [...new Set(through)].sort()
        const found = opened(result).filter((name) => !isControl(name))
        const closed = expected.filter((name) => !found.includes(name))
        if (closed.length > 0) {
          // A busy machine can keep a program from what is open to it: it is asked once more. What is open too much is so at once.
          for (const name of closed) t.diagnostic(`closed at first: ${name}: ${result.attempts[name] ?? 'not tried'}`)
          const again = opened(await battery(level, user, false))
          found.push(...closed.filter((name) => again.includes(name)))
        }
        assert.deepEqual(found.sort(), expected)
        const failed = Object.entries(result.attempts).filter(([name, came]) => isControl(name) && came !== 'open')
        assert.deepEqual(failed, [], 'a program could not do what it must be able to')
      })
    }
  }

  it('succeeds without a sandbox, so that what it tries is real', async () => {
    const through = opened(await battery('none', 'a user without rights', false))
    assert.deepEqual(
      REAL.filter((name) => !through.includes(name)),
      [],
    )
  })
})

it('docs/sandbox.md says of each door where it is open', () => {
  const docs = readFileSync(join(import.meta.dirname, '../../../../docs/sandbox.md'), 'utf8')
  const columns = [
    ['A', false],
    ['B', true],
    ['B', false],
    ['B-', true],
    ['B-', false],
  ] as const
  const rows = (Object.keys(OPEN) as OpenDoor[]).map((door) => {
    const cells = columns.map(([level, own]) => {
      const abi = level === 'B-' ? 3 : LANDLOCK_ABI_SCOPES
      return doorsOf(level, abi, own).includes(door) ? 'open' : 'closed'
    })
    return `| ${OPEN[door]} | ${cells.join(' | ')} |`
  })
  assert.deepEqual(
    rows.filter((row) => !docs.includes(row)),
    [],
  )
})
