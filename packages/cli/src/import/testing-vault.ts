// For tests: what the published API documentation of Vault says of KV version 1 and 2, as a server of this process. No Vault and no OpenBao can be
// installed where these tests run, so that this is not verified against one.
// https://developer.hashicorp.com/vault/api-docs/secret/kv

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export type VaultVersion = {
  /** As JSON: numbers stay as they are written. Absent: deleted. */
  readonly json?: string
  readonly destroyed?: true
}
export type VaultSecret = {
  readonly versions: readonly VaultVersion[]
  readonly custom?: { readonly [key: string]: string }
}

export type VaultContent = {
  readonly mount: string
  readonly version: '1' | '2'
  readonly secrets: { readonly [path: string]: VaultSecret }
}

export const VAULT_TOKEN = 'hvs.token-of-the-test'

/** Its address. The first `busy` requests are answered 429. */
export async function startVault(
  t: TestContext,
  content: VaultContent,
  given: {
    readonly namespace?: string
    readonly tls?: { readonly key: string; readonly cert: string }
    readonly busy?: number
  } = {},
): Promise<string> {
  let busy = given.busy ?? 0
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const url = new URL(request.url!, 'http://vault')
    const { 'x-vault-token': token, 'x-vault-namespace': namespace } = request.headers
    const send = (status: number, body: string): void => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(body)
    }
    const data = dataOf(content, decodeURIComponent(url.pathname.replace(/^\/v1\//, '')), url.searchParams)
    if (busy-- > 0) send(429, '{"errors":["rate limit quota exceeded"]}')
    else if (token !== VAULT_TOKEN || namespace !== given.namespace) send(403, '{"errors":["permission denied"]}')
    else if (data === undefined) send(404, '{"errors":[]}')
    else send(200, `{"request_id":"1","lease_id":"","renewable":false,"lease_duration":0,"data":${data}}`)
  }
  const server = given.tls === undefined ? createServer(answer) : createTlsServer(given.tls, answer)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `${given.tls === undefined ? 'http' : 'https'}://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function dataOf({ mount, version, secrets }: VaultContent, path: string, query: URLSearchParams): string | undefined {
  if (path === `sys/internal/ui/mounts/${mount}`) {
    return JSON.stringify({ type: 'kv', path: `${mount}/`, options: version === '2' ? { version } : null })
  }
  const [, of, rest = ''] = /^\/?(data|metadata)?\/?(.*)$/.exec(path.slice(mount.length)) ?? []
  if (!path.startsWith(mount) || (version === '2') !== (of !== undefined)) return undefined
  if (query.get('list') === 'true')
    return keysBelow(Object.keys(secrets), rest === '' ? '' : `${rest.replace(/\/$/, '')}/`)
  const secret = secrets[rest]
  if (secret === undefined) return undefined
  if (version === '1') return secret.versions.at(-1)!.json
  if (of === 'metadata') return metadataOf(secret)
  const number = Number(query.get('version') ?? secret.versions.length)
  const { json } = secret.versions[number - 1] ?? {}
  return json && `{"data":${json},"metadata":${JSON.stringify({ ...timesOf({ json }, number), version: number })}}`
}

function keysBelow(paths: readonly string[], folder: string): string | undefined {
  const below = paths.filter((path) => path.startsWith(folder)).map((path) => path.slice(folder.length))
  const keys = new Set(below.map((path) => (path.includes('/') ? `${path.split('/')[0]}/` : path)))
  return keys.size === 0 ? undefined : JSON.stringify({ keys: [...keys].sort() })
}

const timesOf = (
  { json, destroyed = false as boolean }: { readonly json?: string | undefined; readonly destroyed?: boolean },
  number: number,
) => ({
  created_time: `2026-01-0${number}T00:00:00.123456789Z`,
  deletion_time: json === undefined && !destroyed ? '2026-02-01T00:00:00.1Z' : '',
  destroyed,
})

const metadataOf = ({ versions, custom }: VaultSecret): string =>
  JSON.stringify({
    cas_required: false,
    created_time: '2026-01-01T00:00:00.123456789Z',
    current_version: versions.length,
    custom_metadata: custom ?? null,
    delete_version_after: '0s',
    max_versions: 0,
    oldest_version: 0,
    updated_time: '2026-01-02T00:00:00Z',
    versions: Object.fromEntries(versions.map((version, at) => [at + 1, timesOf(version, at + 1)])),
  })
