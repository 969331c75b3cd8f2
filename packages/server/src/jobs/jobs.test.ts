// The engine on a real database: due by the service clock, leased by the wall clock, exactly once.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { pino } from 'pino'
import type { App } from '../app.ts'
import { ServiceError } from '../errors.ts'
import { createMetrics } from '../observe/metrics.ts'
import type { Database, Transaction } from '../storage/database.ts'
import { openTestDatabase } from '../storage/testing.ts'
import { cancel, JOB_PAYLOAD_CHARACTERS_MAX, type JobHandler, outsideHandler, schedule } from './job.ts'
import { backoffMs, createJobs, type Jobs, type JobsOptions } from './jobs.ts'

type Row = { kind: string; due_at: number; attempts: number; lease_until: number; lease_owner: string; payload: string }

type World = {
  readonly database: Database
  readonly clock: { now: number; wall: number }
  readonly logged: string[]
  readonly app: App
  readonly engine: (handlers: JobsOptions['handlers'], options?: Partial<JobsOptions>) => Jobs
  readonly write: <T>(work: (tx: Transaction) => Promise<T>) => Promise<T>
  readonly find: (id: string) => Promise<Row | undefined>
  readonly outcomes: () => Promise<{ [outcome: string]: number }>
}

async function world(t: TestContext): Promise<World> {
  const database = await openTestDatabase(t)
  const clock = { now: 1_000_000, wall: 5_000_000 }
  const logged: string[] = []
  const metrics = createMetrics()
  const app = {
    database,
    metrics,
    log: pino({ level: 'debug' }, { write: (line: string) => void logged.push(line) }),
    now: () => clock.now,
    wallNow: () => clock.wall,
    uuid: () => randomUUID(),
  } as unknown as App
  return {
    database,
    clock,
    logged,
    app,
    engine: (handlers, options = {}) => {
      const jobs = createJobs({ app, handlers, ...options })
      t.after(() => jobs.stop())
      return jobs
    },
    write: (work) => database.transaction('write', work),
    find: (id) => database.transaction('read', (tx) => tx.get<Row>('SELECT * FROM job WHERE job_id = $1', id)),
    outcomes: async () => {
      const { values } = await metrics.jobs.get()
      return Object.fromEntries(values.map(({ labels, value }) => [String(labels.outcome), value]))
    },
  }
}

/** Remembers payloads in the database, so that what a rolled-back transaction did is not counted. */
const note: JobHandler = async (_app, tx, payload) => {
  await tx.run("INSERT INTO quota_usage (account_id, region, resource, used) VALUES ($1, '', '', 1)", payload)
}
const noted = (database: Database): Promise<readonly string[]> =>
  database.transaction('read', async (tx) => {
    const rows = await tx.all<{ account_id: string }>('SELECT account_id FROM quota_usage ORDER BY account_id')
    return rows.map((row) => row.account_id)
  })

test('a job runs when the service clock reaches it, not before, and only once', async (t) => {
  const { clock, database, engine, write, find, outcomes } = await world(t)
  const jobs = engine({ note })
  await write((tx) => schedule(tx, { id: 'a', kind: 'note', dueAt: clock.now + 10, payload: 'x' }))
  assert.equal(await jobs.runDue(), 0)
  clock.now += 9
  assert.equal(await jobs.runDue(), 0)
  clock.now += 1
  assert.equal(await jobs.runDue(), 1)
  assert.deepEqual(await noted(database), ['x'])
  assert.equal(await find('a'), undefined)
  assert.equal(await jobs.runDue(), 0)
  assert.deepEqual(await outcomes(), { done: 1 })
})

test('a job exists only if its transaction commits', async (t) => {
  const { clock, engine, write, find } = await world(t)
  const jobs = engine({ note })
  await assert.rejects(
    write(async (tx) => {
      await schedule(tx, { id: 'a', kind: 'note', dueAt: clock.now, payload: 'x' })
      throw new Error('changed its mind')
    }),
  )
  assert.equal(await find('a'), undefined)
  assert.equal(await jobs.runDue(), 0)
})

