// What each level of the sandbox adds to the start of a process: milliseconds from the call of launch to the first byte that the program
// prints, level by level in turns. No launcher waits: bench/functions.ts measures what one saves. Usage: node bench/sandbox.ts [starts of each]

import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Sandbox } from '../packages/functions/src/launch.ts'
import { plainSandbox } from '../packages/functions/src/sandbox/plain.ts'
import { probeSandbox } from '../packages/functions/src/sandbox/probe.ts'

const STARTS = Number(process.argv[2] ?? 15)
const MEMORY_MB = 128
const SCRATCH_BYTES = 1_048_576

const levels: { readonly name: string; readonly launch: Sandbox['launch'] }[] = [
  { name: 'none', launch: plainSandbox.launch },
]
for (const level of ['B-', 'B', 'A'] as const) {
  try {
    levels.push({ name: level, launch: (await probeSandbox({ levels: [level] })).launch })
  } catch (error) {
    console.error((error as Error).message)
  }
}

const programs = [
  { name: 'sh', engine: 'other', command: ['/bin/sh', '-c', 'echo ready'] },
  { name: 'Python', engine: 'python', command: ['/usr/bin/python3', '-c', 'print("ready")'] },
  { name: 'Node', engine: 'node', command: [process.execPath, '-e', 'console.log("ready")'] },
] as const

const folder = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
chmodSync(folder, 0o755)

let count = 0
async function start({ command, engine }: (typeof programs)[number], launch: Sandbox['launch']): Promise<number> {
  const own = join(folder, String(count++))
  const [taskDirectory, runtimeDirectory, scratchDirectory] = ['task', 'runtime', 'scratch'].map((name) =>
    join(own, name),
  )
  for (const directory of [own, taskDirectory!, runtimeDirectory!, scratchDirectory!]) mkdirSync(directory)
  const began = performance.now()
  const { child } = launch({
    command,
    engine,
    environment: { PATH: '/usr/bin:/bin' },
    taskDirectory: taskDirectory!,
    runtimeDirectory: runtimeDirectory!,
    scratchDirectory: scratchDirectory!,
    scratchBytesMax: SCRATCH_BYTES,
    readable: [process.execPath],
    memoryMb: MEMORY_MB,
    tcpPorts: [],
  })
  let [ms, complaint] = [0, '']
  child.stdout!.once('data', () => {
    ms = performance.now() - began
  })
  child.stderr!.on('data', (text) => {
    complaint += text
  })
  await once(child, 'close')
  if (ms === 0) throw new Error(`${command[0]} printed nothing: ${complaint}`)
  return ms
}

console.log('| program | level | p50 ms | least ms | added to none, p50 ms |\n| --- | --- | --- | --- | --- |')
for (const program of programs.filter(({ command }) => existsSync(command[0]))) {
  const times = new Map<string, number[]>(levels.map(({ name }) => [name, []]))
  for (let turn = 0; turn < STARTS; turn++) {
    for (const { name, launch } of levels) times.get(name)!.push(await start(program, launch))
  }
  const p50 = (name: string): number => times.get(name)!.sort((a, b) => a - b)[Math.floor(STARTS / 2)]!
  for (const { name } of levels) {
    const figures = [p50(name), times.get(name)![0]!, p50(name) - p50('none')].map((ms) => ms.toFixed(0))
    console.log(`| ${program.name} | ${name} | ${figures.join(' | ')} |`)
  }
}
rmSync(folder, { recursive: true, force: true })
