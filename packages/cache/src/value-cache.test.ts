import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type CacheOptions, readLimits } from './options.ts'
import { sdkError, type TestAbout, type TestService, type TestTime, testService, testTime } from './testing.ts'
import { CacheClosedError, type Fallback, type GetOptions, type Loaded, ValueCache } from './value-cache.ts'

type World = {
  readonly cache: ValueCache<TestAbout>
  readonly service: TestService
  readonly time: TestTime
  readonly reported: unknown[]
  get(id?: string, options?: GetOptions, slot?: string): Promise<string>
}

function makeWorld(options: CacheOptions = {}, fallback?: Fallback<TestAbout>): World {
  const [service, time, reported] = [testService(), testTime(), [] as unknown[]]
  const cache = new ValueCache<TestAbout>({
    source: service.fetch,
    limits: readLimits(options),
    surroundings: time,
    fallback,
    report: (error) => reported.push(error),
  })
  return {
    cache,
    service,
    time,
    reported,
    get: (id = 'db', get, slot = 'AWSCURRENT') => cache.get(id, slot, ({ bytes }) => bytes.toString(), get),
  }
}

const turns = async (): Promise<void> => {
  for (let count = 0; count < 20; count++) await Promise.resolve()
}
const MINUTE = 60_000
const OUTAGE = sdkError('TimeoutError')

test('a value is fetched once and given until its TTL is over, less up to a tenth', async () => {
  for (const [chance, freshMs] of [
    [0, 300_000],
    [0.5, 285_000],
  ] as const) {
    const { get, service, time, cache } = makeWorld({ staleWhileRevalidateMs: 0 })
    time.chance = chance
    assert.equal(await get(), 'value')
    service.answer = 'other'
    time.pass(freshMs - 1)
    assert.equal(await get(), 'value')
    assert.equal(service.asked.length, 1)
    time.pass(1)
    assert.equal(await get(), 'other')
    assert.deepEqual([cache.metrics().hits, cache.metrics().misses, cache.metrics().fetches], [1, 2, 2])
  }
})

test('time in which the machine slept counts, and a wall clock that is set back does not make a value young', async () => {
  const { get, service, time } = makeWorld({ staleWhileRevalidateMs: 0 })
  await get()
  time.sleep(300_000)
  await get()
  assert.equal(service.asked.length, 2)
  time.sleep(-86_400_000)
  time.pass(300_000)
  await get()
  assert.equal(service.asked.length, 3)
})

test('a TTL of 0 caches nothing, but one fetch serves all who wait', async () => {
  const { get, service } = makeWorld({ secretRefreshIntervalMs: 0 })
  assert.deepEqual(await Promise.all([get(), get(), get()]), ['value', 'value', 'value'])
  await get()
  assert.equal(service.asked.length, 2)
  assert.ok(service.handedOut.every((bytes) => bytes.every((byte) => byte === 0)))
  service.answer = OUTAGE
  await assert.rejects(get(), OUTAGE)
})

test('a thousand who ask at once are one fetch, for each slot of each entry', async () => {
  const { get, service } = makeWorld()
  const all = Array.from({ length: 1_000 }, (_, at) => get(at % 2 ? 'db' : 'key', {}, at % 4 < 2 ? 'A' : 'B'))
  await Promise.all(all)
  assert.deepEqual(service.asked.toSorted(), ['db A', 'db B', 'key A', 'key B'])
})

test('what is not used for longest goes, and is wiped', async () => {
  const { get, cache, service } = makeWorld({ maxCacheSize: 2 })
  const held: Buffer[] = []
  const look = (id: string) => cache.get(id, 'AWSCURRENT', ({ bytes }) => void held.push(bytes))
  for (const id of ['a', 'b', 'a']) await look(id)
  const ofA = held.at(-1)!
  await look('b')
  const ofB = held.at(-1)!
  await look('a')
  await look('c')
  assert.equal(ofA.toString(), 'value')
  assert.ok(ofB.every((byte) => byte === 0))
  assert.deepEqual([cache.metrics().entries, cache.metrics().evictions], [2, 1])
  await get('b')
  assert.equal(service.asked.filter((asked) => asked.startsWith('b')).length, 2)
})

test('what was handed out by the source is wiped once all who waited have read it', async () => {
  const { get, service } = makeWorld()
  assert.deepEqual(await Promise.all([get(), get()]), ['value', 'value'])
  assert.deepEqual(
    service.handedOut.map((bytes) => bytes.toString()),
    ['\0\0\0\0\0'],
  )
})

