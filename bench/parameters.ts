// Parameter Store: GetParameter against GetSecretValue and a bare node:http echo, in turns on one core; then pages of GetParametersByPath over a
// tree of 100 parameters and one of 100,000.
// Usage: node bench/parameters.ts [seconds per turn] [parameters of the large tree]

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SSM } from '@aws-sdk/client-ssm'
import { loadConfig } from '../packages/server/src/config.ts'
import { insertMany } from '../packages/server/src/services/ssm/testing.ts'
import { startServer } from '../packages/server/src/start.ts'
import { load, type Result, type Signer, signedCall as signedCallTo } from './load.ts'
import { cpuMs, type Measured, REGION, signerOf, startEcho, startStrongroom } from './servers.ts'

const SECONDS = Number(process.argv[2] ?? 6)
const MANY = Number(process.argv[3] ?? 100_000)
const FEW = 100
const TURNS = 3
/** Until the compiler has seen the whole path often enough. */
const WARM_SECONDS = SECONDS
const NAMES = 200
const VALUE = 'x'.repeat(700)
const SERVER_CORE = '0'

const signedCall = (signer: Signer, target: string, input: object): Buffer =>
  signedCallTo(signer, target, input, target.startsWith('AmazonSSM') ? 'ssm' : 'secretsmanager')

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)]!

await compareReads()
await comparePages()

async function compareReads(): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'strongroom-bench-'))
  const filler = await startStrongroom(SERVER_CORE, dataDir)
  const signer = signerOf(dataDir, filler.port)
  const once = async (target: string, input: object) => {
    const call = signedCall(signer, target, input)
    const { failures } = await load({ port: filler.port, connections: 1, seconds: 0, next: () => call })
    if (failures > 0) throw new Error(`${target} failed`)
  }
  for (let at = 0; at < NAMES; at++) {
    const secret = { Name: `bench/${at}`, SecretString: VALUE, ClientRequestToken: crypto.randomUUID() }
    await once('secretsmanager.CreateSecret', secret)
    for (const [kind, more] of [
      ['plain', { Type: 'String' }],
      ['standard', { Type: 'SecureString' }],
      ['advanced', { Type: 'SecureString', Tier: 'Advanced' }],
    ] as const) {
      await once('AmazonSSM.PutParameter', { Name: `/bench/${kind}/${at}`, Value: VALUE, Overwrite: true, ...more })
    }
  }
  await filler.stop()

  const parameter = (kind: string) => (at: number) =>
    ['AmazonSSM.GetParameter', { Name: `/bench/${kind}/${at}`, WithDecryption: true }] as const
  const strongroom = () => startStrongroom(SERVER_CORE, dataDir)
  const variants: readonly [string, () => Promise<Measured>, (at: number) => readonly [string, object]][] = [
    ['bare node:http echo', () => startEcho(SERVER_CORE, VALUE.length + 300), parameter('plain')],
    ['GetSecretValue', strongroom, (at) => ['secretsmanager.GetSecretValue', { SecretId: `bench/${at}` }]],
    ['GetParameter, String', strongroom, parameter('plain')],
    ['GetParameter, SecureString', strongroom, parameter('standard')],
    ['GetParameter, SecureString, advanced', strongroom, parameter('advanced')],
  ]
  const results = new Map<string, (Result & { readonly cpuUs: number })[]>(variants.map(([name]) => [name, []]))
  for (let turn = 0; turn < TURNS; turn++) {
    for (const [name, start, request] of variants) {
      const server = await start()
      const host = `127.0.0.1:${server.port}`
      const calls = Array.from({ length: NAMES }, (_, at) => signedCall({ ...signer, host }, ...request(at)))
      let next = 0
      const options = { port: server.port, connections: 64, next: () => calls[next++ % calls.length]! }
      await load({ ...options, seconds: WARM_SECONDS })
      const before = cpuMs(server.pid)
      const result = await load({ ...options, seconds: SECONDS })
      results.get(name)!.push({ ...result, cpuUs: (1000 * (cpuMs(server.pid) - before)) / result.requests })
      await server.stop()
    }
  }
  rmSync(dataDir, { recursive: true, force: true })

  const echo = median(results.get('bare node:http echo')!.map(({ perSecond }) => perSecond))
  const echoCpu = median(results.get('bare node:http echo')!.map(({ cpuUs }) => cpuUs))
  console.log(`64 connections, ${TURNS} turns of ${SECONDS} s each, medians`)
  console.log('| server | requests/s | of the echo | CPU µs each | of the echo | p50 ms | p99 ms | failures |')
  console.log('| --- | --- | --- | --- | --- | --- | --- | --- |')
  for (const [name, runs] of results) {
    const perSecond = median(runs.map((run) => run.perSecond))
    const cpuUs = median(runs.map((run) => run.cpuUs))
    const [share, cpuShare] = [(100 * perSecond) / echo, (100 * echoCpu) / cpuUs].map((part) => `${part.toFixed(0)} %`)
    const [p50, p99] = [median(runs.map((run) => run.p50Ms)), median(runs.map((run) => run.p99Ms))]
    const failures = runs.reduce((sum, run) => sum + run.failures, 0)
    console.log(
      `| ${name} | ${perSecond.toFixed(0)} | ${share} | ${cpuUs.toFixed(0)} | ${cpuShare} | ${p50.toFixed(2)} | ${p99.toFixed(2)} | ${failures} |`,
    )
  }
}

