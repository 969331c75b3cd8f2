// The bootstrap of Node.js, run as functions run it.

import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { test } from 'node:test'
import { findInterpreters } from '../interpreters.ts'
import { bodyOf, functionOf, NODE, startFunctions } from '../testing.ts'

const answers = (value: string) => `exports.handler = async (event) => (${value})`

test('handlers are found in files of every kind, in folders and behind nested exports', async (t) => {
  const { invoke } = await startFunctions(t)
  const module = { 'package.json': '{"type":"module"}' }
  const cases: readonly (readonly [string, Record<string, string>, unknown])[] = [
    ['index.handler', { 'index.js': answers('"CommonJS"') }, 'CommonJS'],
    ['index.handler', { 'index.cjs': answers('"cjs"') }, 'cjs'],
    ['index.handler', { 'index.mjs': 'export const handler = async () => "mjs"' }, 'mjs'],
    ['index.handler', { ...module, 'index.js': 'export const handler = async () => "module"' }, 'module'],
    ['index.handler', { 'index.mjs': 'export default { handler: async () => "default" }' }, 'default'],
    [
      'index.handler',
      { 'index.mjs': 'await null; export const handler = async () => "top-level await"' },
      'top-level await',
    ],
    ['lib/app.handler', { 'lib/app.js': answers('"folder"') }, 'folder'],
    ['lib/app.one.two', { 'lib/app.js': 'exports.one = { two: async () => "nested" }' }, 'nested'],
    ['app/main.go', { 'node_modules/app/main.js': 'exports.go = async () => "package"' }, 'package'],
    ['index.handler', { 'index.js': 'Object.assign(exports, { ["hand" + "ler"]: async () => "dynamic" })' }, 'dynamic'],
  ]
  for (const [handler, files, expected] of cases) {
    assert.equal(bodyOf(await invoke(functionOf(t, NODE, files, { handler }))), expected, `${expected}`)
  }
})

test('handlers answer by promise, value, callback and the old methods of the context', async (t) => {
  const { invoke } = await startFunctions(t)
  const cases: readonly (readonly [string, unknown])[] = [
    ['async (event) => ({ got: event })', { got: { at: 0 } }],
    ['() => ({ then: (done) => done("thenable") })', 'thenable'],
    ['() => "a value"', 'a value'],
    ['(event, context, callback) => { setTimeout(callback, 5, null, "called back") }', 'called back'],
    ['(event, context) => { setTimeout(() => context.succeed("succeeded"), 5) }', 'succeeded'],
    ['(event, context) => { context.done(null, "done") }', 'done'],
    ['async () => {}', null],
    ['() => {}', null],
    ['() => new Promise(() => {})', null],
    ['async () => ({ date: new Date(0), none: undefined })', { date: '1970-01-01T00:00:00.000Z' }],
  ]
  const handlers = cases.map(([handler]) => handler).join(',\n')
  const fn = functionOf(t, NODE, {
    'index.js': `const handlers = [${handlers}]
      exports.handler = (event, context, callback) => handlers[event.at](event, context, callback)`,
  })
  for (const [at, [handler, expected]] of cases.entries()) {
    assert.deepEqual(bodyOf(await invoke(fn, { at })), expected, handler)
  }
})

test('a callback waits for what is still going on, unless the handler says otherwise', async (t) => {
  const { invoke } = await startFunctions(t)
  const handler = (first: string) =>
    `exports.handler = (event, context, callback) => { ${first}
      setTimeout(() => console.log('later'), 300); callback(null, 'done') }`
  const waits = await invoke(functionOf(t, NODE, { 'index.js': handler('') }))
  assert.equal(bodyOf(waits), 'done')
  assert.match(waits.log.toString(), /\tINFO\tlater\n/)
  const goes = await invoke(
    functionOf(t, NODE, { 'index.js': handler('context.callbackWaitsForEmptyEventLoop = false') }),
  )
  assert.equal(bodyOf(goes), 'done')
  assert.doesNotMatch(goes.log.toString(), /later/)
})

