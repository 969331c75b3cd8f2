// `aws-kms`: the keyring key is wrapped by a key of another KMS, AWS's or a second Strongroom's, which sees it and nothing else.
// It is asked at a start and when slots change: Encrypt and Decrypt of AWS JSON 1.1, in bounded time.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html

import { readFileSync } from 'node:fs'
import { request as requestHttp } from 'node:http'
import { request as requestHttps } from 'node:https'
import { setTimeout as sleep } from 'node:timers/promises'
import { signedHeaders } from '../auth/sign.ts'
import { systemClock } from '../clock.ts'
import { type Credentials, findCredentials } from '../credentials-file.ts'
import { KEY_BYTES } from '../crypto/aead.ts'
import { RootKeyError } from './errors.ts'
import type { SlotBinding } from './keyring-format.ts'
import type { RootKeyProvider } from './root-key.ts'

export type KmsPlace = {
  /** Id, ARN or alias of a symmetric key. */
  readonly key: string
  readonly region: string
  /** Absent: AWS's of the region. */
  readonly endpoint?: string
  /** A shared-credentials file. */
  readonly credentials: string
  /** Absent: `default`. */
  readonly profile?: string
  /** Of the authority of the endpoint's certificate, in PEM; absent: the usual ones. */
  readonly ca?: string
}

/** Milliseconds. */
export type KmsPatience = { readonly callMs: number; readonly allMs: number; readonly pauseMs: number }

/** Of one call, of all tries together, and the first pause between them, which doubles. */
const PATIENCE: KmsPatience = { callMs: 5_000, allMs: 30_000, pauseMs: 250 }
const ANSWER_BYTES_MAX = 65_536
/** AWS's are 184 bytes. */
const WRAPPED_BYTES_MAX = 1_024

/** @throws RootKeyError where the endpoint is none that a key may be sent to */
export function awsKmsRootKey(place: KmsPlace, patience: KmsPatience = PATIENCE): RootKeyProvider {
  const endpoint = endpointOf(place)
  const where = `key ${place.key} of the KMS at ${endpoint.origin}`

  const call = async (operation: 'Encrypt' | 'Decrypt', input: object): Promise<Answer> => {
    const until = performance.now() + patience.allMs
    for (let pauseMs = patience.pauseMs; ; pauseMs *= 2) {
      const answer = await callOnce(endpoint, place, operation, input, patience.callMs).catch((error: unknown) => {
        if (error instanceof RootKeyError) throw error
        const { code, message } = error as NodeJS.ErrnoException
        return { status: 0, body: {}, why: `no answer (${code ?? message})` }
      })
      const passing = answer.status === 0 || answer.status >= 500 || /Throttl|LimitExceeded/.test(answer.why)
      if (!passing) return answer
      if (performance.now() + pauseMs > until) throw new RootKeyError(`${where}: ${operation} failed: ${answer.why}`)
      await sleep(pauseMs)
    }
  }

  return {
    kind: 'aws-kms',
    where,
    opened: new Set(),
    wrap: async (keyringKey, binding) => {
      const Plaintext = Buffer.from(keyringKey).toString('base64')
      const { status, body, why } = await call('Encrypt', {
        KeyId: place.key,
        Plaintext,
        EncryptionContext: contextOf(binding),
      })
      if (status !== 200) throw new RootKeyError(`${where} refused Encrypt: ${why}`)
      const wrapped = Buffer.from(String(body.CiphertextBlob ?? ''), 'base64')
      if (wrapped.length < KEY_BYTES || wrapped.length > WRAPPED_BYTES_MAX)
        throw new RootKeyError(`${where} answered Encrypt with a ciphertext of ${wrapped.length} bytes`)
      return { check: new Uint8Array(), wrapped }
    },
    unwrap: async (slot, binding) => {
      const CiphertextBlob = Buffer.from(slot.wrapped).toString('base64')
      const { status, body, why } = await call('Decrypt', {
        KeyId: place.key,
        CiphertextBlob,
        EncryptionContext: contextOf(binding),
      })
      if (/^(InvalidCiphertext|IncorrectKey)Exception/.test(why)) return 'other-key'
      if (status !== 200) throw new RootKeyError(`${where} refused Decrypt: ${why}`)
      const key = Buffer.from(String(body.Plaintext ?? ''), 'base64')
      return key.length === KEY_BYTES ? key : 'damaged'
    },
    warnings: async () => [],
  }
}