async function comparePages(): Promise<void> {
  console.log('\n| parameters in the tree | what | pages/s | CPU µs each | p50 ms | p99 ms | failures |')
  console.log('| --- | --- | --- | --- | --- | --- | --- |')
  const homes = [FEW, MANY].map((count) => ({ count, dataDir: mkdtempSync(join(tmpdir(), 'strongroom-bench-')) }))
  const walks: string[] = []
  for (const { count, dataDir } of homes) await fill(dataDir, count)
  for (const { count, dataDir } of homes) {
    const server = await startStrongroom(SERVER_CORE, dataDir)
    const signer = signerOf(dataDir, server.port)
    for (const [what, input] of [
      ['one level', { Path: '/tree' }],
      ['recursive', { Path: '/', Recursive: true }],
    ] as const) {
      const call = signedCall(signer, 'AmazonSSM.GetParametersByPath', input)
      const options = { port: server.port, connections: 64, next: () => call }
      await load({ ...options, seconds: WARM_SECONDS })
      const before = cpuMs(server.pid)
      const result = await load({ ...options, seconds: SECONDS })
      const cpuUs = (1000 * (cpuMs(server.pid) - before)) / result.requests
      const { perSecond, p50Ms, p99Ms, failures } = result
      console.log(
        `| ${count} | ${what} | ${perSecond.toFixed(0)} | ${cpuUs.toFixed(0)} | ${p50Ms.toFixed(2)} | ${p99Ms.toFixed(2)} | ${failures} |`,
      )
    }
    walks.push(...(await walk(count, server, dataDir)))
    await server.stop()
  }
  console.log('\n| parameters in the tree | pages | CPU µs each |\n| --- | --- | --- |')
  for (const line of walks) console.log(line)
  for (const { dataDir } of homes) rmSync(dataDir, { recursive: true, force: true })
}

/** Every page of a tree, one after another: what the first and the last of them cost the server. */
async function walk(count: number, { port, pid }: Measured, dataDir: string): Promise<readonly string[]> {
  const { accessKeyId, secretAccessKey } = signerOf(dataDir, port)
  const ssm = new SSM({
    endpoint: `http://127.0.0.1:${port}`,
    region: REGION,
    credentials: { accessKeyId, secretAccessKey },
  })
  const part = Math.min(1_000, count / 20)
  const costs: { readonly pages: number; readonly cpuUs: number }[] = []
  let NextToken: string | undefined
  let found = 0
  do {
    const before = cpuMs(pid)
    let pages = 0
    do {
      const page = await ssm.getParametersByPath({ Path: '/tree', ...(NextToken !== undefined && { NextToken }) })
      found += page.Parameters!.length
      NextToken = page.NextToken
      pages += 1
    } while (NextToken !== undefined && pages < part)
    costs.push({ pages, cpuUs: (1000 * (cpuMs(pid) - before)) / pages })
  } while (NextToken !== undefined)
  ssm.destroy()
  if (found !== count) throw new Error(`${found} parameters were found, not ${count}`)
  const line = (what: string, { pages, cpuUs }: (typeof costs)[number]) =>
    `| ${count} | the ${what} ${pages} | ${cpuUs.toFixed(0)} |`
  return [line('first', costs[0]!), line('last', costs.at(-1)!)]
}

/** Written as PutParameter writes them, but many in one transaction. */
async function fill(dataDir: string, count: number): Promise<void> {
  const running = await startServer(loadConfig({ dataDir, port: '0', logLevel: 'error' }, {}), { slot: 0 })
  const { app, accountId } = running
  await insertMany(
    { app, accountId, region: REGION },
    Array.from({ length: count }, (_, at) => `/tree/${at}`),
  )
  await running.close(1_000)
}