test('the context and the environment say where the function is', async (t) => {
  const { invoke } = await startFunctions(t)
  const fn = functionOf(
    t,
    NODE,
    {
      'index.mjs': `export const handler = async (event, { getRemainingTimeInMillis, done, fail, succeed, ...context }) =>
        ({ context, left: getRemainingTimeInMillis(), trace: process.env._X_AMZN_TRACE_ID, cwd: process.cwd() })`,
    },
    { timeoutSeconds: 7 },
  )
  const result = await invoke(fn, {}, { clientContext: '{"custom":\n{"a":"b ü 😀"}}', invokedArn: `${fn.arn}:live` })
  const { context, left, trace, cwd } = bodyOf(result) as {
    readonly context: Readonly<Record<string, unknown>>
    readonly left: number
    readonly trace: string
    readonly cwd: string
  }
  const { logStreamName, ...rest } = context
  assert.deepEqual(rest, {
    callbackWaitsForEmptyEventLoop: true,
    functionName: 'rotate',
    functionVersion: '$LATEST',
    memoryLimitInMB: '256',
    logGroupName: '/aws/lambda/rotate',
    awsRequestId: result.requestId,
    invokedFunctionArn: `${fn.arn}:live`,
    clientContext: { custom: { a: 'b ü 😀' } },
  })
  assert.match(String(logStreamName), /^\d{4}\/\d\d\/\d\d\/\[\$LATEST\][0-9a-f]{32}$/)
  assert.ok(left > 0 && left <= 7_000, `${left}`)
  assert.match(trace, /^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$/)
  assert.equal(cwd, fn.codeDirectory)
})

