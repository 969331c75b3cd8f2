// A product with an HTTP API for keys, over TLS: those that it issues work until it is told to revoke them.

import { randomUUID } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { makeCertificate } from './certificates.ts'

/** What may issue and revoke without being a key. */
export const ADMIN = 'admin token "with" \\ quotes'

export type Key = { readonly id: string; readonly token: string; readonly name: string }

/** `/v1/keys` is for whoever has a key, or the admin's token; `/v1/me` says whose key it is. */
export class KeyService {
  readonly keys = new Map<string, Key>()
  readonly requests: string[] = []
  last = 9007199254740993n
  /** Answers in place of the service, once. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
  /** Issues the next key, and breaks the connection in place of the answer. */
  silent = false

  issue(name: string): Key {
    this.last += 1n
    const key = { id: String(this.last), token: `tok/${randomUUID()}?"é`, name }
    this.keys.set(key.id, key)
    return key
  }

  readonly answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '', headers } = request
    const body = await text(request)
    this.requests.push(`${method} ${url}`)
    const { instead } = this
    this.instead = undefined
    if (instead) return instead(request, response)
    const say = (status: number, content?: string): void => {
      if (this.silent && status === 201) {
        this.silent = false
        request.socket.destroy()
        return
      }
      response.writeHead(status, { 'content-type': 'application/json' }).end(content)
    }
    const token = Buffer.from(headers.authorization?.replace(/^Basic /, '') ?? '', 'base64')
      .toString()
      .slice('key:'.length)
    const key = [...this.keys.values()].find((one) => one.token === token)
    if (key === undefined && token !== ADMIN) return say(401, '{"error":"the token is SECRET"}')
    const json = ({ id, name, token }: Key, whole: boolean): string =>
      `{"id":${id},"name":${JSON.stringify(name)}${whole ? `,"a/b":{"token":${JSON.stringify(token)}}` : ''}}`
    if (url === '/v1/me') return key ? say(200, json(key, false)) : say(404)
    if (url === '/v1/keys' && method === 'GET') {
      return say(200, `{"keys":[${[...this.keys.values()].map((one) => json(one, false)).join()}]}`)
    }
    if (url === '/v1/keys' && method === 'POST') return say(201, json(this.issue(JSON.parse(body).name), true))
    const id = /^\/v1\/keys\/([0-9]+)$/.exec(url)?.[1]
    if (id && method === 'DELETE') return say(this.keys.delete(id) ? 204 : 404)
    return say(404)
  }
}

export async function startKeyService() {
  const directory = mkdtempSync(join(tmpdir(), 'key-api-'))
  const { certificateFile, keyFile, authority, authorityFile } = await makeCertificate(directory)
  const service = new KeyService()
  const https = createServer({ cert: readFileSync(certificateFile), key: readFileSync(keyFile) }, service.answer)
  await new Promise<void>((resolve) => https.listen(0, '127.0.0.1', resolve))
  const stop = (): void => {
    https.close()
    https.closeAllConnections()
    rmSync(directory, { recursive: true, force: true })
  }
  return { service, url: `https://localhost:${(https.address() as AddressInfo).port}`, authority, authorityFile, stop }
}

const own = { basic: { username: 'key', password: '{{secret.token}}' } }
/** How a rotator speaks to it; `acting` says as whom. */
export const keyTemplate = (acting: object = own) => ({
  issue: {
    ...acting,
    path: '/v1/keys',
    json: { name: 'strongroom {{rotation.versionId}}', scopes: ['read', 1, null] },
    statuses: [201],
    set: { keyId: '/id', token: '/a~1b/token' },
  },
  test: { basic: { username: 'key', password: '{{credential.token}}' }, path: '/v1/me' },
  list: {
    ...acting,
    path: '/v1/keys',
    items: '/keys',
    match: { '/name': 'strongroom {{rotation.versionId}}' },
    set: { keyId: '/id' },
  },
  revoke: { ...acting, path: '/v1/keys/{{credential.keyId}}' },
})
