// The hash that AWS's signer takes.

import { createHash, createHmac, type Hash, type Hmac } from 'node:crypto'

/** SHA-256, or HMAC-SHA256 where there is a key, in the form that the signer takes. */
export class Sha256 {
  #hash: Hash | Hmac
  readonly #secret: Parameters<typeof createHmac>[1] | undefined

  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    this.#secret = secret as Parameters<typeof createHmac>[1] | undefined
    this.#hash = this.#create()
  }

  #create(): Hash | Hmac {
    return this.#secret === undefined ? createHash('sha256') : createHmac('sha256', this.#secret)
  }

  update(data: Uint8Array | string): void {
    this.#hash.update(data)
  }

  async digest(): Promise<Uint8Array> {
    return this.#hash.digest()
  }

  reset(): void {
    this.#hash = this.#create()
  }
}
