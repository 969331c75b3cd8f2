// Turns: secrets of one server rotate one after the other, users before their master, by functions of the server; and whoever asks, one has it.

import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { startTestServer, withJobsOnDemand } from '../../../testing.ts'
import { startLambda, zip } from '../../lambda/testing.ts'
import { ask } from '../../strongroom/testing-rotations.ts'
import { call, token } from '../testing.ts'
import { giveTurn, isTurnFree, knowsTarget, noteTarget, takeTurn } from './turns.ts'

/** Takes its time at each step, so that runs that do not wait for each other meet. */
const SLOW = `
import { setTimeout as sleep } from 'node:timers/promises'
import { SecretsManager } from '@aws-sdk/client-secrets-manager'
const client = new SecretsManager()
export const handler = async ({ Step, SecretId, ClientRequestToken }) => {
  await sleep(50)
  if (Step === 'createSecret') {
    const { SecretString } = await client.getSecretValue({ SecretId })
    await client.putSecretValue({ SecretId, ClientRequestToken, VersionStages: ['AWSPENDING'], SecretString: JSON.stringify({ ...JSON.parse(SecretString), password: 'next-' + ClientRequestToken }) })
  }
  if (Step === 'finishSecret') {
    const { VersionIdsToStages } = await client.describeSecret({ SecretId })
    const [from] = Object.entries(VersionIdsToStages).find(([, stages]) => stages.includes('AWSCURRENT'))
    await client.updateSecretVersionStage({ SecretId, VersionStage: 'AWSCURRENT', MoveToVersionId: ClientRequestToken, RemoveFromVersionId: from })
  }
}
`

test('secrets of one server rotate one at a time, users before their master; others do not wait', async (t) => {
  const statements = [{ Effect: 'Allow', Action: ['secretsmanager:*', 'kms:*'], Resource: '*' }]
  const { server: started, lambda, create } = await startLambda(t, { statements })
  const server = await withJobsOnDemand(t, started)
  const { FunctionArn } = await create({
    FunctionName: 'slow',
    Code: { ZipFile: zip({ name: 'index.mjs', content: SLOW, mode: 0o100644 }) },
    Timeout: 60,
    MemorySize: 512,
  })
  await lambda.addPermission({
    FunctionName: 'slow',
    StatementId: 'rotation',
    Action: 'lambda:InvokeFunction',
    Principal: 'secretsmanager.amazonaws.com',
    SourceAccount: server.accountId,
  })
  const secret = async (Name: string, value: object) =>
    (
      await call(server, 'CreateSecret', {
        Name,
        SecretString: JSON.stringify({ engine: 'postgres', password: `of-${Name}`, ...value }),
        ClientRequestToken: token(),
      })
    ).ARN as string
  const masterarn = await secret('a-master', { host: 'db.example', username: 'admin' })
  await secret('b-user', { host: 'DB.example.', port: 5432, masterarn, username: 'b' })
  await secret('c-user', { host: 'db.example', port: '5432', masterarn, username: 'c' })
  const SAME = ['a-master', 'b-user', 'c-user']
  await secret('d-other', { host: 'db.example', port: 5433, username: 'd' })
  const names = [...SAME, 'd-other']
  for (const SecretId of names) {
    await call(server, 'RotateSecret', {
      SecretId,
      ClientRequestToken: token(),
      RotationLambdaARN: FunctionArn,
      RotationRules: { ScheduleExpression: 'cron(0 8 * * ? *)', Duration: '2h' },
      RotateImmediately: false,
    })
  }
  await server.jobs.runDue()
  // All of them are due.
  server.clock.advance(48 * 3_600_000)
  await server.jobs.runDue()
  const runs = new Map<string, { readonly from: number; readonly to: number }>()
  for (const SecretId of names) {
    const [run] = (await ask(server, 'list', { SecretId })).body.Rotations
    assert.deepEqual([run.Kind, run.Outcome, run.Attempt], ['rotation', 'succeeded', 1], SecretId)
    runs.set(SecretId, { from: run.Calls[0].StartedAt, to: run.EndedAt })
  }
  const inOrder = SAME.toSorted((a, b) => runs.get(a)!.from - runs.get(b)!.from)
  assert.equal(inOrder[2], 'a-master', inOrder.join(', '))
  for (const [at, name] of inOrder.slice(1).entries()) {
    assert.ok(runs.get(name)!.from >= runs.get(inOrder[at]!)!.to, `${inOrder[at]} and ${name} rotated at once`)
  }
  const [other, last] = [runs.get('d-other')!, runs.get('a-master')!]
  assert.ok(other.from < last.from, 'another port is another server')

  // Nothing of what the values say is in the table.
  const rows = await server.app.database.transaction('read', (tx) => tx.all('SELECT * FROM rotation_target'))
  assert.equal(rows.length, names.length)
  assert.doesNotMatch(JSON.stringify(rows), /example|5432/i)
})

