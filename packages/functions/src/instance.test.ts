// What ends an instance, and that nothing of it is left.

import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { processesWith, TELLS_OF_PROCESSES } from './processes.ts'
import { bodyOf, CREDENTIALS, functionOf, NODE, PROVIDED, PYTHON, startFunctions } from './testing.ts'

const onLinux = { skip: !TELLS_OF_PROCESSES && 'no /proc' }

/** A text in the environment of the function by which its processes are found. */
const marked = (t: TestContext) => ({ environment: { MARK: `${t.name.slice(0, 20)} ${Math.random()}` } })

/** Fails with the time limit of the test run. */
async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 20))
}

test(
  'the time limit ends the instance with all its processes, and the next invocation has a new one',
  onLinux,
  async (t) => {
    const { invoke } = await startFunctions(t)
    const { environment } = marked(t)
    const fn = functionOf(
      t,
      NODE,
      {
        'index.js': `
        const { spawn } = require('node:child_process')
        let count = 0
        exports.handler = async (event) => {
          count++
          if (!event.hang) return count
          spawn('sleep', ['600'])
          spawn('sleep', ['600'], { detached: true, stdio: 'ignore' }).unref()
          spawn('sh', ['-c', 'setsid sleep 600 & setsid sh -c "sleep 600 & sleep 600" &'], { stdio: 'ignore' })
          console.log('hanging')
          await new Promise((resolve) => setTimeout(resolve, 600_000))
        }`,
      },
      { timeoutSeconds: 2, environment },
    )
    assert.equal(bodyOf(await invoke(fn)), 1)
    assert.equal(bodyOf(await invoke(fn)), 2)
    const result = await invoke(fn, { hang: true })
    assert.deepEqual(bodyOf(result), {
      errorType: 'Sandbox.Timedout',
      errorMessage: `RequestId: ${result.requestId} Error: Task timed out after 2.00 seconds`,
    })
    assert.equal(result.functionError, 'Unhandled')
    const log = result.log.toString()
    assert.match(log, /\tINFO\thanging\n/)
    assert.match(log, new RegExp(`\n\\S+Z ${result.requestId} Task timed out after 2.00 seconds\n\nEND RequestId: `))
    assert.match(log, /\tDuration: 2000.00 ms\tBilled Duration: 2000 ms\t.*\tStatus: timeout\t\n$/)
    assert.deepEqual(await processesWith(environment.MARK), [])
    assert.equal(bodyOf(await invoke(fn)), 1)
  },
)

test('the start has a limit of its own, and what it takes is not taken from the time limit', async (t) => {
  const { invoke } = await startFunctions(t)
  const slow = functionOf(
    t,
    PYTHON,
    {
      'index.py':
        'import time\ntime.sleep(3)\ndef handler(event, context): return context.get_remaining_time_in_millis()',
    },
    { timeoutSeconds: 2 },
  )
  const result = await invoke(slow)
  assert.ok(Number(bodyOf(result)) > 500, result.payload.toString())
  assert.ok(result.timings.initMs! > 3_000)
  const never = functionOf(t, PYTHON, { 'index.py': 'import time\ntime.sleep(600)' }, { timeoutSeconds: 2 })
  const stopped = await invoke(never)
  assert.deepEqual(bodyOf(stopped), {
    errorType: 'Sandbox.Timedout',
    errorMessage: `RequestId: ${stopped.requestId} Error: Task timed out after 10.00 seconds`,
  })
  assert.match(stopped.log.toString(), /^INIT_REPORT Init Duration: 1\d{4}\.\d\d ms\tPhase: init\tStatus: timeout\t/)
})

