// The HTTP API of HashiCorp Vault and OpenBao, as far as reading a KV secrets engine takes it.
// https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2

import { readFileSync } from 'node:fs'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '../usage-error.ts'

export type VaultOptions = {
  readonly address?: string
  readonly tokenFile?: string
  readonly namespace?: string
  readonly ca?: string
}

/** The `data` of the answer; undefined where there is none (404). Numbers are kept as they are written. @throws UsageError */
export type VaultClient = (path: readonly string[], query?: string) => Promise<VaultData | undefined>
export type VaultData = { readonly [member: string]: unknown }

/** What a header can have. */
const HEADER = /^[\x21-\x7e]{1,4096}$/
const ANSWER_BYTES_MAX = 8 << 20
const TIMEOUT_MS = 60_000
const RETRY_MS = 500
const TRIES = 6

/** What the command line does not say, the environment says, by the names that Vault's own tools read. @throws UsageError */
export function vaultClient(given: VaultOptions): VaultClient {
  const { VAULT_ADDR, BAO_ADDR, VAULT_TOKEN, BAO_TOKEN, VAULT_NAMESPACE, BAO_NAMESPACE, VAULT_CACERT, BAO_CACERT } =
    process.env
  const address = given.address ?? VAULT_ADDR ?? BAO_ADDR ?? 'https://127.0.0.1:8200'
  const base = URL.parse(address)
  if (base === null || !/^https?:$/.test(base.protocol)) {
    throw new UsageError(`--address ${address} is not an address: https://HOST:8200`)
  }
  const token = tokenOf(given.tokenFile, VAULT_TOKEN ?? BAO_TOKEN)
  const namespace = given.namespace ?? VAULT_NAMESPACE ?? BAO_NAMESPACE
  if (namespace !== undefined && !HEADER.test(namespace))
    throw new UsageError('--namespace is not one of Vault: team/a')
  const caFile = given.ca ?? VAULT_CACERT ?? BAO_CACERT
  const ca = caFile === undefined ? undefined : readText(caFile, 'give another --ca')
  const headers = {
    'x-vault-token': token,
    'x-vault-request': 'true',
    ...(namespace !== undefined && { 'x-vault-namespace': namespace }),
  }
  return async (path, query = '') => {
    const url = new URL(`/v1/${path.map(encodeURIComponent).join('/')}${query}`, base)
    for (let tried = 1; ; tried++) {
      const { status, text } = await get(url, headers, ca)
      if (status !== 429 || tried === TRIES) return dataOf(status, text, url)
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS * 2 ** tried))
    }
  }
}

function tokenOf(file: string | undefined, given: string | undefined): string {
  const place = file ?? join(homedir(), '.vault-token')
  const mend = 'set VAULT_TOKEN, or give --token-file'
  const token = file === undefined && given !== undefined ? given : readText(place, mend).trim()
  if (!HEADER.test(token)) throw new UsageError(`${given === token ? 'VAULT_TOKEN' : place} holds no token: ${mend}`)
  return token
}

function readText(file: string, mend: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new UsageError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}): ${mend}`)
  }
}

type Answer = { readonly status: number; readonly text: string }

/** Without following where the answer points: the token is for this address alone. */
function get(url: URL, headers: { readonly [name: string]: string }, ca: string | undefined): Promise<Answer> {
  const fail = (why: string) =>
    new UsageError(`no answer from ${url.origin} (${why}): give the address of Vault with --address`)
  return new Promise((resolve, reject) => {
    const options = { headers, timeout: TIMEOUT_MS, ...(ca !== undefined && { ca }) }
    const refuse = (error: NodeJS.ErrnoException): void => reject(fail(error.code ?? error.message))
    const request = (url.protocol === 'https:' ? httpsRequest : httpRequest)(url, options, (response) => {
      const chunks: Buffer[] = []
      let bytes = 0
      response.on('data', (chunk: Buffer) => {
        bytes += chunk.length
        if (bytes > ANSWER_BYTES_MAX) request.destroy(new Error('too many bytes'))
        else chunks.push(chunk)
      })
      // Of an answer that was cut short: without it nothing would ever be told, and the process end as though all was done.
      response.on('error', refuse)
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }))
    })
    request.on('timeout', () => request.destroy(new Error('timeout')))
    request.on('error', refuse)
    request.end()
  })
}

function dataOf(status: number, text: string, url: URL): VaultData | undefined {
  const path = url.pathname.replace(/^\/v1\//, '')
  if (status === 404) return undefined
  if (status === 403) {
    throw new UsageError(`Vault refuses the token at ${path}: give its policy read and list there, or log in again`)
  }
  if (status >= 300 && status < 400) {
    throw new UsageError(`${url.origin} points elsewhere: give the address of the active server with --address`)
  }
  if (status === 503) throw new UsageError(`${url.origin} is sealed or in maintenance`)
  if (status !== 200) throw new UsageError(`${url.origin} answered ${path} with status ${status}`)
  const answer = parseExactly(text)
  if (!isMap(answer) || !isMap(answer.data)) {
    throw new UsageError(`${url.origin} answered ${path} with no data: is it Vault or OpenBao?`)
  }
  return answer.data
}

export const isMap = (value: unknown): value is VaultData =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !exact.isRawJSON(value)

/** What TypeScript does not know of JSON yet. https://tc39.es/proposal-json-parse-with-source/ */
const exact = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: { readonly source?: string }) => unknown): unknown
  rawJSON(text: string): object
  isRawJSON(value: object): boolean
}

/** Numbers come out as they are written, however large: an id of twenty digits stays what it is. Undefined where it is no JSON. */
function parseExactly(text: string): unknown {
  try {
    return exact.parse(text, (_key, value, { source }) =>
      typeof value === 'number' && source !== undefined && String(value) !== source ? exact.rawJSON(source) : value,
    )
  } catch {
    // Its error would repeat some of the text.
    return undefined
  }
}
