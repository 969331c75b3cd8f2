// The warm instances: one invocation at a time each, as many as the machine is given, those that nobody asked for ended after a while.
// Who finds no free place waits in one queue of bounded length, in order.

/** The part of an instance that the pool deals with. */
type Pooled = {
  settled(): Promise<boolean>
  stop(): Promise<void>
  readonly ended: Promise<void>
}

export type Wanted<Instance> = {
  /** Instances of the same key serve each other's invocations. */
  readonly key: string
  /** Of what the key is one state: instances of its other states are ended as soon as they are idle. */
  readonly subject: string
  /** At most one instance of this key at a time; the others wait for it. */
  readonly alone: boolean
  readonly start: () => Promise<Instance>
  readonly signal: AbortSignal | undefined
}

export type PoolOptions = {
  /** Instances at the same time. */
  readonly concurrency: number
  /** Invocations that wait for a place. */
  readonly queueMax: number
  /** How long an instance waits for its next invocation. */
  readonly idleMs: number
}

/** There is no place in the queue. */
export class QueueFullError extends Error {
  constructor() {
    super('too many invocations are waiting')
    this.name = 'QueueFullError'
  }
}

export type Pool<Instance> = {
  /** Resolves with an instance that is nobody else's until it is given back. Rejects when the queue is full, or the signal aborts. */
  take(wanted: Wanted<Instance>): Promise<Instance>
  /** After its invocation. It serves the next one as soon as it can; who wants it waits a moment for that rather than for a new one. */
  giveBack(instance: Instance): void
  /** Ends every instance and refuses whoever waits. */
  close(): Promise<void>
}

/** Runtimes ask for their next invocation at once; one that does not for so long is not waited for. */
const SETTLE_MS = 1_000

type Place<Instance> = {
  readonly key: string
  readonly subject: string
  starting: Promise<unknown>
  instance: Instance | undefined
  ending: boolean
  /** It has answered, and has not yet asked for more. */
  settling: boolean
  /** There is a newer state of its subject: it takes no more. */
  superseded: boolean
  /** When it became idle; undefined while it is taken. */
  idleSince: number | undefined
  timer: NodeJS.Timeout | undefined
}

type Waiter<Instance> = {
  readonly wanted: Wanted<Instance>
  readonly resolve: (instance: Instance) => void
  readonly reject: (error: unknown) => void
}

export function createPool<Instance extends Pooled>({ concurrency, queueMax, idleMs }: PoolOptions): Pool<Instance> {
  const places = new Set<Place<Instance>>()
  const waiters = new Set<Waiter<Instance>>()
  let closed = false

  /** Serves whom it can, the first comers first. Who must wait for one instance alone holds up nobody else. */
  const serve = (): void => {
    for (const waiter of waiters) {
      const { wanted } = waiter
      const own = [...places].filter(({ key }) => key === wanted.key)
      const idle = own.find(({ idleSince }) => idleSince !== undefined)
      if (idle !== undefined) hand(idle, waiter)
      else if (own.some(({ settling }) => settling) || (wanted.alone && own.length > 0)) continue
      else if (places.size < concurrency) begin(waiter)
      else {
        if (![...places].some(({ ending }) => ending)) end(longestIdle())
        return // Goes on when it is gone, or when anything else is free.
      }
    }
  }

  const hand = (place: Place<Instance>, waiter: Waiter<Instance>): void => {
    waiters.delete(waiter)
    clearTimeout(place.timer)
    place.idleSince = undefined
    waiter.resolve(place.instance!)
  }

  const begin = (waiter: Waiter<Instance>): void => {
    const { key, subject, start } = waiter.wanted
    waiters.delete(waiter)
    for (const other of places) if (other.subject === subject && other.key !== key) supersede(other)
    const starting = start()
    const place: Place<Instance> = {
      key,
      subject,
      starting,
      instance: undefined,
      ending: false,
      settling: false,
      superseded: false,
      idleSince: undefined,
      timer: undefined,
    }
    places.add(place)
    starting.then(
      (instance) => {
        place.instance = instance
        instance.ended.then(() => leave(place))
        waiter.resolve(instance)
      },
      (error: unknown) => {
        leave(place)
        waiter.reject(error)
      },
    )
  }

  const leave = (place: Place<Instance>): void => {
    clearTimeout(place.timer)
    places.delete(place)
    serve()
  }

  const longestIdle = (): Place<Instance> | undefined =>
    [...places].filter(({ idleSince }) => idleSince !== undefined).sort((a, b) => a.idleSince! - b.idleSince!)[0]

  /** Ends it if it is idle: from now on it is taken, and its place is free when nothing is left of it. */
  const end = (place: Place<Instance> | undefined): void => {
    if (place?.idleSince === undefined) return
    clearTimeout(place.timer)
    place.idleSince = undefined
    place.ending = true
    void place.instance!.stop()
  }

  const supersede = (place: Place<Instance>): void => {
    place.superseded = true
    end(place)
  }

  return {
    take: ({ signal, ...wanted }) =>
      new Promise((resolve, reject) => {
        if (closed) return reject(new Error('the functions are closed'))
        if (signal?.aborted) return reject(signal.reason)
        const waiter: Waiter<Instance> = { wanted: { ...wanted, signal }, resolve, reject }
        signal?.addEventListener('abort', () => waiters.delete(waiter) && reject(signal.reason), { once: true })
        waiters.add(waiter)
        serve()
        if (waiters.size > queueMax && waiters.delete(waiter)) reject(new QueueFullError())
      }),
    giveBack: async (instance) => {
      const place = [...places].find((candidate) => candidate.instance === instance)
      if (place === undefined) return
      const giveUp = (): void => {
        place.settling = false
        serve()
      }
      place.settling = true
      place.timer = setTimeout(giveUp, SETTLE_MS)
      const settled = await instance.settled()
      clearTimeout(place.timer)
      place.settling = false
      if (!settled || !places.has(place)) return
      place.idleSince = performance.now()
      place.timer = setTimeout(() => end(place), idleMs)
      place.timer.unref()
      if (closed || place.superseded) end(place)
      serve()
    },
    close: async () => {
      closed = true
      for (const { reject } of waiters) reject(new Error('the functions are closed'))
      waiters.clear()
      await Promise.allSettled([...places].map(({ starting }) => starting))
      await Promise.all([...places].map(({ instance }) => instance?.stop()))
    },
  }
}
