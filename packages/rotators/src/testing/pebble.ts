// A real Pebble, the ACME server of Let's Encrypt for tests, with a DNS server that has every name at 127.0.0.1.

import { writeFileSync } from 'node:fs'
import { get } from 'node:https'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { makeCertificate } from './certificates.ts'
import { listens, makeFolder, type Scope, skipWithout, sparePort, startProgram } from './server.ts'

export const PEBBLE_SKIP = skipWithout('pebble', 'pebble')

export type TestPebble = {
  readonly directoryUrl: string
  readonly port: number
  /** PEM of who certifies its own address. */
  readonly authority: string
  readonly authorityFile: string
  /** Where it looks for challenges. */
  readonly httpPort: number
  /** PEM of the root of what it issues. */
  root(): Promise<string>
  /** How many certificates it has issued. */
  issued(): number
}

export const BINDING = { keyId: 'kid-1', hmacKey: 'zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W' }

export async function startPebble(
  scope: Scope,
  { binding = false, dns }: { readonly binding?: boolean; readonly dns?: number } = {},
): Promise<TestPebble> {
  const folder = makeFolder(scope)
  const { certificateFile, keyFile, authority, authorityFile } = await makeCertificate(folder)
  const ports = await Promise.all(Array.from({ length: 5 }, () => sparePort()))
  const [port, managementPort, httpPort, dnsPort, dnsManagementPort] = ports as [number, number, number, number, number]
  const config = {
    listenAddress: `127.0.0.1:${port}`,
    managementListenAddress: `127.0.0.1:${managementPort}`,
    certificate: certificateFile,
    privateKey: keyFile,
    httpPort,
    tlsPort: 1,
    ocspResponderURL: '',
    externalAccountBindingRequired: binding,
    ...(binding && { externalAccountMACKeys: { [BINDING.keyId]: BINDING.hmacKey } }),
  }
  writeFileSync(join(folder, 'config.json'), JSON.stringify({ pebble: config }))
  const nowhere = ['-http01', '', '-https01', '', '-tlsalpn01', '']
  await startProgram(
    scope,
    [
      'pebble-challtestsrv',
      ...['-defaultIPv4', '127.0.0.1', '-defaultIPv6', '', '-dns01', `127.0.0.1:${dnsPort}`],
      ...['-management', `127.0.0.1:${dnsManagementPort}`, ...nowhere],
    ],
    { cwd: folder, ready: () => listens(dnsManagementPort) },
  )
  const pebble = await startProgram(
    scope,
    ['pebble', '-config', join(folder, 'config.json'), '-dnsserver', `127.0.0.1:${dns ?? dnsPort}`],
    {
      cwd: folder,
      env: {
        PATH: process.env.PATH,
        PEBBLE_VA_NOSLEEP: '1',
        PEBBLE_WFE_NONCEREJECT: '15',
        PEBBLE_AUTHZREUSE: '0',
      },
      ready: async () => (await listens(port)) && listens(managementPort),
    },
  )
  let count = 0
  pebble.process.stdout?.on(
    'data',
    (chunk: Buffer) => (count += chunk.toString().split('Issued certificate serial').length - 1),
  )
  const root = () =>
    new Promise<string>((resolve, reject) => {
      get(`https://localhost:${managementPort}/roots/0`, { ca: authority }, (answer) =>
        text(answer).then(resolve, reject),
      ).on('error', reject)
    })
  return {
    directoryUrl: `https://localhost:${port}/dir`,
    port,
    authority,
    authorityFile,
    httpPort,
    root,
    issued: () => count,
  }
}