async function world(t: TestContext) {
  const server = await startTestServer(t)
  const { app, accountId } = server
  const run = (name: string, account = accountId) => ({
    account,
    arn: `arn:aws:secretsmanager:eu-central-1:${account}:secret:${name}`,
    rotationId: randomUUID(),
  })
  const write = <T>(work: (store: { app: typeof app; tx: Parameters<typeof giveTurn>[0]['tx'] }) => Promise<T>) =>
    app.database.transaction('write', (tx) => work({ app: { ...app, wallNow: () => app.wallNow() + ahead.ms }, tx }))
  const ahead = { ms: 0 }
  type Run = ReturnType<typeof run>
  type Target = Parameters<typeof takeTurn>[2]
  return {
    run,
    take: (given: Run, target?: Target) => write((store) => takeTurn(store, given, target)),
    give: ({ arn }: Run, aborted = false) => write((store) => giveTurn(store, arn, aborted)),
    note: (given: Run, target?: Target) => write((store) => noteTarget(store, given, target)),
    isFree: ({ arn }: Run) => write((store) => isTurnFree(store, arn)),
    knows: (given: Run) => write((store) => knowsTarget(store, given)),
    ahead,
  }
}

test('of many that ask at once one has the turn, until it gives it back', async (t) => {
  const { run, take, give, isFree } = await world(t)
  const runs = Array.from({ length: 12 }, (_, n) => run(`s-${n}`))
  const target = { server: 'db:5432' }
  let left = runs
  for (let turns = 0; turns < runs.length; turns++) {
    const answers = await Promise.all(left.map((each) => take(each, target)))
    assert.equal(answers.filter((has) => has).length, 1)
    const holder = left[answers.indexOf(true)]!
    assert.equal(await take(holder), true, 'who has it keeps it')
    await give(holder)
    left = left.filter((each) => each !== holder)
    for (const each of left) assert.equal(await isFree(each), true)
  }
})

test('who has no server waits for nobody, and another account is not waited for', async (t) => {
  const { run, take, knows } = await world(t)
  const target = { server: 'db:5432' }
  assert.equal(await take(run('a'), target), true)
  assert.equal(await take(run('b'), undefined), true)
  assert.equal(await take(run('c'), {}), true)
  assert.equal(await take(run('d', '999999999999'), target), true)
  const other = run('e')
  assert.equal(await knows(other), false)
  assert.equal(await take(other, target), false)
  assert.equal(await knows(other), true)
})

test('a master lets its users go first, is not interrupted by one, and does not wait for ever', async (t) => {
  const { run, take, give, note, ahead } = await world(t)
  const master = run('master')
  const user = run('user')
  const target = { server: 'db:5432', masterSecretArn: master.arn }
  const blocker = run('blocker')
  await note(user, target)
  assert.equal(await take(blocker, { server: 'db:5432' }), true)
  assert.equal(await take(user, target), false)
  assert.equal(await take(master, { server: 'elsewhere:1' }), false, 'its user waits')
  await give(blocker)
  assert.equal(await take(master), false, 'its user comes first')
  assert.equal(await take(user), true)
  assert.equal(await take(master), false)
  await give(user)
  assert.equal(await take(master), true)
  assert.equal(await take(user, target), false, 'of the password that changes now')
  assert.equal(await take(master), true, 'what has begun goes on')
  await give(master, true)
  assert.equal(await take(user, target), false, 'a call that was given up may go on for a moment')

  // Each is the master of the next.
  const [a, b, c] = [run('a'), run('b'), run('c')]
  const circle = [
    [a, { server: 'x:1', masterSecretArn: b.arn }],
    [b, { server: 'y:1', masterSecretArn: c.arn }],
    [c, { server: 'z:1', masterSecretArn: a.arn }],
  ] as const
  const [first] = circle
  assert.equal(await take(...first), true)
  for (const [each, at] of circle.slice(1)) assert.equal(await take(each, at), false)
  await give(a)
  const again = { ...a, rotationId: randomUUID() }
  assert.equal(await take(again, first[1]), false, 'its user waits, whose user waits, whose user it is')
  for (let ms = 0; ms < 600_000; ms += 30_000) {
    ahead.ms = ms
    assert.equal(await take(again), false)
    await take(b)
    await take(c)
  }
  ahead.ms = 605_000
  assert.equal(await take(again), true)
})
