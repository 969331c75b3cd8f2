// The processor time of one GetSecretValue in this tree, in other trees and in a bare node:http echo, side by side: all run at once and are
// loaded in turns, so that whatever else the machine does falls on all of them alike.
// Usage: node bench/read-path.ts [--seconds N] [--rounds N] [--connections N] [--option serve-option]... [OTHER_TREE]...

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { load, signedCall } from './load.ts'
import { cpuMs, type Measured, signerOf, start, startEcho } from './servers.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '0.5' },
    rounds: { type: 'string', default: '30' },
    connections: { type: 'string', default: '64' },
    option: { type: 'string', multiple: true, default: [] },
  },
})
const WARM_SECONDS = 4
const SECRETS = 200
const VALUE = 'x'.repeat(700)
const SERVER_CORE = '0'

type Runner = {
  readonly name: string
  readonly server: Measured
  readonly next: () => Buffer
  readonly cpuUs: number[]
  readonly perSecond: number[]
}

const folders: string[] = []
const runners: Runner[] = []
const echo = await startEcho(SERVER_CORE, VALUE.length + 300)
for (const tree of ['.', ...positionals]) {
  const dataDir = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
  folders.push(dataDir)
  const command = resolve(tree, 'packages/cli/bin/strongroom.js')
  const options = values.option.flatMap((option) => option.split(' '))
  const server = await start(SERVER_CORE, [
    command,
    'serve',
    ...['--data-dir', dataDir, '--port', '0', '--log-level', 'error', '--rates', 'off', ...options],
  ])
  const signer = signerOf(dataDir, server.port)
  for (let at = 0; at < SECRETS; at++) {
    const input = { Name: `bench/${at}`, SecretString: VALUE, ClientRequestToken: crypto.randomUUID() }
    const call = signedCall(signer, 'secretsmanager.CreateSecret', input)
    const { failures } = await load({ port: server.port, connections: 1, seconds: 0, next: () => call })
    if (failures > 0) throw new Error('CreateSecret failed')
  }
  const calls = Array.from({ length: SECRETS }, (_, at) =>
    signedCall(signer, 'secretsmanager.GetSecretValue', { SecretId: `bench/${at}` }),
  )
  let at = 0
  runners.push({ name: tree, server, next: () => calls[at++ % SECRETS]!, cpuUs: [], perSecond: [] })
}
const anyCall = runners[0]!.next()
runners.push({ name: 'echo', server: echo, next: () => anyCall, cpuUs: [], perSecond: [] })

const connections = Number(values.connections)
const measure = async ({ server, next, cpuUs, perSecond }: Runner, seconds: number, keep: boolean): Promise<void> => {
  const before = cpuMs(server.pid)
  const { requests, failures, ...result } = await load({ port: server.port, connections, next, seconds })
  if (failures > 0) throw new Error(`${failures} calls failed`)
  if (!keep) return
  cpuUs.push((1000 * (cpuMs(server.pid) - before)) / requests)
  perSecond.push(result.perSecond)
}
for (const runner of runners) await measure(runner, WARM_SECONDS, false)
for (let round = 0; round < Number(values.rounds); round++) {
  for (const runner of round % 2 === 0 ? runners : runners.toReversed()) {
    await measure(runner, Number(values.seconds), true)
  }
}
for (const { server } of runners) await server.stop()
for (const folder of folders) rmSync(folder, { recursive: true, force: true })

const quantile = (list: readonly number[], at: number): number =>
  [...list].sort((a, b) => a - b)[Math.floor(list.length * at)]!
const { cpuUs: bareUs, perSecond: barePerSecond } = runners.at(-1)!
const percent = (part: number, whole: number): string => `${((100 * part) / whole).toFixed(0)} %`
console.log('| server | CPU µs each, lowest fifth | median | of the echo | requests/s, median | of the echo |')
console.log('| --- | --- | --- | --- | --- | --- |')
for (const { name, cpuUs, perSecond } of runners) {
  const us = quantile(cpuUs, 0.2)
  const rate = quantile(perSecond, 0.5)
  console.log(
    `| ${name} | ${us.toFixed(1)} | ${quantile(cpuUs, 0.5).toFixed(1)} | ${percent(quantile(bareUs, 0.2), us)} | ${rate.toFixed(0)} | ${percent(rate, quantile(barePerSecond, 0.5))} |`,
  )
}
