// A real BIND with one zone, example.com, that takes updates signed with one key.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { listens, makeFolder, type Scope, skipWithout, sparePort, startProgram } from './server.ts'

export const NAMED_SKIP = skipWithout('named', 'bind9')

export type TestNamed = {
  readonly port: number
  readonly key: { readonly tsigKeyName: string; readonly tsigSecret: string }
}

export async function startNamed(scope: Scope): Promise<TestNamed> {
  const folder = makeFolder(scope)
  const key = { tsigKeyName: 'of-the-test', tsigSecret: Buffer.alloc(32, 7).toString('base64') }
  const port = await sparePort()
  mkdirSync(join(folder, 'zones'))
  const zone = join(folder, 'zones', 'example.com')
  writeFileSync(zone, '$TTL 60\n@ IN SOA ns root 1 60 60 60 1\n@ IN NS ns\nns IN A 127.0.0.1\n* IN A 127.0.0.1\n')
  writeFileSync(
    join(folder, 'named.conf'),
    `options { directory "${folder}"; listen-on port ${port} { 127.0.0.1; }; listen-on-v6 { none; }; recursion no; pid-file none;
  session-keyfile none; dnssec-validation no; };
controls { };
key "${key.tsigKeyName}" { algorithm hmac-sha256; secret "${key.tsigSecret}"; };
zone "example.com" { type primary; file "${zone}"; update-policy {
  grant ${key.tsigKeyName} name _acme-challenge.example.com. TXT; grant ${key.tsigKeyName} name _acme-challenge.www.example.com. TXT; }; };
`,
  )
  await startProgram(scope, ['named', '-g', '-n', '1', '-c', join(folder, 'named.conf')], {
    cwd: folder,
    ready: () => listens(port),
  })
  return { port, key }
}
