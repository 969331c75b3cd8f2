// The bootstrap of Python, run as functions run it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { bodyOf, functionOf, PYTHON, startFunctions } from '../testing.ts'

const handler = 'app.lambda_handler'

test('handlers are found in modules and packages, and are told who they are', async (t) => {
  const { invoke } = await startFunctions(t)
  const text = `
import os, sys
def lambda_handler(event, context):
    return {
        "event": event,
        "context": {k: getattr(context, k) for k in ["aws_request_id", "log_group_name", "function_name", "memory_limit_in_mb",
            "function_version", "invoked_function_arn"]},
        "stream": context.log_stream_name == os.environ["AWS_LAMBDA_LOG_STREAM_NAME"],
        "identity": context.identity.cognito_identity_id,
        "client": [context.client_context.client.app_title, context.client_context.custom, context.client_context.env],
        "left": context.get_remaining_time_in_millis(),
        "trace": os.environ["_X_AMZN_TRACE_ID"],
        "path": sys.path[0] == os.environ["LAMBDA_TASK_ROOT"],
    }
`
  for (const [name, files] of [
    ['app.lambda_handler', { 'app.py': text }],
    ['src/app.lambda_handler', { 'src/app.py': text }],
    ['src.app.lambda_handler', { 'src/app.py': text, 'src/__init__.py': '' }],
  ] as const) {
    const fn = functionOf(t, PYTHON, files, { handler: name, timeoutSeconds: 9 })
    const clientContext = '{"client":{"app_title":"T"},"custom":{"a":1}}'
    const result = await invoke(fn, { a: 'ä' }, { clientContext })
    const { left, trace, ...body } = bodyOf(result) as { readonly left: number; readonly trace: string }
    assert.deepEqual(body, {
      event: { a: 'ä' },
      context: {
        aws_request_id: result.requestId,
        log_group_name: '/aws/lambda/rotate',
        function_name: 'rotate',
        memory_limit_in_mb: '256',
        function_version: '$LATEST',
        invoked_function_arn: fn.arn,
      },
      stream: true,
      identity: null,
      client: ['T', { a: 1 }, null],
      path: true,
    })
    assert.ok(left > 0 && left <= 9_000)
    assert.match(trace, /^Root=1-/)
  }
})

test('errors come back with type, message, request and a trace of the function alone, and the instance goes on', async (t) => {
  const { invoke } = await startFunctions(t)
  const fn = functionOf(
    t,
    PYTHON,
    {
      'app.py': `
import decimal
count = 0
class PasswordError(Exception): pass
def fail(text):
    raise PasswordError(text)
def lambda_handler(event, context):
    global count
    count += 1
    how = event["how"]
    if how == "raise": fail("raised")
    if how == "key": return {}["missing"]
    if how == "set": return {1, 2}
    if how == "decimal": return decimal.Decimal("1.5")
    if how == "nan": return {"text": "\\u00fc", "count": count}
`,
    },
    { handler },
  )
  const raised = await invoke(fn, { how: 'raise' })
  assert.equal(raised.functionError, 'Unhandled')
  assert.equal(raised.errorType, 'PasswordError')
  const { stackTrace, ...rest } = bodyOf(raised) as { stackTrace: string[] }
  assert.deepEqual(rest, { errorMessage: 'raised', errorType: 'PasswordError', requestId: raised.requestId })
  assert.equal(stackTrace.length, 2)
  assert.match(stackTrace[0]!, /File ".*app\.py", line 11, in lambda_handler\n/)
  assert.match(
    raised.log.toString(),
    /\n\[ERROR\] PasswordError: raised\nTraceback \(most recent call last\):\n {2}File /,
  )
  assert.equal((await invoke(fn, { how: 'key' })).errorType, 'KeyError')
  const marshal = await invoke(fn, { how: 'set' })
  assert.equal(marshal.errorType, 'Runtime.MarshalError')
  assert.equal(
    (bodyOf(marshal) as { errorMessage: string }).errorMessage,
    'Unable to marshal response: Object of type set is not JSON serializable',
  )
  assert.equal(bodyOf(await invoke(fn, { how: 'decimal' })), 1.5)
  const garbage = await invoke(fn, {}, { payload: Buffer.from('{not JSON') })
  assert.equal(garbage.errorType, 'Runtime.UnmarshalError')
  assert.deepEqual(bodyOf(await invoke(fn, { how: 'nan' })), { text: 'ü', count: 5 })
})