test('scheduling an id again moves the job, and cancelling takes it back', async (t) => {
  const { clock, database, engine, write, find } = await world(t)
  const jobs = engine({ note })
  await write((tx) => schedule(tx, { id: 'a', kind: 'note', dueAt: clock.now, payload: 'old' }))
  await write((tx) => schedule(tx, { id: 'a', kind: 'note', dueAt: clock.now + 5, payload: 'new' }))
  await write((tx) => schedule(tx, { id: 'b', kind: 'note', dueAt: clock.now, payload: 'b' }))
  assert.equal(await write((tx) => cancel(tx, 'b')), true)
  assert.equal(await write((tx) => cancel(tx, 'b')), false)
  assert.equal(await jobs.runDue(), 0)
  clock.now += 5
  assert.equal(await jobs.runDue(), 1)
  assert.deepEqual(await noted(database), ['new'])
  assert.equal(await find('a'), undefined)
})

test('jobs run in the order in which they are due, over several batches', async (t) => {
  const { clock, engine, write } = await world(t)
  const order: string[] = []
  const handler: JobHandler = async (_app, _tx, payload) => void order.push(payload)
  const jobs = engine({ handler }, { batchMax: 2 })
  await write(async (tx) => {
    for (const n of [4, 2, 5, 1, 3])
      await schedule(tx, { id: `${n}`, kind: 'handler', dueAt: clock.now - 10 + n, payload: `${n}` })
  })
  assert.equal(await jobs.runDue(), 5)
  assert.deepEqual(order, ['1', '2', '3', '4', '5'])
})

test('what a failing handler wrote is rolled back, and the job is tried again later, ever more slowly', async (t) => {
  const { clock, database, engine, write, find, outcomes } = await world(t)
  let failures = 3
  const flaky: JobHandler = async (app, tx, payload) => {
    await note(app, tx, payload)
    if (failures-- > 0) throw new Error('not yet')
  }
  const jobs = engine({ flaky })
  await write((tx) => schedule(tx, { id: 'a', kind: 'flaky', dueAt: clock.now, payload: 'x' }))
  for (const [attempts, waitMs] of [
    [1, 1_000],
    [2, 2_000],
    [3, 4_000],
  ] as const) {
    assert.equal(await jobs.runDue(), 0)
    assert.deepEqual(await noted(database), [])
    const row = await find('a')
    assert.equal(Number(row?.attempts), attempts)
    assert.equal(Number(row?.due_at), clock.now + waitMs)
    assert.equal(row?.lease_owner, '')
    clock.now += waitMs - 1
    assert.equal(await jobs.runDue(), 0)
    assert.equal(Number((await find('a'))?.attempts), attempts, 'it was not tried early')
    clock.now += 1
  }
  assert.equal(await jobs.runDue(), 1)
  assert.deepEqual(await noted(database), ['x'])
  assert.deepEqual(await outcomes(), { failed: 3, done: 1 })
})

test('retries wait at most an hour', () => {
  assert.deepEqual(
    [1, 2, 3, 12, 13, 1000].map((attempts) => backoffMs(attempts)),
    [1_000, 2_000, 4_000, 2_048_000, 3_600_000, 3_600_000],
  )
})

test('one failing job does not hold up the others', async (t) => {
  const { clock, database, engine, write } = await world(t)
  const jobs = engine({
    note,
    broken: async () => {
      throw new Error('always')
    },
  })
  await write(async (tx) => {
    await schedule(tx, { id: 'a', kind: 'broken', dueAt: clock.now - 1, payload: '' })
    await schedule(tx, { id: 'b', kind: 'note', dueAt: clock.now, payload: 'b' })
  })
  assert.equal(await jobs.runDue(), 1)
  assert.deepEqual(await noted(database), ['b'])
})

