// What this server signs is what AWS's own signer makes of the same request.

import assert from 'node:assert/strict'
import { createHash, createHmac } from 'node:crypto'
import { test } from 'node:test'
import { SignatureV4 } from '@smithy/signature-v4'
import { signedHeaders } from './sign.ts'

class Sha256 {
  readonly #hash
  constructor(secret?: unknown) {
    this.#hash = secret === undefined ? createHash('sha256') : createHmac('sha256', secret as Uint8Array)
  }
  update(chunk: string | Uint8Array): void {
    this.#hash.update(chunk)
  }
  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }
}

test("the signature is that of AWS's signer, with a session token and without, on any port", async () => {
  const keys = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' }
  const time = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
  for (const address of ['https://secrets.example.com/_strongroom/replicas/put', 'https://[::1]:4660/a b/%20']) {
    for (const credentials of [keys, { ...keys, sessionToken: 'token+/=' }]) {
      const url = new URL(address)
      const body = Buffer.from('{"a":"é"}')
      const [region, service] = ['eu-west-1', 'secretsmanager']
      const headers = { 'content-type': 'application/x-amz-json-1.1' }
      const { authorization, ...ours } = signedHeaders({ url, body, headers, region, service, credentials, time })
      const signer = new SignatureV4({ service, region, credentials, sha256: Sha256, applyChecksum: false })
      const request = { method: 'POST', protocol: 'https:', hostname: url.hostname, path: url.pathname, query: {} }
      const { headers: theirs } = await signer.sign(
        { ...request, headers: { ...headers, host: url.host }, body } as Parameters<typeof signer.sign>[0],
        { signingDate: new Date(time) },
      )
      assert.equal(authorization, theirs.authorization)
      assert.deepEqual(ours, Object.fromEntries(Object.entries(theirs).filter(([name]) => name !== 'authorization')))
    }
  }
})
