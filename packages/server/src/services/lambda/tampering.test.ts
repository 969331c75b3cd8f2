// Rows of functions that are altered, swapped, deleted or brought back with plain SQL: nothing that was not uploaded runs, and nobody is let in.

import assert from 'node:assert/strict'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { createCaller } from '../secretsmanager/testing.ts'
import { dataKeyTable } from './store.ts'
import { nodeZip, refusal, startLambda } from './testing.ts'

type Row = { readonly [column: string]: string | number | Uint8Array }

const damaged = refusal('ServiceException', 500, 'A stored record failed its integrity check and was not used.')

async function start(t: Parameters<typeof startLambda>[0]) {
  const started = await startLambda(t)
  const { app, dataDir } = started.server
  const query = (sql: string, ...values: Row[string][]): Promise<readonly Row[]> =>
    app.database.transaction('write', (tx) => tx.all<Row>(sql, ...values))
  return {
    ...started,
    rows: (table: string) => query(`SELECT * FROM ${table}`),
    run: (sql: string, ...values: Row[string][]) =>
      app.database.transaction('write', async (tx) => void (await tx.run(sql, ...values))),
    forgetCode: () => rmSync(join(dataDir, 'functions', 'code'), { recursive: true, force: true }),
  }
}

test('code that was altered, swapped with another function’s or lost does not run', async (t) => {
  const { create, invoke, rows, run, forgetCode } = await start(t)
  await create({ FunctionName: 'mine', Code: { ZipFile: nodeZip('return "mine"') } })
  await create({ FunctionName: 'evil', Code: { ZipFile: nodeZip('return "evil"') } })
  assert.equal(await invoke('mine'), 'mine')
  const stored = await rows('lambda_code')
  const [mine, evil] = ['mine', 'evil'].map((name) => stored.find(({ function_name }) => function_name === name)!)
  const put = ({ body, mac }: Row) =>
    run('UPDATE lambda_code SET body = $1, mac = $2 WHERE function_name = $3', body!, mac!, 'mine')
  forgetCode()
  await put(evil!)
  await assert.rejects(invoke('mine'), damaged)
  const flipped = Uint8Array.from(mine!.body as Uint8Array)
  flipped[flipped.length - 1]! ^= 1
  await put({ ...mine!, body: flipped })
  await assert.rejects(invoke('mine'), damaged)
  await put(mine!)
  assert.equal(await invoke('mine'), 'mine')
  forgetCode()
  await run('DELETE FROM lambda_code WHERE function_name = $1', 'mine')
  await assert.rejects(invoke('mine'), damaged)
})

test('a permission that was taken back comes back to nobody, and a version is not another', async (t) => {
  const { server, create, call, rows, run, invoke } = await start(t)
  const { FunctionArn } = await create({ Code: { ZipFile: nodeZip('return 1') }, Publish: true })
  const arn = FunctionArn!.slice(0, -2)
  await call('UpdateFunctionCode', { FunctionName: 'fn', ZipFile: nodeZip('return 2'), Publish: true })
  const { account, credentials } = await createCaller(
    server,
    'guest',
    [{ Effect: 'Allow', Action: '*', Resource: '*' }],
    'new',
  )
  const permission = { StatementId: 's', Action: 'lambda:InvokeFunction', Principal: account }
  const ask = () => call('Invoke', { FunctionName: arn, InvocationType: 'DryRun' }, credentials)
  await call('AddPermission', { FunctionName: 'fn', ...permission })
  assert.equal((await ask()).StatusCode, 204)
  const allowing = (await rows('lambda_part')).find(({ part }) => part === 'policy')!
  const denied = refusal('AccessDeniedException', 403, /no resource-based policy/)

  await call('RemovePermission', { FunctionName: 'fn', StatementId: 's' })
  await assert.rejects(ask(), denied)
  const columns = ['account_id', 'region', 'function_name', 'part', 'rev', 'body', 'mac']
  const values = columns.map((column) => allowing[column]!)
  await run(`INSERT INTO lambda_part (${columns.join(', ')}) VALUES ($1, $2, $3, $4, $5, $6, $7)`, ...values)
  await assert.rejects(ask(), denied)
  // Another policy takes its place; the old row in the place of that one is found out.
  await call('AddPermission', { FunctionName: 'fn', ...permission, SourceAccount: '111122223333' })
  await assert.rejects(ask(), denied)
  const { rev, body, mac } = allowing
  await run("UPDATE lambda_part SET rev = $1, body = $2, mac = $3 WHERE part = 'policy'", rev!, body!, mac!)
  await assert.rejects(ask(), damaged)

  const versions = await rows('lambda_part')
  const one = versions.find(({ part }) => part === 'version/1')!
  await run(
    "UPDATE lambda_part SET rev = $1, body = $2, mac = $3 WHERE part = 'version/2'",
    one.rev!,
    one.body!,
    one.mac!,
  )
  await assert.rejects(invoke('fn:2'), damaged)
  assert.equal(await invoke('fn:1'), 1)
})

test('a function’s row that was altered is not used, and another’s data key opens nothing of it', async (t) => {
  const { create, call, rows, run } = await start(t)
  await create({ FunctionName: 'a', Environment: { Variables: { NAME: 'of a' } } })
  await create({ FunctionName: 'b', Environment: { Variables: { NAME: 'of b' } } })
  const [a, b] = await rows('lambda_function')
  const put = ({ rev, body, mac }: Row) =>
    run('UPDATE lambda_function SET rev = $1, body = $2, mac = $3 WHERE function_name = $4', rev!, body!, mac!, 'a')
  await put(b!)
  await assert.rejects(call('GetFunctionConfiguration', { FunctionName: 'a' }), damaged)
  await put(a!)
  const { Environment } = await call('GetFunctionConfiguration', { FunctionName: 'a' })
  assert.deepEqual(Environment, { Variables: { NAME: 'of a' } })
})

test('data keys that are sealed anew under a newer domain key open what they opened before', async (t) => {
  const { server, create, call, invoke } = await start(t)
  await create({ Environment: { Variables: { NAME: 'value' } }, Code: { ZipFile: nodeZip('return process.env.NAME') } })
  const { app } = server
  const table = dataKeyTable(app.keyring, app.rows)
  const write = <T>(work: Parameters<typeof app.database.transaction<T>>[1]) => app.database.transaction('write', work)
  const before = await write((tx) => tx.get<Row>('SELECT body FROM lambda_function'))
  assert.equal(await write((tx) => table.reseal(tx, 2, 10)), 1)
  const after = await write((tx) => tx.get<Row>('SELECT body FROM lambda_function'))
  assert.notDeepEqual(after, before)
  assert.deepEqual(await write(async (tx) => [await table.refersTo(tx, 1), await table.refersTo(tx, 2)]), [true, false])
  assert.deepEqual((await call('GetFunctionConfiguration', { FunctionName: 'fn' })).Environment, {
    Variables: { NAME: 'value' },
  })
  assert.equal(await invoke('fn'), 'value')
})