test('the log of a failure names the job and carries neither its payload nor a foreign error message', async (t) => {
  const { clock, engine, write, logged } = await world(t)
  const jobs = engine({
    parse: async (_app, _tx, payload) => void JSON.parse(payload),
    refuse: async () => {
      throw new ServiceError('InvalidRequestException', 400, 'in our own words')
    },
  })
  await write(async (tx) => {
    await schedule(tx, { id: 'job-1', kind: 'parse', dueAt: clock.now, payload: 'hunter2' })
    await schedule(tx, { id: 'job-2', kind: 'refuse', dueAt: clock.now, payload: 'hunter2' })
  })
  await jobs.runDue()
  const log = logged.join('')
  assert.match(log, /"job":"job-1".*SyntaxError/)
  assert.match(log, /"job":"job-2".*in our own words/)
  assert.ok(!log.includes('hunter2'), log)
})

test('two servers that look at the same moment run each job once', async (t) => {
  const { clock, database, engine, write } = await world(t)
  const one = engine({ note }, { batchMax: 3 })
  const two = engine({ note }, { batchMax: 3 })
  const ids = Array.from({ length: 20 }, (_, n) => String(n).padStart(2, '0'))
  await write(async (tx) => {
    for (const id of ids) await schedule(tx, { id, kind: 'note', dueAt: clock.now, payload: id })
  })
  const counts = await Promise.all([one.runDue(), two.runDue(), one.runDue(), two.runDue()])
  assert.equal(
    counts.reduce((a, b) => a + b),
    20,
  )
  assert.deepEqual(await noted(database), ids)
})

test('the jobs of a server that died are taken over when its lease has run out on the wall clock', async (t) => {
  const { clock, database, engine, write } = await world(t)
  const jobs = engine({ note })
  await write(async (tx) => {
    await schedule(tx, { id: 'a', kind: 'note', dueAt: clock.now, payload: 'a' })
    await tx.run("UPDATE job SET lease_owner = 'dead', lease_until = $1", clock.wall + 60_000)
  })
  clock.now += 3_600_000
  assert.equal(await jobs.runDue(), 0, 'the service clock does not end leases')
  clock.wall += 59_999
  assert.equal(await jobs.runDue(), 0)
  clock.wall += 1
  assert.equal(await jobs.runDue(), 1)
  assert.deepEqual(await noted(database), ['a'])
})

test('the next in the place of a process that died has its jobs at once, and nobody else’s', async (t) => {
  const { clock, database, engine, write } = await world(t)
  const owners = { a: 'here.1', b: 'here.2', c: 'hereabouts.1', d: 'there.1', e: '4f1c9a' }
  await write(async (tx) => {
    for (const [id, owner] of Object.entries(owners)) {
      await schedule(tx, { id, kind: 'note', dueAt: clock.now, payload: id })
      await tx.run(
        'UPDATE job SET lease_owner = $1, lease_until = $2 WHERE job_id = $3',
        owner,
        clock.wall + 60_000,
        id,
      )
    }
  })
  const others = engine({ note })
  others.start()
  assert.equal(await others.runDue(), 0, 'who holds no lock has no earlier process')
  const next = engine({ note }, { holder: 'here' })
  next.start()
  await next.runDue()
  assert.deepEqual(await noted(database), ['a', 'b'])
  clock.wall += 60_000
  await next.runDue()
  assert.deepEqual(await noted(database), ['a', 'b', 'c', 'd', 'e'])
})

test('what a process leases carries the name of its lock', async (t) => {
  const { clock, engine, write, find } = await world(t)
  const gate = Promise.withResolvers<void>()
  const call = outsideHandler({ ...outside, work: async () => gate.promise, finish: async () => undefined })
  const jobs = engine({ call }, { holder: 'here' })
  await write((tx) => schedule(tx, { id: 'a', kind: 'call', dueAt: clock.now, payload: '' }))
  const running = jobs.runDue()
  while ((await find('a'))?.lease_owner === '') await sleep(5)
  assert.match((await find('a'))!.lease_owner, /^here\.[0-9a-f-]{36}$/)
  gate.resolve()
  assert.equal(await running, 1)
})