test('a handler that cannot be had is told of with Lambda’s types and words', async (t) => {
  const { invoke } = await startFunctions(t)
  const good = { 'app.py': 'def lambda_handler(event, context): pass' }
  for (const [name, files, errorType, message] of [
    ['app', good, 'Runtime.MalformedHandlerName', /^Bad handler 'app': /],
    ['other.handler', good, 'Runtime.ImportModuleError', /^Unable to import module 'other': No module named 'other'$/],
    ['app.nope', good, 'Runtime.HandlerNotFound', /^Handler 'nope' missing on module 'app'$/],
    ['sys.exit', good, 'Runtime.BuiltInModuleConflict', /^Cannot use built-in module sys as a handler module$/],
    ['app.f', { 'app.py': 'def f(:' }, 'Runtime.UserCodeSyntaxError', /^Syntax error in module 'app': /],
    ['app.f', { 'app.py': 'import notthere' }, 'Runtime.ImportModuleError', /: No module named 'notthere'$/],
    ['app.f', { 'app.py': 'raise ValueError("at the start")' }, 'ValueError', /^at the start$/],
  ] as const) {
    const result = await invoke(functionOf(t, PYTHON, files, { handler: name }))
    assert.equal(result.errorType, errorType, name)
    assert.match((bodyOf(result) as { errorMessage: string }).errorMessage, message)
    assert.match(result.log.toString(), new RegExp(`^\\[ERROR\\] ${errorType}: `))
  }
})

test('what is printed, logged and written to standard error is in the log, in Lambda’s format', async (t) => {
  const { invoke } = await startFunctions(t)
  const fn = functionOf(
    t,
    PYTHON,
    {
      'app.py': `
import logging, sys
logger = logging.getLogger()
logger.setLevel(logging.INFO)
def lambda_handler(event, context):
    print("printed", "twice")
    sys.stdout.write("without an end")
    print()
    logger.info("logged %s", event)
    logging.getLogger("mine").warning("warned")
    logger.debug("not this")
    print("to stderr", file=sys.stderr)
`,
    },
    { handler },
  )
  const { log, requestId } = await invoke(fn, { a: 1 })
  const text = log.toString()
  assert.match(text, /\nprinted twice\nwithout an end\n/)
  assert.match(
    text,
    new RegExp(`\n\\[INFO\\]\t\\d{4}-\\d\\d-\\d\\dT[\\d:]+\\.\\d{3}Z\t${requestId}\tlogged \\{'a': 1\\}\n`),
  )
  assert.match(text, new RegExp(`\n\\[WARNING\\]\t\\S+\t${requestId}\twarned\n`))
  assert.match(text, /to stderr\n/)
  assert.doesNotMatch(text, /not this/)
})

test('a function finds boto3 without packing it, with its endpoint and its credentials', async (t) => {
  const { invoke } = await startFunctions(t, { endpoint: 'http://127.0.0.1:4699' })
  const fn = functionOf(
    t,
    PYTHON,
    {
      'app.py': `
import boto3, os
def lambda_handler(event, context):
    client = boto3.client("secretsmanager", endpoint_url=os.environ["SECRETS_MANAGER_ENDPOINT"])
    credentials = boto3.Session().get_credentials().get_frozen_credentials()
    return [client.meta.endpoint_url, client.meta.region_name, credentials.access_key, credentials.token]
`,
    },
    { handler },
  )
  assert.deepEqual(bodyOf(await invoke(fn)), ['http://127.0.0.1:4699', 'eu-central-1', 'ASIAEXAMPLE', 'token'])
})

test('a handler that leaves the program ends the instance', async (t) => {
  const { invoke } = await startFunctions(t)
  const fn = functionOf(
    t,
    PYTHON,
    { 'app.py': 'import sys\ndef lambda_handler(event, context): sys.exit(event)' },
    { handler },
  )
  const result = await invoke(fn, 3)
  assert.deepEqual(bodyOf(result), {
    errorType: 'Runtime.ExitError',
    errorMessage: `RequestId: ${result.requestId} Error: Runtime exited with error: exit status 3`,
  })
})