test('who waits reads the value even if it is evicted before', async () => {
  const { get } = makeWorld({ maxCacheSize: 1 })
  const ids = ['a', 'b', 'c', 'd']
  assert.deepEqual(await Promise.all(ids.map((id) => get(id))), ['value', 'value', 'value', 'value'])
})

test('an entry has eight slots at most', async () => {
  const { get, cache, service } = makeWorld()
  for (let slot = 0; slot < 12; slot++) await get('db', {}, `${slot}`)
  assert.equal(cache.metrics().entries, 1)
  await get('db', {}, '11')
  assert.equal(service.asked.length, 12)
  await get('db', {}, '0')
  assert.equal(service.asked.length, 13)
})

test('of an entry the slot goes that was not used for longest', async () => {
  const { get, service } = makeWorld()
  const slots = Array.from({ length: 8 }, (_, at) => `version ${at}`)
  for (const slot of slots) await get('db', {}, slot)
  await get('db', {}, 'version 0')
  await get('db', {}, 'version 8')
  const before = service.asked.length
  await get('db', {}, 'version 0')
  assert.equal(service.asked.length, before)
  await get('db', {}, 'version 1')
  assert.equal(service.asked.length, before + 1)
})

test('just after its TTL the old value is given at once while it is fetched; later it is waited for', async () => {
  const { get, service, time, cache } = makeWorld()
  await get()
  service.answer = 'new'
  time.pass(5 * MINUTE + 29_999)
  assert.deepEqual(await Promise.all([get(), get()]), ['value', 'value'])
  await turns()
  assert.equal(await get(), 'new')
  assert.equal(service.asked.length, 2)
  service.answer = 'newer'
  time.pass(5 * MINUTE + 30_000)
  assert.equal(await get(), 'newer')
  assert.equal(cache.metrics().stale, 2)
})

for (const [what, error, kind] of [
  ['an outage', OUTAGE, 'outage'],
  ['a refused connection', Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }), 'outage'],
  ['a fault of the service', sdkError('InternalServiceError', 500), 'outage'],
  ['a page of a proxy', sdkError('SyntaxError', 200), 'outage'],
  ['throttling', sdkError('ThrottlingException', 400), 'throttled'],
  ['too many requests', sdkError('Whatever', 429), 'throttled'],
] as const) {
  test(`${what} leaves the old value, for an hour after its TTL and no longer`, async () => {
    const { get, service, time, cache } = makeWorld({ exceptionRetryDelayMaxMs: 1 })
    await get()
    service.answer = error
    time.pass(5 * MINUTE + 31_000)
    assert.equal(await get(), 'value')
    time.pass(60 * MINUTE - 31_001)
    assert.equal(await get(), 'value')
    assert.equal(cache.metrics().failures[kind], 2)
    time.pass(1)
    await assert.rejects(get(), error)
    service.answer = 'back'
    time.pass(1)
    assert.equal(await get(), 'back')
  })
}

for (const [what, error, kind] of [
  ['a lost permission', sdkError('AccessDeniedException', 400), 'refused'],
  ['a deleted access key', sdkError('UnrecognizedClientException', 400), 'refused'],
  ['a secret marked for deletion', sdkError('InvalidRequestException', 400), 'refused'],
  ['a disabled key', sdkError('DecryptionFailure', 400), 'refused'],
  ['a secret that is gone', sdkError('ResourceNotFoundException', 400), 'not-found'],
] as const) {
  test(`${what} ends what is cached at once, and is asked about again soon`, async () => {
    const { get, service, time, cache } = makeWorld()
    await get()
    service.answer = error
    time.pass(5 * MINUTE)
    assert.equal(await get(), 'value', 'the refusal is not known yet')
    await turns()
    await assert.rejects(get(), error)
    assert.equal(cache.aboutHeld('db', 'AWSCURRENT'), undefined)
    assert.equal(service.asked.length, 2)
    service.answer = 'back'
    time.pass(kind === 'not-found' ? 5_000 : 1_000)
    assert.equal(await get(), 'back')
    assert.equal(cache.metrics().failures[kind], 1)
  })
}

test('a refusal of one version says nothing of the others', async () => {
  const { get, service } = makeWorld()
  await get()
  service.answer = sdkError('ResourceNotFoundException', 400)
  await assert.rejects(get('db', {}, 'AWSPREVIOUS'))
  assert.equal(await get(), 'value')
})