test('a server whose lease was taken over meanwhile has no effect', async (t) => {
  const { clock, database, engine, write, outcomes } = await world(t)
  const jobs = engine({
    note,
    steal: async (_app, tx) => {
      await tx.run("UPDATE job SET lease_owner = 'another' WHERE job_id = 'b'")
    },
  })
  await write(async (tx) => {
    await schedule(tx, { id: 'a', kind: 'steal', dueAt: clock.now - 1, payload: '' })
    await schedule(tx, { id: 'b', kind: 'note', dueAt: clock.now, payload: 'b' })
  })
  assert.equal(await jobs.runDue(), 1)
  assert.deepEqual(await noted(database), [])
  assert.deepEqual(await outcomes(), { done: 1, lost: 1 })
})

test('a job that was moved while it was leased does not run early', async (t) => {
  const { clock, database, engine, write, find } = await world(t)
  const later = clock.now + 1_000
  const jobs = engine({
    note,
    move: async (_app, tx) => schedule(tx, { id: 'b', kind: 'note', dueAt: later, payload: 'moved' }),
  })
  await write(async (tx) => {
    await schedule(tx, { id: 'a', kind: 'move', dueAt: clock.now - 1, payload: '' })
    await schedule(tx, { id: 'b', kind: 'note', dueAt: clock.now, payload: 'b' })
  })
  assert.equal(await jobs.runDue(), 1)
  assert.deepEqual(await noted(database), [])
  assert.equal(Number((await find('b'))?.due_at), later)
})

test('a handler may schedule its own id again', async (t) => {
  const { clock, engine, write, find } = await world(t)
  let runs = 0
  const jobs = engine({
    repeat: async (app, tx) => {
      runs += 1
      await schedule(tx, { id: 'a', kind: 'repeat', dueAt: app.now() + 100, payload: '' })
    },
  })
  await write((tx) => schedule(tx, { id: 'a', kind: 'repeat', dueAt: clock.now, payload: '' }))
  assert.equal(await jobs.runDue(), 1)
  assert.equal(Number((await find('a'))?.due_at), clock.now + 100)
  clock.now += 100
  assert.equal(await jobs.runDue(), 1)
  assert.equal(runs, 2)
})

test('a job of a kind that this server does not know is left alone', async (t) => {
  const { clock, engine, write, find } = await world(t)
  await write((tx) => schedule(tx, { id: 'a', kind: 'newer', dueAt: clock.now, payload: '' }))
  assert.equal(await engine({ note }).runDue(), 0)
  assert.equal(await engine({}).runDue(), 0)
  const row = await find('a')
  assert.equal(row?.lease_owner, '')
  assert.equal(Number(row?.attempts), 0)
})

test('a started engine finds jobs by itself, at once when it is woken, and none after it stopped', async (t) => {
  const { clock, engine, write, find } = await world(t)
  let ran: (payload: string) => void = () => undefined
  const next = (): Promise<string> => new Promise((resolve) => (ran = resolve))
  const jobs = engine({ tell: async (_app, _tx, payload) => ran(payload) }, { pollMs: 3_600_000 })
  const add = (id: string) => write((tx) => schedule(tx, { id, kind: 'tell', dueAt: clock.now, payload: id }))

  const first = next()
  await add('a')
  jobs.start()
  assert.equal(await first, 'a')

  const second = next()
  await add('b')
  jobs.wake()
  assert.equal(await second, 'b')

  await jobs.stop()
  await add('c')
  jobs.wake()
  assert.equal(await jobs.runDue(), 0)
  assert.notEqual(await find('c'), undefined)
})

test('a started engine polls again by itself', async (t) => {
  const { clock, engine, write } = await world(t)
  const done = Promise.withResolvers<void>()
  const jobs = engine({ tell: async () => done.resolve() }, { pollMs: 5 })
  jobs.start()
  await jobs.runDue()
  await write((tx) => schedule(tx, { id: 'a', kind: 'tell', dueAt: clock.now, payload: '' }))
  // The engine's own timer does not keep a process alive.
  const alive = setInterval(() => undefined, 1_000)
  t.after(() => clearInterval(alive))
  await done.promise
})

