// Doubles of products' APIs for keys, over TLS, as far as their makers document them: paths, statuses, and who may ask.

import { randomBytes, randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingHttpHeaders } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { makeCertificate } from './certificates.ts'

type Answer = readonly [status: number, body?: object]
type Asked = {
  readonly method: string
  readonly url: URL
  readonly headers: IncomingHttpHeaders
  // biome-ignore lint/suspicious/noExplicitAny: whatever JSON came
  readonly body: any
}

type Double = {
  /** Breaks the connection in place of the next answer that issues, which was done. */
  silent: boolean
  answer(asked: Asked): Answer
}

/** https://docs.datadoghq.com/api/latest/key-management/ */
export class DatadogDouble implements Double {
  readonly admin = { adminApiKey: randomBytes(16).toString('hex'), adminAppKey: `ddapp_${randomUUID()}` }
  readonly keys = new Map<string, { readonly key: string; readonly name: string }>()
  silent = false

  issue(name: string) {
    const [id, key] = [randomUUID(), randomBytes(16).toString('hex')]
    this.keys.set(id, { key, name })
    return { apiKeyId: id, apiKey: key }
  }

  answer({ method, url, headers, body }: Asked): Answer {
    const apiKey = headers['dd-api-key']
    const isAdmin = apiKey === this.admin.adminApiKey
    const forbidden = [403, { errors: ['Forbidden'] }] as const
    if (method === 'GET' && url.pathname === '/api/v1/validate') {
      const isKnown = isAdmin || [...this.keys.values()].some(({ key }) => key === apiKey)
      return isKnown ? [200, { valid: true }] : forbidden
    }
    if (!isAdmin || headers['dd-application-key'] !== this.admin.adminAppKey) return forbidden
    const shown = (id: string, whole: boolean) => {
      const { key, name } = this.keys.get(id)!
      return { id, type: 'api_keys', attributes: { name, last4: key.slice(-4), ...(whole && { key }) } }
    }
    if (url.pathname === '/api/v2/api_keys' && method === 'POST') {
      if (body?.data?.type !== 'api_keys') return [400, { errors: ['Bad Request'] }]
      return [201, { data: shown(this.issue(body.data.attributes.name).apiKeyId, true) }]
    }
    if (url.pathname === '/api/v2/api_keys' && method === 'GET') {
      const filter = url.searchParams.get('filter') ?? ''
      const found = [...this.keys].filter(([, { name }]) => name.includes(filter))
      return [
        200,
        { data: found.slice(0, Number(url.searchParams.get('page[size]') ?? 10)).map(([id]) => shown(id, false)) },
      ]
    }
    const id = /^\/api\/v2\/api_keys\/([^/]+)$/.exec(url.pathname)?.[1]
    if (id !== undefined && method === 'DELETE') return this.keys.delete(id) ? [204] : [404, { errors: ['Not Found'] }]
    return [404, { errors: ['Not Found'] }]
  }
}

/** https://docs.confluent.io/cloud/current/api.html#tag/API-Keys-(iamv2) */
export class ConfluentDouble implements Double {
  readonly admin = { apiKey: 'ADMINKEY00000000', apiSecret: randomBytes(32).toString('base64') }
  readonly keys = new Map<
    string,
    { readonly secret: string; readonly name: string; readonly owner: string; readonly resource?: object }
  >()
  silent = false

  issue(name: string, owner: string, resource?: object) {
    const [id, secret] = [randomBytes(8).toString('hex').toUpperCase(), randomBytes(32).toString('base64')]
    this.keys.set(id, { secret, name, owner, ...(resource && { resource }) })
    return { apiKey: id, apiSecret: secret }
  }

  answer({ method, url, headers, body }: Asked): Answer {
    const [name = '', secret] = Buffer.from(headers.authorization?.slice('Basic '.length) ?? '', 'base64')
      .toString()
      .split(':')
    const own = this.keys.get(name)
    const isAdmin = name === this.admin.apiKey && secret === this.admin.apiSecret
    // A key of a resource is no credential of this API.
    if (!isAdmin && (own?.secret !== secret || own?.resource !== undefined))
      return [401, { errors: [{ status: '401' }] }]
    const mayOf = (owner: string): boolean => isAdmin || own?.owner === owner
    const shown = (id: string, whole: boolean) => {
      const { secret: value, name: display_name, owner, resource } = this.keys.get(id)!
      const spec = {
        display_name,
        owner: { id: owner },
        ...(resource && { resource }),
        ...(whole && { secret: value }),
      }
      return { api_version: 'iam/v2', kind: 'ApiKey', id, spec }
    }
    if (url.pathname === '/iam/v2/api-keys' && method === 'POST') {
      const { display_name, owner, resource } = body.spec
      if (!mayOf(owner.id)) return [403, { errors: [{ status: '403' }] }]
      return [202, shown(this.issue(display_name, owner.id, resource).apiKey, true)]
    }
    if (url.pathname === '/iam/v2/api-keys' && method === 'GET') {
      const owner = url.searchParams.get('spec.owner')
      const found = [...this.keys].filter(([, key]) => mayOf(key.owner) && (owner === null || key.owner === owner))
      return [
        200,
        { data: found.slice(0, Number(url.searchParams.get('page_size') ?? 10)).map(([id]) => shown(id, false)) },
      ]
    }
    const id = /^\/iam\/v2\/api-keys\/([^/]+)$/.exec(url.pathname)?.[1] ?? ''
    const key = this.keys.get(id)
    if (key === undefined || !mayOf(key.owner)) return [404, { errors: [{ status: '404' }] }]
    if (method === 'GET') return [200, shown(id, false)]
    this.keys.delete(id)
    return [204]
  }
}

export async function startDouble<D extends Double>(double: D) {
  const directory = mkdtempSync(join(tmpdir(), 'partner-'))
  const { certificateFile, keyFile, authority, authorityFile } = await makeCertificate(directory)
  const requests: string[] = []
  const https = createServer(
    { cert: readFileSync(certificateFile), key: readFileSync(keyFile) },
    async (asked, response) => {
      const { method = '', url = '', headers } = asked
      const content = await text(asked)
      requests.push(`${method} ${url}`)
      const [status, body] = double.answer({
        method,
        url: new URL(url, 'https://localhost'),
        headers,
        body: content === '' ? undefined : JSON.parse(content),
      })
      if (double.silent && method === 'POST') {
        double.silent = false
        asked.socket.destroy()
        return
      }
      response.writeHead(status, { 'content-type': 'application/json' }).end(body && JSON.stringify(body))
    },
  )
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve))
  const stop = (): void => {
    https.close()
    https.closeAllConnections()
    rmSync(directory, { recursive: true, force: true })
  }
  return {
    double,
    requests,
    url: `https://localhost:${(https.address() as AddressInfo).port}`,
    authority,
    authorityFile,
    stop,
  }
}
