// The keyring: the versioned domain keys from which everything the server seals is derived.

/** What a MAC or a sealed value is for; keys of different families and purposes are unrelated. */
export type MacFamily = 'row' | 'audit' | 'token'

export type Keyring = {
  /** Names this installation in every binding; made at first start. */
  readonly instanceId: string

  /** `u32 key version ‖ HMAC-SHA256` over the parts in order, each length-prefixed, under the newest key of the purpose. */
  mac(family: MacFamily, purpose: string, parts: readonly Uint8Array[]): Uint8Array
  /** In constant time; false also where the key version is unknown. */
  verify(family: MacFamily, purpose: string, mac: Uint8Array, parts: readonly Uint8Array[]): boolean

  /** Authenticated encryption under the newest domain key: `u32 key version ‖ iv ‖ ciphertext ‖ tag`. */
  seal(purpose: string, plaintext: Uint8Array, aad: readonly Uint8Array[]): Uint8Array
  /** Undefined where the sealed bytes, the purpose or the AAD differ. The caller zeroes the plaintext after use. */
  open(purpose: string, sealed: Uint8Array, aad: readonly Uint8Array[]): Buffer | undefined
}