test('stopping gives back what was leased and did not begin', async (t) => {
  const { clock, engine, write, find } = await world(t)
  let stopped: Promise<void> | undefined
  const jobs: Jobs = engine({
    stop: async () => {
      stopped ??= jobs.stop()
    },
  })
  await write(async (tx) => {
    await schedule(tx, { id: 'a', kind: 'stop', dueAt: clock.now - 1, payload: '' })
    await schedule(tx, { id: 'b', kind: 'stop', dueAt: clock.now, payload: '' })
  })
  assert.equal(await jobs.runDue(), 1)
  await stopped
  assert.equal(Number((await find('b'))?.lease_until), 0)
})

test('an engine survives a database that is away for a while', async (t) => {
  const { app, clock, database, write, logged } = await world(t)
  const done = Promise.withResolvers<void>()
  let away = true
  const failing: Database = {
    ...database,
    transaction: (access, work) => (away ? Promise.reject(new Error('away')) : database.transaction(access, work)),
  }
  await write((tx) => schedule(tx, { id: 'a', kind: 'tell', dueAt: clock.now, payload: '' }))
  const jobs = createJobs({
    app: { ...app, database: failing },
    handlers: { tell: async () => done.resolve() },
    pollMs: 5,
  })
  t.after(() => jobs.stop())
  const alive = setInterval(() => (away = logged.length === 0), 5)
  t.after(() => clearInterval(alive))
  jobs.start()
  await done.promise
  assert.match(logged.join(''), /looking for due jobs failed/)
})

test('a payload that is too long is refused when it is scheduled', async (t) => {
  const { write } = await world(t)
  const payload = 'x'.repeat(JOB_PAYLOAD_CHARACTERS_MAX + 1)
  await assert.rejects(
    write((tx) => schedule(tx, { id: 'a', kind: 'note', dueAt: 0, payload })),
    RangeError,
  )
})

const outside = {
  finish: async (app: App, tx: Transaction, _payload: string, result: string) => note(app, tx, result),
  timeoutMs: 60_000,
  retryMsMax: 4_000,
  concurrency: 2,
}

test('work outside has its result in the transaction that deletes the job', async (t) => {
  const { clock, database, engine, write, find } = await world(t)
  const jobs = engine({ call: outsideHandler({ ...outside, work: async (_app, payload) => `did ${payload}` }) })
  await write((tx) => schedule(tx, { id: 'a', kind: 'call', dueAt: clock.now, payload: 'x' }))
  assert.equal(await jobs.runDue(), 1)
  assert.deepEqual(await noted(database), ['did x'])
  assert.equal(await find('a'), undefined)
})

test('work outside that hangs holds up neither other jobs nor, beyond its share, others of its kind', async (t) => {
  const { clock, database, engine, write } = await world(t)
  const begun: string[] = []
  const free = Promise.withResolvers<void>()
  // What hangs would otherwise outlive a check that failed.
  t.after(() => free.resolve())
  const slow = outsideHandler({
    ...outside,
    work: async (_app, payload) => {
      begun.push(payload)
      await free.promise
      return payload
    },
  })
  const jobs = engine({ slow, quick: outsideHandler({ ...outside, work: async (_app, payload) => payload }), note })
  await write(async (tx) => {
    for (const payload of ['1', '2', '3']) {
      await schedule(tx, { id: `slow-${payload}`, kind: 'slow', dueAt: clock.now, payload })
    }
    await schedule(tx, { id: 'quick', kind: 'quick', dueAt: clock.now + 1, payload: 'quick' })
    await schedule(tx, { id: 'inside', kind: 'note', dueAt: clock.now + 1, payload: 'inside' })
  })
  clock.now += 1
  const all = jobs.runDue()
  while ((await noted(database)).length < 2) await new Promise(setImmediate)
  assert.deepEqual(await noted(database), ['inside', 'quick'])
  assert.deepEqual(begun, ['1', '2'])
  free.resolve()
  await all
  assert.deepEqual(begun, ['1', '2', '3'])
  assert.deepEqual(await noted(database), ['1', '2', '3', 'inside', 'quick'])
})

