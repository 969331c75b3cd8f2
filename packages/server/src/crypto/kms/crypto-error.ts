// What the cryptography of KMS refuses. It carries a reason that the API turns into AWS's error, and never a byte of the input.

export type CryptoRefusal =
  /** The algorithm is none of the key spec's, or the message type none of the algorithm's. */
  | 'algorithm'
  /** A message, digest, plaintext or other input has a length that the algorithm does not take. */
  | 'length'
  /** A ciphertext, or wrapped key material, does not open. Nothing more is told, whatever the cause. */
  | 'ciphertext'
  /** Key material is not of the declared spec, or malformed. */
  | 'key-material'
  /** A public key is not of the spec asked for, not on its curve, or not in the one form that is taken. */
  | 'public-key'
  /** Too much of it is asked for at once; later it may be had. */
  | 'busy'

export class CryptoError extends Error {
  readonly refusal: CryptoRefusal

  /** `detail` is for people and may be shown: it holds names and sizes only. */
  constructor(refusal: CryptoRefusal, detail: string) {
    super(detail)
    this.name = 'CryptoError'
    this.refusal = refusal
  }
}
