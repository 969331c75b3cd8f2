// An OIDC issuer for tests: a real https server with a certificate of its own authority, a discovery document, keys that can be rotated, and
// every fault that a hostile one has.

import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:https'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import { type TestScope, temporaryDirectory } from '../../storage/testing.ts'

type Key = { readonly kid: string; readonly alg: string; readonly privateKey: CryptoKey; readonly jwk: object }

export type TestIssuer = {
  /** https://localhost:PORT */
  readonly url: string
  /** SHA-1 of its certificate in hex. */
  readonly thumbprint: string
  /** How often the keys were fetched. */
  readonly fetches: () => number
  /** Its keys, as they are answered now. */
  readonly jwks: () => string
  /** What is answered instead, by path. `undefined` hangs. */
  readonly answers: Map<
    string,
    { readonly status: number; readonly body: string; readonly location?: string } | undefined
  >
  /** Signs with the newest key. */
  sign(claims?: { readonly [claim: string]: unknown }, header?: { readonly [name: string]: unknown }): Promise<string>
  /** Another key in the place of all. */
  rotate(alg?: string): Promise<void>
  /** Answers nothing any more, until it is started again. */
  stop(): Promise<void>
  start(): Promise<void>
}

export const AUDIENCE = 'sts.amazonaws.com'

export async function startIssuer(t: TestScope, path = ''): Promise<TestIssuer> {
  const directory = temporaryDirectory(t)
  const [keyFile, certFile] = [join(directory, 'key.pem'), join(directory, 'cert.pem')]
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  execFileSync('openssl', [...request, ...subject, '-keyout', keyFile, '-out', certFile], { stdio: 'ignore' })
  const cert = readFileSync(certFile)
  const tls = { cert, key: readFileSync(keyFile) }
  const answers: TestIssuer['answers'] = new Map()
  let keys: readonly Key[] = []
  let fetches = 0
  let number = 0
  let port = 0
  let server: Server
  const url = (): string => `https://localhost:${port}${path}`

  const jwks = (): string => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })

  const start = async (): Promise<void> => {
    server = createServer(tls, ({ url: asked = '' }, response) => {
      if (answers.has(asked)) {
        const answer = answers.get(asked)
        if (answer === undefined) return
        response.writeHead(answer.status, answer.location === undefined ? {} : { location: answer.location })
        response.end(answer.body)
      } else if (asked === `${path}/.well-known/openid-configuration`) {
        response.end(JSON.stringify({ issuer: url(), jwks_uri: `${url()}/keys` }))
      } else if (asked === `${path}/keys`) {
        fetches += 1
        response.end(jwks())
      } else response.writeHead(404).end()
    })
    await new Promise<void>((resolve) => server.listen(port, 'localhost', resolve))
    port = (server.address() as { readonly port: number }).port
  }
  const stop = async (): Promise<void> => {
    server.closeAllConnections()
    if (server.listening) await new Promise((resolve) => server.close(resolve))
  }
  const rotate = async (alg = 'RS256'): Promise<void> => {
    const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
    number += 1
    const kid = `key-${number}`
    keys = [{ kid, alg, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }]
  }
  await start()
  t.after(stop)
  await rotate()
  return {
    url: url(),
    thumbprint: new X509Certificate(cert).fingerprint.replaceAll(':', '').toLowerCase(),
    fetches: () => fetches,
    jwks,
    answers,
    rotate,
    start,
    stop,
    sign: async (claims = {}, header = {}) => {
      const { kid, alg, privateKey } = keys[0]!
      const now = Math.floor(Date.now() / 1000)
      const standard = { iss: url(), sub: 'workload', aud: AUDIENCE, iat: now, exp: now + 600 }
      return new SignJWT({ ...standard, ...claims }).setProtectedHeader({ alg, kid, ...header }).sign(privateKey)
    },
  }
}