test('work that hangs leaves places to others: a part has a quarter, and whoever has many leaves as many free', async (t) => {
  const { clock, engine, write } = await world(t)
  const begun: string[] = []
  const free = Promise.withResolvers<void>()
  const slow = outsideHandler({
    ...outside,
    concurrency: () => 16,
    shared: true,
    work: async (_app, payload) => {
      begun.push(payload)
      if (payload.startsWith('hangs')) await free.promise
      return payload
    },
  })
  const jobs = engine({ slow, note })
  const schedules = (names: readonly string[], dueAt: number) =>
    write(async (tx) => {
      for (const name of names) {
        const [of = '', part = ''] = name.split(' ').slice(1)
        await schedule(tx, { id: name, kind: 'slow', dueAt, payload: name, share: { of, part: `${of} ${part}` } })
      }
    })
  // Of one function, long due, and of other functions of its account.
  await schedules(
    Array.from({ length: 300 }, (_, n) => `hangs a f ${n}`),
    clock.now - 1_000,
  )
  await schedules(
    Array.from({ length: 100 }, (_, n) => `hangs a ${n % 9} ${n}`),
    clock.now - 500,
  )
  const all = jobs.runDue()
  const until = async (done: () => boolean): Promise<void> => {
    for (const end = Date.now() + 30_000; !done() && Date.now() < end; ) await new Promise(setImmediate)
    assert.ok(done(), begun.join(', '))
  }
  await until(() => begun.length === 8)
  assert.equal(begun.filter((name) => name.startsWith('hangs a f')).length, 4, 'a quarter for one function')
  await schedules(['hangs b f 0', 'hangs b f 1', 'hangs b f 2', 'quick c f 0', 'quick c f 1'], clock.now)
  const more = jobs.runDue()
  await until(() => begun.length === 13)
  assert.equal(begun.filter((name) => name.startsWith('hangs a')).length, 8, 'half for one account')
  free.resolve()
  await Promise.all([all, more])
  for (let runs = 0; begun.length < 405 && runs < 50; runs++) await jobs.runDue()
  assert.equal(new Set(begun).size, 405)
})

test('work outside that fails is told of, and tried again with a bounded wait', async (t) => {
  const { clock, database, engine, write, find } = await world(t)
  const jobs = engine({
    call: outsideHandler({
      ...outside,
      work: async () => Promise.reject(new Error('refused')),
      failed: async (app, tx, payload, error, attempts) =>
        note(app, tx, `${payload}: ${(error as Error).message}, ${attempts}`),
    }),
  })
  await write((tx) => schedule(tx, { id: 'a', kind: 'call', dueAt: clock.now, payload: 'x' }))
  for (const wait of [1_000, 2_000, 4_000, 4_000]) {
    assert.equal(await jobs.runDue(), 0)
    assert.equal((await find('a'))?.due_at, clock.now + wait)
    clock.now += wait
  }
  assert.deepEqual(await noted(database), ['x: refused, 1', 'x: refused, 2', 'x: refused, 3', 'x: refused, 4'])
})

test('a job scheduled anew while its work runs outside does not end with the old result', async (t) => {
  const { clock, database, engine, write, find } = await world(t)
  const begun = Promise.withResolvers<void>()
  const free = Promise.withResolvers<void>()
  const jobs = engine({
    call: outsideHandler({
      ...outside,
      work: async (_app, payload) => {
        begun.resolve()
        if (payload === 'old') await free.promise
        return payload
      },
    }),
  })
  await write((tx) => schedule(tx, { id: 'a', kind: 'call', dueAt: clock.now, payload: 'old' }))
  const all = jobs.runDue()
  await begun.promise
  await write((tx) => schedule(tx, { id: 'a', kind: 'call', dueAt: clock.now, payload: 'new' }))
  free.resolve()
  assert.equal(await all, 1)
  assert.deepEqual(await noted(database), ['new'])
  assert.equal(await find('a'), undefined)
})

