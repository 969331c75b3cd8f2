// A thread for work that takes milliseconds or seconds of a processor, so that requests are served meanwhile. It does one task after another, starts
// with the first of them, and keeps no process alive that has nothing else to do.

import { parentPort, Worker } from 'node:worker_threads'
import { CryptoError } from './crypto-error.ts'

type Answer = { readonly result: unknown } | { readonly failed: string }
type Waiting = { readonly resolve: (result: never) => void; readonly reject: (error: Error) => void }

export class Thread<Task> {
  readonly #program: URL
  readonly #waitingMax: number
  #worker: Worker | undefined
  /** In the order of asking, which is the order of answers. */
  #waiting: Waiting[] = []

  /** `program` calls `answerTasks`. More tasks than `waitingMax` are turned away. */
  constructor(program: URL, waitingMax: number) {
    this.#program = program
    this.#waitingMax = waitingMax
  }

  /** Tasks are copied, but for KeyObjects. @throws CryptoError 'busy' where too many wait already */
  run<Result>(task: Task): Promise<Result> {
    return new Promise((resolve, reject) => {
      if (this.#waiting.length >= this.#waitingMax) throw new CryptoError('busy', 'Too much is asked for at once')
      this.#worker ??= this.#start()
      this.#worker.postMessage(task)
      this.#waiting.push({ resolve, reject })
      this.#worker.ref()
    })
  }

  #start(): Worker {
    const worker = new Worker(this.#program, { env: {} })
    worker.on('message', (answer: Answer) => {
      const { resolve, reject } = this.#waiting.shift()!
      if (this.#waiting.length === 0) worker.unref()
      if ('result' in answer) resolve(answer.result as never)
      else reject(new Error(answer.failed))
    })
    worker.on('error', (error) => this.#abandon(worker, error as Error))
    worker.on('exit', () => this.#abandon(worker, new Error('the thread has ended')))
    return worker
  }

  /** What waited fails; the next task starts a new thread. */
  #abandon(ended: Worker, error: Error): void {
    if (this.#worker !== ended) return
    const failed = this.#waiting
    this.#worker = undefined
    this.#waiting = []
    for (const { reject } of failed) reject(error)
  }
}

/** The thread's own side. Bytes that the work returns are moved to the asker, and zeroed here. */
export function answerTasks<Task>(work: (task: Task) => Uint8Array | boolean): void {
  parentPort!.on('message', (task: Task) => {
    try {
      const result = work(task)
      if (typeof result === 'boolean') return parentPort!.postMessage({ result } satisfies Answer)
      const moved = Uint8Array.from(result)
      result.fill(0)
      parentPort!.postMessage({ result: moved } satisfies Answer, [moved.buffer])
    } catch (error) {
      parentPort!.postMessage({ failed: error instanceof Error ? error.message : 'unknown' } satisfies Answer)
    }
  })
}
