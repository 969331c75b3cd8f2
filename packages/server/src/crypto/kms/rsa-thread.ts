// What makes RSA keys: a thread of low priority, for it computes for up to seconds, and whoever asks for a secret meanwhile shall not wait.

import { generateKeyPairSync } from 'node:crypto'
import { readlinkSync } from 'node:fs'
import { setPriority } from 'node:os'
import { RSA_BITS, RSA_EXPONENT, type RsaSpec } from './spec.ts'
import { answerTasks } from './thread.ts'

export type RsaGeneration = { readonly spec: RsaSpec }

/** Linux schedules threads: a tenth of what serves requests where both want a processor. Elsewhere it would be the whole process. */
const LOW_PRIORITY = 10
if (process.platform === 'linux') setPriority(Number(readlinkSync('/proc/thread-self').split('/').at(-1)), LOW_PRIORITY)

answerTasks(({ spec }: RsaGeneration) => {
  const { privateKey } = generateKeyPairSync('rsa', {
    modulusLength: RSA_BITS[spec],
    publicExponent: Number(RSA_EXPONENT),
    publicKeyEncoding: { type: 'spki', format: 'der' },
    privateKeyEncoding: { type: 'pkcs8', format: 'der' },
  })
  return privateKey
})
