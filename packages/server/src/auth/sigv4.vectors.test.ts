// The published test suite of SigV4 and SigV4a (awslabs/aws-c-auth, Apache-2.0), read from beside the checkout where it is kept.

import assert from 'node:assert/strict'
import { createSecretKey, hash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import type { WireRequest } from './request.ts'
import { deriveVerifyingKey, SigningKeys } from './signing-keys.ts'
import { type ParseOptions, parseSignature, textOf, verifySignature } from './sigv4.ts'
import { checkTime } from './time.ts'

type Context = {
  readonly credentials: { readonly access_key_id: string; readonly secret_access_key: string; readonly token?: string }
  readonly expiration_in_seconds: number
  readonly normalize: boolean
  readonly region: string
  readonly service: string
  readonly sign_body: boolean
  readonly timestamp: string
  readonly omit_session_token?: boolean
}

const SUITE = join(import.meta.dirname, '../../../../../shared/vectors/sigv4')
const SKEW_MS = 300_000
/** Cases that the suite ships without a signed request. */
const UNSIGNED = ['v4a/get-vanilla-query-order-key', 'v4a/get-vanilla-query-order-value']

const skip = existsSync(SUITE) ? false : `no test vectors at ${SUITE}`

describe('the published SigV4 vectors', { skip }, () => {
  const directories = skip
    ? []
    : ['v4', 'v4a'].flatMap((suite) => readdirSync(join(SUITE, suite)).map((name) => `${suite}/${name}`))
  const cases = directories.filter((directory) => !UNSIGNED.includes(directory))

  test('are all there: 38 cases of each algorithm, signed in the header and in the query', () => {
    assert.equal(cases.filter((directory) => directory.startsWith('v4/')).length, 38)
    assert.equal(cases.filter((directory) => directory.startsWith('v4a/')).length, 38)
    for (const directory of cases)
      for (const carrier of ['header', 'query'])
        assert.ok(existsSync(join(SUITE, directory, `${carrier}-signed-request.txt`)))
  })

  for (const directory of cases)
    for (const carrier of ['header', 'query'] as const)
      test(`${directory}, signed in the ${carrier}, verifies and has the canonical request and string to sign of the suite`, () => {
        const read = (file: string): string => readFileSync(join(SUITE, directory, file), 'latin1')
        const context = JSON.parse(readFileSync(join(SUITE, directory, 'context.json'), 'utf8')) as Context
        const request = parseHttp(read(`${carrier}-signed-request.txt`))
        const options: ParseOptions = {
          service: context.service,
          protocol: 'json',
          ownRegion: 'eu-west-3',
          normalizePath: context.normalize,
          tokenUnsigned: context.omit_session_token ?? false,
        }
        const secret = createSecretKey(Buffer.from(context.credentials.secret_access_key))
        const parsed = parseSignature(request, options)

        assert.equal(parsed.accessKeyId, context.credentials.access_key_id)
        assert.equal(parsed.region, context.region)
        assert.equal(parsed.sessionToken, context.credentials.token)
        assert.equal(parsed.time.timeMs, Date.parse(context.timestamp))
        assert.equal(parsed.lifetimeMs, carrier === 'query' ? context.expiration_in_seconds * 1000 : undefined)
        assert.equal(context.sign_body || request.body.length === 0, true)

        const { canonical, toSign } = textOf(parsed, request, hash('sha256', request.body, 'hex'))
        assert.equal(canonical, read(`${carrier}-canonical-request.txt`))
        assert.equal(toSign, read(`${carrier}-string-to-sign.txt`))

        checkTime(parsed.time, parsed.lifetimeMs, Date.parse(context.timestamp), SKEW_MS)
        assert.ok(verifySignature(parsed, request, secret, new SigningKeys()))
        const alone = { ...parsed, signature: read(`${carrier}-signature.txt`).trim() }
        assert.ok(verifySignature(alone, request, secret, new SigningKeys()), 'the signature file')
        const other = createSecretKey(Buffer.from(`${context.credentials.secret_access_key}.`))
        assert.equal(verifySignature(parsed, request, other, new SigningKeys()), undefined, 'another secret')

        if (directory.startsWith('v4a/')) {
          const published = JSON.parse(read('public-key.json')) as { readonly X: string; readonly Y: string }
          const jwk = deriveVerifyingKey(parsed, secret).export({ format: 'jwk' })
          const toHex = (text: string | undefined): string => Buffer.from(text!, 'base64url').toString('hex')
          assert.deepEqual({ X: toHex(jwk.x), Y: toHex(jwk.y) }, published)
        }
      })
})

/** The suite's requests have bare line feeds, spaces in targets and folded headers, which no HTTP parser takes. */
function parseHttp(text: string): WireRequest {
  const end = text.indexOf('\n\n')
  const [line, ...fields] = text.slice(0, end).split(/\n(?![ \t])/) as [string, ...string[]]
  const method = line.slice(0, line.indexOf(' '))
  const target = line.slice(method.length + 1, line.lastIndexOf(' HTTP/1.1'))
  const rawHeaders = fields.flatMap((field) => {
    const colon = field.indexOf(':')
    return [field.slice(0, colon), field.slice(colon + 1)]
  })
  const body = Buffer.from(text.slice(end + 2), 'latin1')
  return { method, target, rawHeaders, body, remoteAddress: '127.0.0.1', secure: false }
}
