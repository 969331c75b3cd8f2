// What the signing thread runs: signatures of digests.

import type { KeyObject } from 'node:crypto'
import { signDigest, verifyDigest } from './digest-signature.ts'
import type { AsymmetricSpec, SigningAlgorithm } from './spec.ts'
import { answerTasks } from './thread.ts'

export type Signing = {
  readonly spec: AsymmetricSpec
  readonly algorithm: SigningAlgorithm
  readonly key: KeyObject
  readonly digest: Uint8Array
  /** Where one is to be verified. */
  readonly signature?: Uint8Array
}

answerTasks(({ spec, key, algorithm, digest, signature }: Signing) =>
  signature === undefined
    ? signDigest(spec, key, algorithm, digest)
    : verifyDigest(spec, key, algorithm, digest, signature),
)