const contextOf = ({ instanceId, slotId, keyringVersion }: SlotBinding) => ({
  instance: instanceId,
  slot: slotId,
  keyringVersion: `${keyringVersion}`,
})

function endpointOf({ endpoint, region }: KmsPlace): URL {
  if (!/^[a-z0-9-]{1,32}$/.test(region)) throw new RootKeyError(`aws-kms: region=${region} is not the name of a region`)
  const url = URL.parse(endpoint ?? `https://kms.${region}.amazonaws.com`)
  const loopback = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])$/.test(url?.hostname ?? '')
  if (url?.protocol === 'https:' || (url?.protocol === 'http:' && loopback)) return url
  throw new RootKeyError(`aws-kms: endpoint=${endpoint} must be https, or http on this machine`)
}

type Answer = {
  readonly status: number
  readonly body: { readonly [name: string]: unknown }
  /** One line of what was refused; empty where nothing was. */
  readonly why: string
}

async function callOnce(
  url: URL,
  place: KmsPlace,
  operation: string,
  input: object,
  timeoutMs: number,
): Promise<Answer> {
  const body = Buffer.from(JSON.stringify(input))
  const headers = signedHeaders({
    url: new URL('/', url),
    body,
    headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${operation}` },
    region: place.region,
    service: 'kms',
    credentials: readKeys(place),
    time: systemClock.wallNow(),
  })
  const text = await post(url, headers, body, readAuthority(place), timeoutMs)
  return { ...text, why: text.status === 200 ? '' : explain(text) }
}

/** Read each time, so that keys may be rotated under a running server. */
function readKeys({ credentials, profile = 'default' }: KmsPlace): Credentials {
  try {
    const keys = findCredentials(credentials, profile)
    if (keys !== undefined) return keys
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    throw new RootKeyError(`aws-kms: the credentials file ${credentials} cannot be read: ${code}`)
  }
  throw new RootKeyError(`aws-kms: the credentials file ${credentials} has no keys for the profile ${profile}`)
}

function readAuthority({ ca }: KmsPlace): Buffer | undefined {
  try {
    return ca === undefined ? undefined : readFileSync(ca)
  } catch (error) {
    throw new RootKeyError(`aws-kms: ca=${ca} cannot be read: ${(error as NodeJS.ErrnoException).code}`)
  }
}

const post = (
  url: URL,
  headers: { readonly [name: string]: string },
  sent: Uint8Array,
  ca: Buffer | undefined,
  timeoutMs: number,
): Promise<Omit<Answer, 'why'>> =>
  new Promise((resolve, reject) => {
    const options = { method: 'POST', headers, agent: false as const, signal: AbortSignal.timeout(timeoutMs) }
    const outgoing =
      url.protocol === 'https:' ? requestHttps(url, { ...options, ...(ca && { ca }) }) : requestHttp(url, options)
    outgoing.on('response', (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > ANSWER_BYTES_MAX) outgoing.destroy(new Error('the answer is too large'))
        else chunks.push(chunk)
      })
      response.on('error', reject)
      response.on('end', () => {
        const bytes = Buffer.concat(chunks)
        let body: unknown
        try {
          body = JSON.parse(bytes.toString())
        } catch {
          body = undefined
        }
        bytes.fill(0)
        const isObject = typeof body === 'object' && body !== null
        resolve({ status: response.statusCode ?? 0, body: isObject ? (body as Answer['body']) : {} })
      })
    })
    outgoing.on('error', reject)
    outgoing.end(sent)
  })

/** The error's name and message, on one line and short, whatever came. */
function explain({ status, body }: Omit<Answer, 'why'>): string {
  const name = String(body.__type ?? `status ${status}`)
    .split('#')
    .at(-1)
  const message = String(body.message ?? body.Message ?? '')
  return `${name}${message && `: ${message}`}`.replaceAll(/[^\x20-\x7e]+/g, ' ').slice(0, 300)
}
