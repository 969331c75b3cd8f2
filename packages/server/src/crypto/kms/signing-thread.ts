// One thread a process for the signatures that neither OpenSSL's own threads nor microseconds can make, so that requests are served meanwhile. It
// starts with the first of them. Keys go to it as KeyObjects: their bytes are not copied.

import type { KeyObject } from 'node:crypto'
import { Worker } from 'node:worker_threads'
import { CryptoError } from './crypto-error.ts'
import type { AsymmetricSpec, SigningAlgorithm } from './spec.ts'

type About = {
  readonly spec: AsymmetricSpec
  readonly algorithm: SigningAlgorithm
  readonly key: KeyObject
  readonly message: Uint8Array
}
export type Signing = About & { readonly work: 'sign' }
export type Verifying = About & { readonly work: 'verify'; readonly signature: Uint8Array }
export type Answer = { readonly result: Uint8Array | boolean } | { readonly failed: string }

type Waiting = { readonly resolve: (result: Uint8Array | boolean) => void; readonly reject: (error: Error) => void }

let thread: Worker | undefined
/** In the order of asking, which is the order of answers. */
let waiting: Waiting[] = []

/** At the slowest, two seconds of work. */
export const SIGNATURES_WAITING_MAX = 128

/** @throws CryptoError 'busy' where too many wait already */
export function onSigningThread(task: Signing): Promise<Uint8Array>
export function onSigningThread(task: Verifying): Promise<boolean>
export function onSigningThread(task: Signing | Verifying): Promise<Uint8Array | boolean> {
  return new Promise((resolve, reject) => {
    if (waiting.length >= SIGNATURES_WAITING_MAX) throw new CryptoError('busy', 'Too many signatures are being made')
    thread ??= start()
    const own = { ...task, message: Uint8Array.from(task.message) } // a view would take the whole buffer behind it along
    if (own.work === 'verify') Object.assign(own, { signature: Uint8Array.from(own.signature) })
    thread.postMessage(own)
    waiting.push({ resolve, reject })
    thread.ref()
  })
}

function start(): Worker {
  const started = new Worker(new URL('./signing-thread-program.ts', import.meta.url), { name: 'signing', env: {} })
  started.on('message', (answer: Answer) => {
    const { resolve, reject } = waiting.shift()!
    if (waiting.length === 0) started.unref()
    if ('result' in answer) resolve(answer.result)
    else reject(new Error(answer.failed))
  })
  started.on('error', (error) => abandon(started, error as Error))
  started.on('exit', () => abandon(started, new Error('the signing thread has ended')))
  return started
}

/** What waited fails; the next signature starts a new thread. */
function abandon(ended: Worker, error: Error): void {
  if (thread !== ended) return
  const failed = waiting
  thread = undefined
  waiting = []
  for (const { reject } of failed) reject(error)
}
