// What the signing thread runs: one task after another, answered in order.

import { parentPort } from 'node:worker_threads'
import { signDigest, verifyDigest } from './digest-signature.ts'
import type { Answer, Signing, Verifying } from './signing-thread.ts'

parentPort!.on('message', (task: Signing | Verifying) => parentPort!.postMessage(answer(task)))

function answer(task: Signing | Verifying): Answer {
  const { spec, key, algorithm, message } = task
  try {
    if (task.work === 'verify') return { result: verifyDigest(spec, key, algorithm, message, task.signature) }
    return { result: Uint8Array.from(signDigest(spec, key, algorithm, message)) }
  } catch (error) {
    return { failed: error instanceof Error ? error.message : 'unknown' }
  }
}