test('that there is no such secret is believed for five seconds', async () => {
  const { get, service, time, cache } = makeWorld()
  service.answer = sdkError('ResourceNotFoundException', 400)
  for (let count = 0; count < 5; count++) await assert.rejects(get(), { name: 'ResourceNotFoundException' })
  time.pass(4_999)
  await assert.rejects(get(), { name: 'ResourceNotFoundException' })
  assert.deepEqual([service.asked.length, cache.metrics().failuresGiven], [1, 5])
  service.answer = 'there now'
  time.pass(1)
  assert.equal(await get(), 'there now')
})

test('failures are waited out longer and longer while there is an old value, and for a second while there is none', async () => {
  const { get, service, time } = makeWorld({ staleWhileRevalidateMs: 0 })
  const asksWithin = async (seconds: number, use: () => Promise<unknown>): Promise<number> => {
    const before = service.asked.length
    for (let count = 0; count < seconds * 10; count++, time.pass(100)) await use()
    return service.asked.length - before
  }
  service.answer = OUTAGE
  assert.equal(await asksWithin(20, () => assert.rejects(get())), 20)
  service.answer = 'value'
  time.pass(1_000)
  await get()
  time.pass(5 * MINUTE)
  service.answer = OUTAGE
  // After 0, 1, 3, 7, 15, 31 and 63 seconds, and then each minute.
  assert.equal(await asksWithin(180, async () => assert.equal(await get(), 'value')), 8)
})

test('refreshNow fetches whatever is cached; where that fails it rejects, and an outage leaves the value', async () => {
  const { get, service } = makeWorld()
  await get()
  service.answer = 'new'
  assert.equal(await get('db', { refreshNow: true }), 'new')
  service.answer = OUTAGE
  await assert.rejects(get('db', { refreshNow: true }), OUTAGE)
  assert.equal(await get(), 'new')
  service.answer = sdkError('AccessDeniedException', 400)
  await assert.rejects(get('db', { refreshNow: true }), { name: 'AccessDeniedException' })
  await assert.rejects(get(), { name: 'AccessDeniedException' })
})

test('refreshNow is not answered by a fetch that began before it', async () => {
  const { get, service } = makeWorld()
  const gate = Promise.withResolvers<void>()
  service.gate = gate.promise
  const first = get()
  await turns()
  service.answer = 'new'
  const forced = Array.from({ length: 50 }, () => get('db', { refreshNow: true }))
  gate.resolve()
  assert.deepEqual(new Set(await Promise.all([first, ...forced])), new Set(['new']))
  assert.equal(service.asked.length, 2)
})

test('refreshNow is not answered by a fetch that began before it, however many ask for it one after the other', async () => {
  const { get, service } = makeWorld()
  const gates = Array.from({ length: 6 }, () => Promise.withResolvers<void>())
  const asked: Promise<string>[] = []
  for (const [at, gate] of gates.entries()) {
    service.answer = `fetch ${at + 1}`
    service.gate = gate.promise
    if (at === 0) asked.push(get())
    else gates[at - 1]!.resolve()
    await turns()
    assert.equal(service.asked.length, at + 1)
    service.answer = 'newer'
    asked.push(get('db', { refreshNow: true }))
  }
  service.answer = 'last'
  service.gate = undefined
  gates.at(-1)!.resolve()
  const given = await Promise.all(asked)
  assert.equal(given.at(-1), 'last')
  for (const [at, value] of given.entries()) {
    const fetch = value === 'last' ? 7 : Number(value.slice(-1))
    assert.ok(fetch > at, `who asked during fetch ${at} has what fetch ${fetch} brought`)
  }
})

test('what changes while it is fetched is fetched again, three times at most', async () => {
  const { get, service, cache } = makeWorld()
  const gates = Array.from({ length: 3 }, () => Promise.withResolvers<void>())
  service.gate = gates[0]!.promise
  const waiting = get()
  for (const [at, gate] of gates.entries()) {
    await turns()
    assert.equal(service.asked.length, at + 1)
    service.answer = `changed ${at}`
    service.gate = gates[at + 1]?.promise
    cache.review(() => 'expire')
    gate.resolve()
  }
  assert.equal(await waiting, 'changed 1')
  service.gate = undefined
  assert.equal(await get(), 'changed 2', 'what may be too old is not given again')
})

test('what an event expires is fetched before anything is given, and given where that is an outage; what it drops is gone', async () => {
  const { get, service, cache } = makeWorld()
  await get()
  await get('other')
  cache.review(({ id }) => (id === 'db' ? 'expire' : 'keep'))
  service.answer = OUTAGE
  assert.equal(await get(), 'value')
  assert.equal(await get('other'), 'value')
  cache.review(({ id }) => (id === 'db' ? 'drop' : 'keep'))
  await assert.rejects(get(), OUTAGE)
  cache.review(({ id }) => (id === 'other' ? 'revalidate' : 'keep'))
  service.answer = 'new'
  assert.equal(await get('other'), 'value', 'while it is fetched')
  await turns()
  assert.equal(await get('other'), 'new')
  assert.equal(cache.metrics().invalidations, 2)
})

