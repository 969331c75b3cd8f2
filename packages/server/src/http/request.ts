// A request as it came over the wire and an answer as it goes: bytes, not objects, for signatures are over bytes.

export type WireRequest = {
  readonly method: string
  /** The request-target as received: path and query, neither decoded nor normalised. */
  readonly target: string
  /** Names and values in turn, as received; latin1, one character a byte. */
  readonly rawHeaders: readonly string[]
  readonly body: Uint8Array
  readonly remoteAddress: string
  /** Whether it came over TLS. */
  readonly secure: boolean
  /** Undefined of what did not come over TLS. */
  readonly tlsVersion?: string | undefined
}

export type WireResponse = {
  readonly status: number
  readonly contentType: string
  readonly requestId?: string
  /** x-amzn-ErrorType: the error's code. */
  readonly errorType?: string
  /** x-strongroom-authorization-message: what DecodeAuthorizationMessage of STS takes. */
  readonly authorizationMessage?: string
  /** Empty of an answer of status 204, which has no body. */
  readonly body: string | Uint8Array
  /** Further headers, by their names. */
  readonly headers?: { readonly [name: string]: string }
  /** What follows the body until it ends or the signal aborts: the client went, reads too slowly, or the server stops. */
  readonly stream?: (signal: AbortSignal) => AsyncIterable<string>
}

/** The first value of a header, by its lower-case name. What must stand only once is checked by auth/. */
export function header(rawHeaders: readonly string[], name: string): string | undefined {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) {
    const candidate = rawHeaders[at]!
    if (candidate.length !== name.length) continue
    // Most clients write them so.
    if (candidate === name || candidate.toLowerCase() === name) return rawHeaders[at + 1]
  }
  return undefined
}