test('stopping aborts work outside and gives the job back at once', async (t) => {
  const { clock, engine, write, find } = await world(t)
  const begun = Promise.withResolvers<void>()
  const jobs = engine({
    call: outsideHandler({
      ...outside,
      work: (_app, _payload, signal) => {
        begun.resolve()
        return new Promise<string>((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
    }),
  })
  await write((tx) => schedule(tx, { id: 'a', kind: 'call', dueAt: clock.now, payload: 'x' }))
  jobs.start()
  await begun.promise
  await jobs.stop()
  const row = await find('a')
  assert.deepEqual([row?.lease_owner, row?.lease_until, row?.attempts], ['', 0, 0])
})

test('the work of a server that died outside is done again by another', async (t) => {
  const { clock, database, engine, write } = await world(t)
  const begun = Promise.withResolvers<void>()
  const free = Promise.withResolvers<string>()
  const dying = engine({
    call: outsideHandler({
      ...outside,
      work: () => {
        begun.resolve()
        return free.promise
      },
    }),
  })
  const other = engine({ call: outsideHandler({ ...outside, work: async (_app, payload) => `other ${payload}` }) })
  await write((tx) => schedule(tx, { id: 'a', kind: 'call', dueAt: clock.now, payload: 'x' }))
  const first = dying.runDue()
  await begun.promise
  clock.wall += 119_999 // a minute of lease and the minute that the work may take
  assert.equal(await other.runDue(), 0)
  clock.wall += 1
  assert.equal(await other.runDue(), 1)
  free.resolve('too late')
  assert.equal(await first, 0)
  assert.deepEqual(await noted(database), ['other x'])
})

test('a renewed lease lasts while its work runs, and is short for whoever takes over', async (t) => {
  const { clock, database, engine, write, find } = await world(t)
  const gate = Promise.withResolvers<void>()
  let begun = 0
  const call = outsideHandler({
    ...outside,
    timeoutMs: 600_000,
    leaseMs: 60,
    renewed: true,
    work: async (_app, payload) => {
      begun++
      await gate.promise
      return payload
    },
  })
  const jobs = engine({ call })
  const other = engine({ call })
  await write((tx) => schedule(tx, { id: 'a', kind: 'call', dueAt: clock.now, payload: 'a' }))
  const running = jobs.runDue()
  while ((await find('a'))?.lease_until !== clock.wall + 60) await sleep(5)
  clock.wall += 50
  while ((await find('a'))?.lease_until !== clock.wall + 60) await sleep(5)
  clock.wall += 50
  assert.equal(await other.runDue(), 0, 'still held, though the first lease would be over')
  gate.resolve()
  assert.equal(await running, 1)
  assert.equal(begun, 1)
  assert.deepEqual(await noted(database), ['a'])
})

test('work whose lease was lost is aborted, and has no effect', async (t) => {
  const { clock, database, engine, write, outcomes } = await world(t)
  const begun = Promise.withResolvers<void>()
  const call = outsideHandler({
    ...outside,
    timeoutMs: 600_000,
    leaseMs: 60,
    renewed: true,
    work: async (_app, payload, signal) => {
      begun.resolve()
      await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('aborted'))))
      return payload
    },
  })
  const jobs = engine({ call })
  await write((tx) => schedule(tx, { id: 'a', kind: 'call', dueAt: clock.now, payload: 'a' }))
  const running = jobs.runDue()
  await begun.promise
  await write((tx) => cancel(tx, 'a'))
  assert.equal(await running, 0)
  assert.deepEqual(await noted(database), [])
  assert.deepEqual(await outcomes(), { lost: 1 })
})
