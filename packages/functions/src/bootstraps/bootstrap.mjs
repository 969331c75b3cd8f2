// The Node.js runtime of functions: loads the handler, then takes invocations from the Runtime API and gives it the answers, for ever.
// Needs nothing but Node.js 20 or later. Usage: node bootstrap.mjs [folder in which @aws-sdk/* is found]
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
// https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html

import { readdirSync, statSync } from 'node:fs'
import * as modules from 'node:module'
import { connect } from 'node:net'
import { basename, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { format } from 'node:util'

const { env } = process
const [host, port] = env.AWS_LAMBDA_RUNTIME_API.split(':')
/** The invocation under way; undefined during the start. */
let current

class RuntimeError extends Error {
  constructor(type, message) {
    super(message)
    this.name = `Runtime.${type}`
  }
}

/* Talking to the Runtime API */

// By hand over one connection, because loading node:http takes as long as starting Node.js. The Runtime API always tells the length
// of its answers. The connection keeps the program alive only while an answer is waited for.

let socket

function call(method, path, body = '', headers = {}) {
  const fields = { Host: `${host}:${port}`, 'Content-Length': Buffer.byteLength(body), ...headers }
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}`)
  socket ??= connect(Number(port), host)
  socket.ref()
  socket.write(`${[`${method} /2018-06-01/runtime/${path} HTTP/1.1`, ...lines].join('\r\n')}\r\n\r\n`)
  socket.write(body)
  return new Promise((done, failed) => {
    const chunks = []
    let size = 0
    let expected = Number.POSITIVE_INFINITY
    let answer
    const end = (settle, value) => {
      socket.off('data', take).off('error', lost).off('close', lost)
      socket.unref()
      settle(value)
    }
    const lost = (error) => end(failed, error || new Error('the Runtime API closed the connection'))
    const take = (chunk) => {
      chunks.push(chunk)
      size += chunk.length
      if (answer === undefined) {
        const all = Buffer.concat(chunks)
        const head = all.indexOf('\r\n\r\n')
        if (head < 0) return
        answer = headersOf(all.toString('latin1', 0, head))
        expected = head + 4 + Number(answer['content-length'])
      }
      if (size < expected) return
      end(done, { headers: answer, body: Buffer.concat(chunks).subarray(expected - Number(answer['content-length'])) })
    }
    socket.on('data', take).on('error', lost).on('close', lost)
  })
}

function headersOf(head) {
  const fields = head
    .split('\r\n')
    .slice(1)
    .map((line) => [line.slice(0, line.indexOf(':')), line.slice(line.indexOf(':') + 1)])
  return Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value.trim()]))
}

async function report(path, error) {
  const { type, payload } = described(error)
  const headers = { 'Content-Type': 'application/json', 'Lambda-Runtime-Function-Error-Type': headerValue(type) }
  await call('POST', path, JSON.stringify(payload), headers)
}

const headerValue = (text) => text.replace(/[^\x20-\x7e]/g, '?').slice(0, 256)

/** Anything may be thrown. */
function described(error) {
  try {
    if (
      error instanceof Error ||
      (typeof error === 'object' && error !== null && 'stack' in error && 'message' in error)
    ) {
      const type = String(error.name ?? 'Error')
      const trace = String(error.stack ?? '').split('\n')
      const more = error.name === 'Runtime.UnhandledPromiseRejection' ? { reason: error.reason } : {}
      return { type, payload: { errorType: type, errorMessage: String(error.message), ...more, trace } }
    }
    return { type: typeof error, payload: { errorType: typeof error, errorMessage: String(error), trace: [] } }
  } catch {
    return {
      type: 'handled',
      payload: { errorType: 'handled', errorMessage: 'what was thrown cannot be described', trace: [] },
    }
  }
}

/* The log: one entry a line, as the console of Lambda shows it */

function write(level, text) {
  const line = [new Date().toISOString(), current?.id ?? 'undefined', level, text].join('\t')
  process.stdout.write(`${line.replaceAll('\n', '\r')}\n`)
}

// Whatever is printed is out before the answer is, and before an exit.
for (const stream of [process.stdout, process.stderr]) stream._handle?.setBlocking?.(true)

const LEVELS = { debug: 'DEBUG', error: 'ERROR', info: 'INFO', log: 'INFO', trace: 'TRACE', warn: 'WARN' }
for (const [method, level] of Object.entries(LEVELS)) {
  console[method] = (...values) => write(level, format(...values))
}

function logError(title, error) {
  const { payload } = described(error)
  const own = error instanceof Error ? { ...error } : {}
  const { errorType, errorMessage, trace } = payload
  let text
  try {
    text = JSON.stringify({ errorType, errorMessage, ...own, stack: trace })
  } catch {
    text = JSON.stringify({ errorType, errorMessage, stack: trace })
  }
  write('ERROR', `${title} \t${text}`)
}

/* What code finds without packing it */

const SDK = /^@(aws-sdk|aws-crypto|aws|smithy)\//

/** Where the function's own packages have it, theirs is taken. */
function offerSdk(folder) {
  const parent = join(folder, 'parent.js')
  const ours = modules.createRequire(parent)
  if (modules.registerHooks) {
    modules.registerHooks({
      resolve(specifier, context, next) {
        if (!SDK.test(specifier)) return next(specifier, context)
        try {
          return next(specifier, context)
        } catch (error) {
          if (!['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(error.code)) throw error
          if (context.conditions.includes('import')) {
            return next(specifier, { ...context, parentURL: pathToFileURL(parent).href })
          }
          return { url: pathToFileURL(ours.resolve(specifier)).href, shortCircuit: true }
        }
      },
    })
    return
  }
  // Before 22.15 `require` and `import` are hooked apart.
  const { _resolveFilename } = modules.Module
  modules.Module._resolveFilename = function (specifier, ...rest) {
    try {
      return _resolveFilename.call(this, specifier, ...rest)
    } catch (error) {
      if (error.code !== 'MODULE_NOT_FOUND' || !SDK.test(specifier)) throw error
      return ours.resolve(specifier)
    }
  }
  const hooks = `export async function resolve(specifier, context, next) {
    try { return await next(specifier, context) } catch (error) {
      if (error.code !== 'ERR_MODULE_NOT_FOUND' || !${SDK}.test(specifier)) throw error
      return next(specifier, { ...context, parentURL: ${JSON.stringify(pathToFileURL(parent).href)} })
    }
  }`
  modules.register(`data:text/javascript,${encodeURIComponent(hooks)}`)
}

/* The handler */

const isFile = (path) => statSync(path, { throwIfNoEntry: false })?.isFile() === true

/** `folder/file.export.nested`: the file is what stands before the first dot behind the last slash. */
async function loadHandler(root, handler) {
  if (handler.includes('..')) {
    throw new RuntimeError(
      'MalformedHandlerName',
      `'${handler}' is not a valid handler name. It must not contain '..'.`,
    )
  }
  const name = basename(handler)
  const [, file, path] = /^([^.]*)\.(.+)$/.exec(name) ?? []
  if (!file) throw new RuntimeError('MalformedHandlerName', 'Bad handler')
  const module = await loadModule(root, join(handler.slice(0, handler.length - name.length), file))
  const find = (from) => path.split('.').reduce((value, key) => value?.[key], from)
  const found = find(module) ?? find(module.default)
  if (found === undefined || found === null) {
    throw new RuntimeError('HandlerNotFound', `${handler} is undefined or not exported`)
  }
  if (typeof found !== 'function') throw new RuntimeError('HandlerNotFound', `${handler} is not a function`)
  return found
}

async function loadModule(root, name) {
  const path = resolve(root, name)
  const file = ['', '.js', '.mjs', '.cjs'].map((ending) => path + ending).find(isFile) ?? installed(root, name)
  try {
    return await import(pathToFileURL(file).href)
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeError('UserCodeSyntaxError', String(error))
    if (['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(error?.code)) {
      throw new RuntimeError('ImportModuleError', String(error))
    }
    throw error
  }
}

/** A package may bring the handler. */
function installed(root, name) {
  try {
    return modules.createRequire(join(root, 'index.js')).resolve(name)
  } catch {
    const files = readdirSync(root).slice(0, 20).join(', ')
    const hint = `The deployment package holds: ${files}`
    throw new RuntimeError('ImportModuleError', `Error: Cannot find module '${name}'. ${hint}`)
  }
}

/* Invocations */

const parsed = (text) => (text === undefined ? undefined : JSON.parse(text))

/** https://docs.aws.amazon.com/lambda/latest/dg/nodejs-context.html */
function contextOf(headers, finish) {
  const deadline = Number(headers['lambda-runtime-deadline-ms'])
  return {
    callbackWaitsForEmptyEventLoop: true,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    clientContext: parsed(headers['lambda-runtime-client-context']),
    identity: parsed(headers['lambda-runtime-cognito-identity']),
    getRemainingTimeInMillis: () => deadline - Date.now(),
    done: (error, result) => finish(error, result),
    fail: (error) => finish(error ?? 'handled'),
    succeed: (result) => finish(null, result),
  }
}

/** Resolves with what the handler answers: by its promise, its callback, its value, or, when nothing is left to wait for, with null. */
function run(handler, event, headers) {
  return new Promise((answer, failed) => {
    let finished = false
    const finish = (error, result) => {
      if (finished) return
      finished = true
      if (error !== null && error !== undefined) failed(error)
      else if (context.callbackWaitsForEmptyEventLoop) whenIdle(() => answer(result))
      else answer(result)
    }
    const context = contextOf(headers, finish)
    whenIdle(() => answer(null))
    const returned = handler(event, context, finish)
    if (typeof returned?.then === 'function') returned.then(answer, failed)
    else if (returned !== undefined) answer(returned)
  })
}

let idle = () => {}
const whenIdle = (action) => {
  idle = action
}
process.on('beforeExit', () => idle())

function encoded(result) {
  try {
    return JSON.stringify(result ?? null) ?? 'null'
  } catch (cause) {
    throw new Error(`Unable to stringify response body: ${cause.message}`)
  }
}

async function serve(handler) {
  for (;;) {
    const { headers, body } = await call('GET', 'invocation/next')
    current = { id: headers['lambda-runtime-aws-request-id'] }
    env._X_AMZN_TRACE_ID = headers['lambda-runtime-trace-id'] ?? ''
    const { id } = current
    try {
      const answer = encoded(await run(handler, JSON.parse(body.toString()), headers))
      whenIdle(() => {})
      await call('POST', `invocation/${id}/response`, answer, { 'Content-Type': 'application/json' })
    } catch (error) {
      whenIdle(() => {})
      logError('Invoke Error', error)
      await report(`invocation/${id}/error`, error)
    }
  }
}

/** What nobody caught ends the process; Lambda's exit codes. */
async function die(title, error, code) {
  logError(title, error)
  try {
    await report(current === undefined ? 'init/error' : `invocation/${current.id}/error`, error)
  } finally {
    process.exit(code)
  }
}

process.on('uncaughtException', (error) => die('Uncaught Exception', error, 129))
process.on('unhandledRejection', (reason) => {
  const error = new RuntimeError('UnhandledPromiseRejection', String(reason?.message ?? reason))
  error.reason = reason instanceof Error ? described(reason).payload : reason
  die('Unhandled Promise Rejection', error, 128)
})

if (process.argv[2] !== undefined) offerSdk(process.argv[2])
try {
  const handler = await loadHandler(env.LAMBDA_TASK_ROOT, env._HANDLER)
  // The Runtime API goes away with the server.
  serve(handler).catch(() => process.exit(1))
} catch (error) {
  await die('Uncaught Exception', error, 1)
}