test('an aborted signal ends the wait of its caller and of nobody else', async () => {
  const { get, service } = makeWorld()
  const gate = Promise.withResolvers<void>()
  service.gate = gate.promise
  const controller = new AbortController()
  const [mine, other] = [get('db', { signal: controller.signal }), get()]
  controller.abort(new Error('enough'))
  await assert.rejects(mine, /enough/)
  gate.resolve()
  assert.equal(await other, 'value')
  await assert.rejects(get('db', { signal: controller.signal }), /enough/)
  assert.equal(service.asked.length, 1)
})

test('a call that is not answered in time is an outage', async () => {
  const { get, service, time, cache } = makeWorld()
  await get()
  service.gate = new Promise(() => undefined)
  time.pass(6 * MINUTE)
  const waiting = get()
  await turns()
  time.pass(5_000)
  assert.equal(await waiting, 'value')
  assert.equal(cache.metrics().failures.outage, 1)
})

test('a closed cache has wiped its values and answers nobody', async () => {
  const { get, service, cache, reported } = makeWorld()
  let held: Uint8Array = new Uint8Array()
  await cache.get('db', 'AWSCURRENT', ({ bytes }) => {
    held = bytes
  })
  service.gate = new Promise(() => undefined)
  const waiting = assert.rejects(get('other'), CacheClosedError)
  await turns()
  await cache.close()
  await waiting
  assert.ok(held.length > 0 && held.every((byte) => byte === 0))
  await assert.rejects(get(), CacheClosedError)
  await cache.close()
  assert.deepEqual(reported, [])
})

test('a refresh that fails in the background is reported and ends nothing', async () => {
  const { get, service, time, reported } = makeWorld()
  await get()
  service.answer = OUTAGE
  time.pass(5 * MINUTE)
  assert.equal(await get(), 'value')
  await turns()
  assert.deepEqual(reported, [OUTAGE])
})

test('what the disk has is given where the service is down and nothing is held, until it is too old', async () => {
  const saved = new Map<string, string>()
  const fallback: Fallback<TestAbout> = {
    load: async (id) => {
      const text = saved.get(id)
      if (text === undefined) return undefined
      const loaded: Loaded<TestAbout> = { about: { VersionId: 'v' }, isText: true, bytes: Buffer.from(text) }
      return { loaded, staleForMs: 10 * MINUTE }
    },
    save: (id, _, { bytes }) => void saved.set(id, bytes.toString()),
    remove: (id) => void saved.delete(id),
    settled: async () => undefined,
  }
  const { get, service, time, cache } = makeWorld({ exceptionRetryDelayMaxMs: 1 }, fallback)
  saved.set('db', 'from disk')
  service.answer = OUTAGE
  assert.equal(await get(), 'from disk')
  time.pass(10 * MINUTE - 1)
  assert.equal(await get(), 'from disk')
  saved.clear()
  time.pass(1)
  await assert.rejects(get(), OUTAGE)
  assert.equal(cache.metrics().fromDisk, 1)
  service.answer = 'value'
  time.pass(MINUTE)
  assert.equal(await get(), 'value')
  assert.equal(saved.get('db'), 'value')
  service.answer = sdkError('AccessDeniedException', 400)
  await assert.rejects(get('db', { refreshNow: true }))
  assert.equal(saved.size, 0)
})

test('in an outage that lasts, what is held is given for as long as it may be, and then what the disk has, as after a restart', async () => {
  const ages: number[] = []
  const fallback: Fallback<TestAbout> = {
    load: async () => {
      const age = time.monotonicNow() - savedAt
      ages.push(age)
      if (age >= 60 * MINUTE) return undefined
      const loaded: Loaded<TestAbout> = { about: { VersionId: 'v' }, isText: true, bytes: Buffer.from('from disk') }
      return { loaded, staleForMs: 60 * MINUTE - age }
    },
    save: () => undefined,
    remove: () => undefined,
    settled: async () => undefined,
  }
  const { get, service, time, cache } = makeWorld(
    { staleIfErrorMs: 10 * MINUTE, exceptionRetryDelayMaxMs: 1 },
    fallback,
  )
  const savedAt = time.monotonicNow()
  assert.equal(await get(), 'value')
  service.answer = OUTAGE
  time.pass(15 * MINUTE - 1)
  assert.equal(await get(), 'value')
  assert.deepEqual(ages, [])
  time.pass(1)
  assert.equal(await get(), 'from disk')
  time.pass(45 * MINUTE - 1)
  assert.equal(await get(), 'from disk')
  assert.deepEqual([ages, cache.metrics().fromDisk], [[15 * MINUTE], 1])
  time.pass(1)
  await assert.rejects(get(), OUTAGE)
  service.answer = 'back'
  time.pass(1_000)
  assert.equal(await get(), 'back')
})