test('exits and signals are told in Lambda’s words', async (t) => {
  const { invoke } = await startFunctions(t)
  const fn = functionOf(t, NODE, {
    'index.js': `exports.handler = async (event) => {
      console.log('the last words')
      if (typeof event === 'number') process.exit(event)
      process.kill(process.pid, event)
      await new Promise((resolve) => setTimeout(resolve, 60_000))
    }`,
  })
  for (const [how, words] of [
    [1, 'Runtime exited with error: exit status 1'],
    [0, 'Runtime exited without providing a reason'],
    ['SIGKILL', 'Runtime exited with error: signal: killed'],
    ['SIGSEGV', 'Runtime exited with error: signal: segmentation fault'],
  ] as const) {
    const result = await invoke(fn, how)
    const errorMessage = `RequestId: ${result.requestId} Error: ${words}`
    assert.deepEqual(bodyOf(result), { errorType: 'Runtime.ExitError', errorMessage })
    assert.match(result.log.toString(), new RegExp(`the last words\n${errorMessage}\nRuntime.ExitError\nEND `))
    assert.match(result.log.toString(), /\tStatus: error\tError Type: Runtime.ExitError\t\n$/)
  }
  const long = functionOf(t, NODE, {
    'index.js': 'exports.handler = () => { console.log("x".repeat(900_000)); process.exit(1) }',
  })
  assert.ok((await invoke(long)).log.length > 900_000, 'what was printed before an exit is there')
  const early = await invoke(functionOf(t, NODE, { 'index.js': 'process.exit(7)' }))
  assert.equal(early.errorType, 'Runtime.ExitError')
  assert.match(early.payload.toString(), /exit status 7/)
})

test('memory above the limit ends the instance', onLinux, async (t) => {
  const { invoke } = await startFunctions(t)
  const python = functionOf(
    t,
    PYTHON,
    {
      'index.py': `
import time
def handler(event, context):
    held = []
    for _ in range(64):
        held.append(bytearray(b"x" * (16 * 1024 * 1024)))
        time.sleep(0.05)
`,
    },
    { memoryMb: 128 },
  )
  const result = await invoke(python)
  assert.match(result.payload.toString(), /Runtime exited with error: signal: killed/)
  assert.match(result.log.toString(), /Memory Size: 128 MB\tMax Memory Used: (?:1[2-9]|[2-9]\d)\d MB/)
  const children = functionOf(
    t,
    NODE,
    {
      'index.js': `const { spawnSync } = require('node:child_process')
        exports.handler = async () => spawnSync('/usr/bin/python3', ['-c', 'import time\\nheld = b"x" * 300_000_000\\ntime.sleep(60)'])`,
    },
    { memoryMb: 128 },
  )
  assert.match((await invoke(children)).payload.toString(), /signal: killed/)
})

test('a heap that is full ends Node.js before the limit of the whole', async (t) => {
  const { invoke } = await startFunctions(t)
  const fn = functionOf(
    t,
    NODE,
    { 'index.js': 'exports.handler = async () => { const all = []; for (;;) all.push({ a: [all.length] }) }' },
    { memoryMb: 128 },
  )
  const result = await invoke(fn)
  assert.equal(result.errorType, 'Runtime.ExitError')
})

test('what outlives its instance is killed when the instance is, and its folder goes', onLinux, async (t) => {
  const { invoke, functions, directory } = await startFunctions(t)
  const { environment } = marked(t)
  const fn = functionOf(
    t,
    PYTHON,
    {
      'index.py': `
import os, subprocess, tempfile
def handler(event, context):
    with tempfile.NamedTemporaryFile(delete=False) as file:
        file.write(b"left behind")
    subprocess.run("setsid sleep 600 & disown", shell=True, executable="/bin/bash", start_new_session=True)
    return file.name
`,
    },
    { environment },
  )
  const name = String(bodyOf(await invoke(fn)))
  assert.ok(name.startsWith(directory), name)
  await until(async () => (await processesWith(environment.MARK)).length === 2)
  await functions.close()
  assert.deepEqual(await processesWith(environment.MARK), [])
  assert.deepEqual(readdirSync(directory), [])
})

