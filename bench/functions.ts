// Functions that do nothing, at each level of the sandbox: from the call of a cold one to its answer, and of a warm one, beside the bare
// start of the same interpreter, in turns: the best and the median of all turns, and the processor time of all that took part, which a busy
// machine changes less. A cold one is called when the launcher that waits for it has been there for a moment, as in a server that is not
// overrun. Usage: node bench/functions.ts [turns]

import { execFileSync } from 'node:child_process'
import { randomBytes, randomUUID } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  createFunctions,
  type Functions,
  type FunctionsOptions,
  findInterpreters,
  plainSandbox,
  probeSandbox,
  type Sandbox,
} from '../packages/functions/src/index.ts'

const TURNS = Number(process.argv[2] ?? 15)
const WARM_EACH_TURN = 20
const READY_MS = 500

const folder = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
chmodSync(folder, 0o755)
writeFileSync(join(folder, 'empty.js'), 'exports.handler = async () => {}')
writeFileSync(join(folder, 'empty.py'), 'def handler(event, context): pass')

const interpreters = await findInterpreters()
const sandboxes: Sandbox[] = [plainSandbox]
for (const level of ['B-', 'B', 'A'] as const) {
  try {
    sandboxes.push(await probeSandbox({ levels: [level] }))
  } catch (error) {
    console.error((error as Error).message)
  }
}
const options: Omit<FunctionsOptions, 'sandbox'> = {
  interpreters,
  directory: join(folder, 'run'),
  endpoint: 'http://127.0.0.1:4650',
  log: { debug: () => undefined, warn: (_fields, message) => console.error(message) },
  wallNow: Date.now,
  uuid: randomUUID,
  randomBytes,
}

const invoke = (functions: Functions, runtime: string) =>
  functions.invoke({
    function: {
      arn: `arn:aws:lambda:eu-central-1:111122223333:function:${runtime}`,
      name: runtime,
      version: '$LATEST',
      codeSha256: 'the same',
      codeDirectory: folder,
      runtime,
      handler: 'empty.handler',
      timeoutSeconds: 10,
      memoryMb: 256,
      environment: {},
    },
    payload: Buffer.from('{}'),
    credentials: () => Promise.reject(new Error('an empty function needs none')),
  })

type Cost = { readonly ms: number; readonly cpuMs: number }

async function cost(work: () => unknown): Promise<Cost> {
  const [began, cpu] = [performance.now(), cpuMs()]
  await work()
  return { ms: performance.now() - began, cpuMs: cpuMs() - cpu }
}

/** Of this process and its children: utime, stime, cutime and cstime, the latter once they have ended. */
function cpuMs(): number {
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ')[1]!.split(' ')
  return [11, 12, 13, 14].reduce((sum, at) => sum + Number(fields[at]), 0) * 10
}

const show = (costs: readonly Cost[]): string => {
  const sorted = costs.map(({ ms }) => ms).sort((a, b) => a - b)
  return `${sorted[0]!.toFixed(1)} / ${sorted[Math.floor(sorted.length / 2)]!.toFixed(1)}`
}
const mean = (costs: readonly Cost[]): string =>
  (costs.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / costs.length).toFixed(0)

console.log(
  '| runtime | level | bare start ms | cold ms | warm ms | bare start, processor ms | cold and end, processor ms |',
)
console.log('| --- | --- | --- | --- | --- | --- | --- |')
for (const [runtime, nothing] of [
  ['nodejs24.x', ['-e', '0']],
  ['python3.13', ['-c', 'pass']],
] as const) {
  const found = interpreters.available(runtime)
  if ('reason' in found) {
    console.log(`| ${runtime} | ${found.reason} | | | | | |`)
    continue
  }
  const { interpreter } = found
  const program = /\((.*)\)/.exec(interpreter.description)![1]!
  const bare: Cost[] = []
  const results = sandboxes.map((sandbox) => ({ sandbox, cold: [] as Cost[], warm: [] as Cost[] }))
  for (let turn = 0; turn < TURNS; turn++) {
    bare.push(await cost(() => execFileSync(program, nothing, { env: {} })))
    for (const { sandbox, cold, warm } of results) {
      const functions = await createFunctions({ ...options, sandbox })
      await sleep(READY_MS)
      const invoked = await cost(() => invoke(functions, runtime))
      for (let i = 0; i < WARM_EACH_TURN; i++) warm.push(await cost(() => invoke(functions, runtime)))
      const ended = await cost(() => functions.close())
      cold.push({ ms: invoked.ms, cpuMs: invoked.cpuMs + ended.cpuMs })
    }
  }
  const name = interpreter.description.split(' (')[0]
  for (const { sandbox, cold, warm } of results)
    console.log(
      `| ${name} | ${sandbox.level} | ${show(bare)} | ${show(cold)} | ${show(warm)} | ${mean(bare)} | ${mean(cold)} |`,
    )
}
rmSync(folder, { recursive: true })