test('errors of handlers come back with type, message and trace, and the instance goes on', async (t) => {
  const { invoke } = await startFunctions(t)
  const throws = `
    class PasswordError extends Error { constructor(message) { super(message); this.name = 'PasswordError'; this.code = 'E1' } }
    let count = 0
    exports.handler = (event, context, callback) => {
      count++
      switch (event.how) {
        case 'throw': throw new PasswordError('thrown')
        case 'reject': return Promise.reject(new PasswordError('rejected'))
        case 'callback': return callback(new PasswordError('called back'))
        case 'fail': return context.fail(new PasswordError('failed'))
        case 'text': throw 'a text'
        case 'nothing': return Promise.reject(undefined)
        case 'circle': { const a = {}; a.a = a; return a }
        case 'odd': throw Object.create(null)
        default: return { count }
      }
    }`
  const fn = functionOf(t, NODE, { 'index.js': throws })
  for (const [how, errorType, errorMessage] of [
    ['throw', 'PasswordError', 'thrown'],
    ['reject', 'PasswordError', 'rejected'],
    ['callback', 'PasswordError', 'called back'],
    ['fail', 'PasswordError', 'failed'],
    ['text', 'string', 'a text'],
    ['nothing', 'undefined', 'undefined'],
    ['circle', 'Error', /^Unable to stringify response body: /],
    ['odd', 'handled', /./],
  ] as const) {
    const result = await invoke(fn, { how })
    assert.equal(result.functionError, 'Unhandled', how)
    assert.equal(result.errorType, errorType)
    const body = bodyOf(result) as { errorType: string; errorMessage: string; trace: string[] }
    assert.equal(body.errorType, errorType)
    if (typeof errorMessage === 'string') assert.equal(body.errorMessage, errorMessage)
    else assert.match(body.errorMessage, errorMessage)
    assert.ok(Array.isArray(body.trace))
    assert.match(result.log.toString(), /\tERROR\tInvoke Error \t\{"errorType":/)
  }
  assert.deepEqual(bodyOf(await invoke(fn)), { count: 9 })
})

test('what nobody catches ends the instance, with Lambda’s types', async (t) => {
  const { invoke } = await startFunctions(t)
  const fn = functionOf(t, NODE, {
    'index.js': `
      let count = 0
      exports.handler = async (event) => {
        count++
        if (event.how === 'uncaught') setTimeout(() => { throw new RangeError('nobody caught me') }, 1)
        if (event.how === 'rejected') Promise.reject(new RangeError('nobody awaited me'))
        if (event.how) await new Promise((resolve) => setTimeout(resolve, 5_000))
        return count
      }`,
  })
  const uncaught = await invoke(fn, { how: 'uncaught' })
  assert.equal(uncaught.errorType, 'RangeError')
  assert.equal((bodyOf(uncaught) as { errorMessage: string }).errorMessage, 'nobody caught me')
  const rejected = await invoke(fn, { how: 'rejected' })
  assert.equal(rejected.errorType, 'Runtime.UnhandledPromiseRejection')
  assert.equal((bodyOf(rejected) as { errorMessage: string }).errorMessage, 'nobody awaited me')
  assert.equal(bodyOf(await invoke(fn)), 1)
})

test('a handler that cannot be had is told of with Lambda’s types', async (t) => {
  const { invoke } = await startFunctions(t)
  const good = { 'index.js': answers('1') }
  const cases: readonly (readonly [string, Record<string, string>, string])[] = [
    ['nothandler', good, 'Runtime.MalformedHandlerName'],
    ['../index.handler', good, 'Runtime.MalformedHandlerName'],
    ['other.handler', good, 'Runtime.ImportModuleError'],
    ['index.handler', { 'index.js': 'require("not-there")' }, 'Runtime.ImportModuleError'],
    ['index.handler', { 'index.mjs': 'import "not-there"' }, 'Runtime.ImportModuleError'],
    ['index.handler', { 'index.js': 'exports.handler = (' }, 'Runtime.UserCodeSyntaxError'],
    ['index.nope', good, 'Runtime.HandlerNotFound'],
    ['index.handler', { 'index.js': 'exports.handler = 5' }, 'Runtime.HandlerNotFound'],
    ['index.handler', { 'index.js': 'throw new TypeError("at the start")' }, 'TypeError'],
  ]
  for (const [handler, files, errorType] of cases) {
    const result = await invoke(functionOf(t, NODE, files, { handler }))
    assert.equal(result.errorType, errorType, handler)
    assert.equal((bodyOf(result) as { errorType: string }).errorType, errorType)
    assert.match(result.log.toString(), /^\S+\tundefined\tERROR\tUncaught Exception \t/)
    assert.match(
      result.log.toString(),
      new RegExp(`\nINIT_REPORT Init Duration: [\\d.]+ ms\tPhase: init\tStatus: error\tError Type: ${errorType}\n`),
    )
  }
})

test('the console writes one entry a line with its level', async (t) => {
  const { invoke } = await startFunctions(t)
  const fn = functionOf(t, NODE, {
    'index.js': `console.log('at the start'); exports.handler = async () => {
      for (const level of ['debug', 'info', 'log', 'warn', 'error', 'trace']) console[level]('two\\nlines', { level }) }`,
  })
  const { log, requestId } = await invoke(fn)
  const lines = log.toString().split('\n')
  assert.match(lines[0]!, /^\d{4}-\d\d-\d\dT[\d:.]+Z\tundefined\tINFO\tat the start$/)
  assert.equal(lines[1], `START RequestId: ${requestId} Version: $LATEST`)
  const entries = lines.slice(2, 8).map((line) => line.split('\t'))
  assert.deepEqual(
    entries.map(([, id, level, text]) => [id === requestId, level, text]),
    ['DEBUG', 'INFO', 'INFO', 'WARN', 'ERROR', 'TRACE'].map((level, i) => [
      true,
      level,
      `two\rlines { level: '${['debug', 'info', 'log', 'warn', 'error', 'trace'][i]}' }`,
    ]),
  )
  assert.equal(lines[8], `END RequestId: ${requestId}`)
  assert.match(lines[9]!, /^REPORT RequestId: \S+\tDuration: .*\tInit Duration: [\d.]+ ms\t$/)
})

test('a function finds the AWS SDK without packing it, and nothing else of ours', async (t) => {
  const { invoke } = await startFunctions(t)
  const required = functionOf(t, NODE, {
    'index.js': `const { SecretsManagerClient } = require('@aws-sdk/client-secrets-manager')
      exports.handler = async () => typeof SecretsManagerClient`,
  })
  assert.equal(bodyOf(await invoke(required)), 'function')
  const imported = functionOf(t, NODE, {
    'index.mjs': `import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager'
      export const handler = async () => typeof SecretsManagerClient`,
  })
  assert.equal(bodyOf(await invoke(imported)), 'function')
  const own = functionOf(t, NODE, {
    'index.js': `exports.handler = async () => require('@aws-sdk/client-secrets-manager').own`,
    'node_modules/@aws-sdk/client-secrets-manager/index.js': 'exports.own = "packed"',
  })
  assert.equal(bodyOf(await invoke(own)), 'packed')
  const foreign = functionOf(t, NODE, { 'index.js': `require('pg')` })
  assert.equal((await invoke(foreign)).errorType, 'Runtime.ImportModuleError')
})

const OLD_NODE = '/usr/bin/node'
test('Node.js 20 runs functions too', { skip: !existsSync(OLD_NODE) && `no ${OLD_NODE}` }, async (t) => {
  const { invoke } = await startFunctions(t, {
    interpreters: await findInterpreters({ programs: { 'nodejs20.x': OLD_NODE } }),
  })
  for (const files of [
    {
      'index.mjs': `import { SecretsManagerClient as C } from '@aws-sdk/client-secrets-manager'; export const handler = async () => [typeof C, process.version]`,
    },
    {
      'index.js': `const C = require('@aws-sdk/client-secrets-manager').SecretsManagerClient; exports.handler = async () => [typeof C, process.version]`,
    },
  ]) {
    const [type, version] = bodyOf(await invoke(functionOf(t, 'nodejs20.x', files))) as string[]
    assert.equal(type, 'function')
    assert.notEqual(version, process.version)
  }
})