test('payloads of 6 MiB go in and come out, larger answers are refused by name', async (t) => {
  const { invoke, functions } = await startFunctions(t)
  const echo: readonly (readonly [string, string, string])[] = [
    [NODE, 'index.js', 'exports.handler = async (event) => event.text.repeat(event.times)'],
    [PYTHON, 'index.py', 'def handler(event, context): return event["text"] * event["times"]'],
  ]
  for (const [runtime, file, text] of echo) {
    const fn = functionOf(t, runtime, { [file]: text })
    const text6 = 'x'.repeat(6 * 1_048_576 - 30)
    const result = await invoke(fn, { text: text6, times: 1 })
    assert.equal(result.functionError, undefined)
    assert.equal(result.payload.length, text6.length + 2)
    const refused = await invoke(fn, { text: text6, times: 2 })
    assert.deepEqual(bodyOf(refused), {
      errorType: 'Function.ResponseSizeTooLarge',
      errorMessage: 'Response payload size exceeded maximum allowed payload size (6291556 bytes).',
    })
    assert.equal(bodyOf(await invoke(fn, { text: 'still ', times: 2 })), 'still still ')
  }
  const tooLarge = { payload: Buffer.alloc(6 * 1_048_576 + 1, ' ') }
  const fn = functionOf(t, NODE, {})
  await assert.rejects(invoke(fn, {}, tooLarge), { name: 'FunctionsError', code: 'RequestTooLarge' })
  assert.ok('interpreter' in functions.available(PROVIDED))
})

test('values are taken out of the log, across writes and in both streams', async (t) => {
  const { invoke } = await startFunctions(t)
  const fn = functionOf(t, PYTHON, {
    'index.py': `
import base64, json, logging, os, sys, urllib.parse
logging.getLogger().setLevel("INFO")
def handler(event, context):
    value = event["value"]
    print("raw", value)
    for text in [value, urllib.parse.quote(value, safe=""), base64.b64encode(value.encode()).decode(), json.dumps(value)]:
        print("form", text)
        logging.info("logged %s", text)
    for byte in value.encode():
        os.write(2, bytes([byte]))
    os.write(2, b" bytes\\n")
    raise ValueError(value)
`,
  })
  const value = 'hunter "2"/ü'
  const { log, logTail } = await invoke(fn, { value }, { redact: [value] })
  const text = log.toString()
  for (const piece of ['hunter', 'aHVudGVy', '%222', '\\u00fc']) assert.ok(!text.includes(piece), piece)
  assert.match(text, /raw \*\*\*\n/)
  assert.match(text, /\*\*\* bytes\n/)
  assert.match(text, /\[ERROR\] ValueError: \*\*\*\n/)
  assert.deepEqual(logTail, log.subarray(-4096))
})

test('the tail is the last 4 KiB', async (t) => {
  const { invoke } = await startFunctions(t)
  const fn = functionOf(t, NODE, {
    'index.js':
      'exports.handler = async () => { for (let i = 0; i < 3000; i++) process.stdout.write(String(i).padStart(9) + "\\n") }',
  })
  const { log, logTail } = await invoke(fn)
  assert.equal(logTail.length, 4096)
  assert.match(logTail.toString(), / {5}2999\nEND RequestId: .*\nREPORT .*\t\n$/)
  assert.ok(log.length > 30_000)
})