test('what an event drops while the disk is read is not given from there', async () => {
  const { promise, resolve } = Promise.withResolvers<void>()
  const bytes = Buffer.from('from disk')
  const fallback: Fallback<TestAbout> = {
    load: async () => {
      await promise
      return { loaded: { about: { VersionId: 'v' }, isText: true, bytes }, staleForMs: MINUTE }
    },
    save: () => undefined,
    remove: () => undefined,
    settled: async () => undefined,
  }
  const { get, service, cache } = makeWorld({}, fallback)
  service.answer = OUTAGE
  const waiting = get()
  await turns()
  cache.review(() => 'drop')
  resolve()
  await assert.rejects(waiting, OUTAGE)
  assert.ok(bytes.every((byte) => byte === 0))
})

test('whatever happens in whatever order, nothing older than it may be is given, and what was wiped is never read', async () => {
  type Step = { readonly what: string; readonly id: string; readonly ms: number }
  const steps = fc.array(
    fc.record<Step>({
      what: fc.constantFrom('get', 'get', 'get', 'refresh', 'change', 'down', 'up', 'denied', 'expire', 'drop', 'pass'),
      id: fc.constantFrom('a', 'b', 'c'),
      ms: fc.integer({ min: 0, max: 3_000 }),
    }),
    { maxLength: 60 },
  )
  const run = async (program: readonly Step[]): Promise<void> => {
    const limits = {
      maxCacheSize: 2,
      secretRefreshIntervalMs: 1_000,
      staleWhileRevalidateMs: 500,
      staleIfErrorMs: 2_000,
    }
    const { get, service, time, cache } = makeWorld(limits)
    // At which moment each value stopped being the current one.
    const endedAt = new Map<string, number>()
    let current = 'value 0'
    let error: Error | undefined
    let deniedAt: number | undefined
    const answer = (): void => {
      service.answer = error ?? current
    }
    answer()
    const waiting: Promise<unknown>[] = []
    for (const { what, id, ms } of program) {
      if (what === 'change') {
        endedAt.set(current, time.monotonicNow())
        current = `value ${endedAt.size}`
      }
      if (what === 'down') error = OUTAGE
      if (what === 'denied') error = sdkError('AccessDeniedException', 400)
      if (what === 'up') error = undefined
      deniedAt = what === 'denied' ? (deniedAt ?? time.monotonicNow()) : error === undefined ? undefined : deniedAt
      answer()
      if (what === 'expire' || what === 'drop') cache.review((slot) => (slot.id === id ? what : 'keep'))
      if (what === 'pass') time.pass(ms)
      if (what !== 'get' && what !== 'refresh') continue
      const began = time.monotonicNow()
      const got = get(id, { refreshNow: what === 'refresh' }).then(
        (value) => {
          assert.match(value, /^value \d+$/)
          const ended = endedAt.get(value)
          if (ended !== undefined) assert.ok(began - ended <= 3_000, `${value} is ${began - ended} ms too old`)
          if (deniedAt !== undefined && error?.name === 'AccessDeniedException')
            assert.ok(began - deniedAt <= 3_000, 'given long after it was denied')
        },
        (thrown: Error) => assert.ok(['TimeoutError', 'AccessDeniedException'].includes(thrown.name), String(thrown)),
      )
      waiting.push(got)
      if (ms % 2) await got
      else await turns()
    }
    await Promise.all(waiting)
  }
  await fc.assert(fc.asyncProperty(steps, run), { numRuns: 300 })
})

test('options that do not do are refused by name', () => {
  for (const [name, value] of [
    ['maxCacheSize', 0],
    ['secretRefreshIntervalMs', -1],
    ['staleIfErrorMs', Number.NaN],
    ['requestTimeoutMs', '5' as never],
  ] as const) {
    assert.throws(() => readLimits({ [name]: value }), { name: 'RangeError', message: new RegExp(`^${name} must be`) })
  }
})