test('the environment is what Lambda documents, the function’s own, and nothing of the server’s', async (t) => {
  process.env.STRONGROOM_TEST_LEAK = 'leaked'
  t.after(() => {
    delete process.env.STRONGROOM_TEST_LEAK
  })
  const { invoke } = await startFunctions(t)
  const fn = functionOf(
    t,
    NODE,
    { 'index.js': 'exports.handler = async () => process.env' },
    {
      environment: { TABLE: 'x', LANG: 'C', AWS_REGION: 'us-east-1', AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://other' },
    },
  )
  const environment = bodyOf(await invoke(fn)) as Record<string, string>
  assert.deepEqual(Object.keys(environment).sort(), [
    'AWS_CONTAINER_AUTHORIZATION_TOKEN',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    'AWS_DEFAULT_REGION',
    'AWS_ENDPOINT_URL',
    'AWS_ENDPOINT_URL_SECRETS_MANAGER',
    'AWS_EXECUTION_ENV',
    'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
    'AWS_LAMBDA_FUNCTION_NAME',
    'AWS_LAMBDA_FUNCTION_VERSION',
    'AWS_LAMBDA_INITIALIZATION_TYPE',
    'AWS_LAMBDA_LOG_GROUP_NAME',
    'AWS_LAMBDA_LOG_STREAM_NAME',
    'AWS_LAMBDA_RUNTIME_API',
    'AWS_REGION',
    'HOME',
    'LAMBDA_RUNTIME_DIR',
    'LAMBDA_TASK_ROOT',
    'LANG',
    'LD_LIBRARY_PATH',
    'PATH',
    'PYTHONPATH',
    'SECRETS_MANAGER_ENDPOINT',
    'TABLE',
    'TMPDIR',
    'TZ',
    '_HANDLER',
    '_X_AMZN_TRACE_ID',
  ])
  // Its own variables win over defaults, never over what is reserved.
  assert.equal(environment.LANG, 'C')
  assert.equal(environment.AWS_ENDPOINT_URL_SECRETS_MANAGER, 'http://other')
  assert.equal(environment.AWS_REGION, 'eu-central-1')
  assert.equal(environment.AWS_EXECUTION_ENV, 'AWS_Lambda_nodejs24.x')
})

test('a bootstrap of the function’s own is run, and told of when there is none', async (t) => {
  const { invoke } = await startFunctions(t)
  const bootstrap = `#!/bin/bash
set -euo pipefail
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
count=0
while true; do
  headers="$(mktemp)"
  event=$(curl -sS -D "$headers" "$api/invocation/next")
  id=$(grep -Fi lambda-runtime-aws-request-id "$headers" | tr -d '[:space:]' | cut -d: -f2)
  count=$((count + 1))
  echo "event $event of $_HANDLER" >&2
  curl -sS -X POST "$api/invocation/$id/response" -d "{\\"count\\":$count,\\"event\\":$event}" > /dev/null
done
`
  const fn = functionOf(t, PROVIDED, { bootstrap }, { handler: 'any.thing' })
  const instanceKey = 'the same'
  assert.deepEqual(bodyOf(await invoke(fn, { a: 1 }, { instanceKey })), { count: 1, event: { a: 1 } })
  const second = await invoke(fn, { a: 2 }, { instanceKey })
  assert.deepEqual(bodyOf(second), { count: 2, event: { a: 2 } })
  assert.match(second.log.toString(), /event \{"a":2\} of any\.thing\n/)

  for (const [files, reason] of [
    [{}, "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]"],
    [{ bootstrap: '#!/no/such/shell\n' }, 'fork/exec /var/task/bootstrap: no such file or directory'],
  ] as const) {
    const result = await invoke(functionOf(t, PROVIDED, files))
    assert.deepEqual(bodyOf(result), {
      errorType: 'Runtime.InvalidEntrypoint',
      errorMessage: `RequestId: ${result.requestId} Error: ${reason}`,
    })
  }
})

test('a bootstrap that gives garbage fails its own invocation and nothing else', async (t) => {
  const { invoke } = await startFunctions(t)
  const bootstrap = (does: string) => `#!/bin/bash
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while true; do
  id=$(curl -sS -D - -o /dev/null "$api/invocation/next" | grep -Fi aws-request-id | tr -d '[:space:]' | cut -d: -f2)
  ${does}
done
`
  const wrongId = functionOf(
    t,
    PROVIDED,
    { bootstrap: bootstrap('curl -sS -X POST "$api/invocation/other/response" -d 1; sleep 60') },
    { timeoutSeconds: 1 },
  )
  const answered = await invoke(wrongId)
  assert.equal(answered.errorType, 'Sandbox.Timedout')
  assert.match(answered.log.toString(), /"errorType":"InvalidRequestID"/)
  const notHttp = functionOf(
    t,
    PROVIDED,
    {
      bootstrap: bootstrap(
        'exec 3<>"/dev/tcp/$(tr : / <<<$AWS_LAMBDA_RUNTIME_API)"; echo nonsense >&3; cat <&3; exit 9',
      ),
    },
    { timeoutSeconds: 5 },
  )
  assert.match((await invoke(notHttp)).payload.toString(), /exit status 9/)
  const error = functionOf(t, PROVIDED, {
    bootstrap: bootstrap(
      'curl -sS -X POST "$api/invocation/$id/error" -H "Lambda-Runtime-Function-Error-Type: Function.Odd" -d "<xml/>"',
    ),
  })
  const instanceKey = 'the same'
  const odd = await invoke(error, {}, { instanceKey })
  assert.equal(odd.errorType, 'Function.Odd')
  assert.equal(odd.payload.toString(), '<xml/>')
  assert.equal((await invoke(error, {}, { instanceKey })).timings.initMs, undefined)
})

test('only processes of the instance are served by its runtime API', onLinux, async (t) => {
  const { invoke, warnings } = await startFunctions(t)
  const gate = createServer()
  await new Promise<void>((resolve) => gate.listen(0, '127.0.0.1', resolve))
  t.after(() => gate.close())
  const told = new Promise<{ api: string; token: string; url: string }>((resolve) => {
    gate.on('connection', (socket) => socket.on('data', (text) => resolve(JSON.parse(text.toString()))))
  })
  const fn = functionOf(t, NODE, {
    'index.js': `const net = require('node:net'), { execFileSync } = require('node:child_process')
      const { env } = process
      exports.handler = async (event) => {
        const facts = { api: env.AWS_LAMBDA_RUNTIME_API, token: env.AWS_CONTAINER_AUTHORIZATION_TOKEN, url: env.AWS_CONTAINER_CREDENTIALS_FULL_URI }
        net.connect(event.port, '127.0.0.1').end(JSON.stringify(facts))
        await new Promise((resolve) => setTimeout(resolve, 1_500))
        return JSON.parse(execFileSync('curl', ['-sS', '-H', 'Authorization: ' + facts.token, facts.url]).toString())
      }`,
  })
  const invocation = invoke(fn, { port: (gate.address() as { port: number }).port })
  const { api, token, url } = await told
  // This process has read the token, and still is not the instance.
  const credentials = await fetch(url, { headers: { Authorization: token } })
  assert.equal(credentials.status, 403)
  assert.doesNotMatch(await credentials.text(), /ASIA/)
  const forged = await fetch(`http://${api}/2018-06-01/runtime/invocation/x/response`, {
    method: 'POST',
    body: '"forged"',
  })
  assert.equal(forged.status, 403)
  assert.equal((bodyOf(await invocation) as { AccessKeyId: string }).AccessKeyId, CREDENTIALS.accessKeyId)
  assert.ok(
    warnings.every((warning) => warning === 'a process that is not of the instance connected to its runtime API'),
  )
  assert.ok(warnings.length > 0)
})

test('an abort ends the instance', onLinux, async (t) => {
  const { invoke } = await startFunctions(t)
  const { environment } = marked(t)
  const files = { 'index.js': 'exports.handler = () => new Promise((resolve) => setTimeout(resolve, 60_000))' }
  const fn = functionOf(t, NODE, files, { environment })
  const abort = new AbortController()
  const invocation = invoke(fn, {}, { signal: abort.signal })
  await until(async () => (await processesWith(environment.MARK)).length > 0)
  abort.abort(new Error('no longer wanted'))
  await assert.rejects(invocation, /no longer wanted/)
  assert.deepEqual(await processesWith(environment.MARK), [])
})
