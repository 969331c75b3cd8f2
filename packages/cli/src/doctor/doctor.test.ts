// The doctor on a real server process, and on every setting that keeps the tools from it. Old versions of the tools are programs that say
// what the old tools say; a server with a wrong clock and a page that is no server are small ones of this file.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { readCredentials } from '../credentials.ts'
import { assertRefused, run, type ServerProcess, serve, temporaryDirectory } from '../testing.ts'
import { diagnose } from './doctor.ts'
import { type Finding, formatFinding } from './finding.ts'
import { toolVersion } from './tools.ts'

/** A directory for the PATH with an `aws` and a `python3` that say these versions. */
function tools(t: TestContext, aws = 'aws-cli/2.13.0 Python/3.11', boto3 = 'boto3/1.28.0'): string {
  const directory = temporaryDirectory(t)
  for (const [name, says] of Object.entries({ aws, python3: boto3 })) {
    writeFileSync(join(directory, name), `#!/bin/sh\necho '${says}'\n`, { mode: 0o700 })
  }
  return directory
}

/** A shell in which all is well. */
const shellFor = (t: TestContext, { url, dataDir }: Pick<ServerProcess, 'url' | 'dataDir'>) => ({
  PATH: tools(t),
  HOME: temporaryDirectory(t),
  AWS_ENDPOINT_URL: url,
  AWS_SHARED_CREDENTIALS_FILE: join(dataDir, 'credentials'),
  AWS_REGION: 'us-east-1',
  AWS_DEFAULT_REGION: 'us-east-1',
  PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: '1',
})

/** But for the sandbox, which not every machine can have. */
const bad = (findings: readonly Finding[]) =>
  findings
    .filter(({ status, check }) => status !== 'ok' && check !== 'sandbox')
    .map(({ check, status }) => `${status} ${check}`)

const at = (findings: readonly Finding[], check: string): string => {
  const found = findings.filter((finding) => finding.check === check)
  assert.equal(found.length, 1, `${check}: ${JSON.stringify(findings)}`)
  return formatFinding(found[0]!)
}

test('the settings of the ready line are well: every line is ok, the caller is named, and the exit code is 0', async (t) => {
  const server = await serve(t)
  const shell = shellFor(t, server)
  const { code, stdout, stderr } = await run(['doctor', '--data-dir', server.dataDir], shell)
  assert.equal(stderr, '')
  const lines = stdout.split('\n').slice(0, -1)
  // Not every machine can confine functions.
  assert.match(lines.at(-1)!, /^ok {4}functions run in a sandbox of level (A|B)|^warn {2}functions .*→ /)
  for (const line of lines.slice(0, -1)) assert.match(line, /^ok {4}[^→]+$/)
  assert.equal(lines.length, 15)
  assert.match(stdout, /^ok {4}AWS CLI 2\.13\.0 knows AWS_ENDPOINT_URL$/m)
  assert.match(stdout, /^ok {4}boto3 1\.28\.0 knows AWS_ENDPOINT_URL$/m)
  assert.match(stdout, /^ok {4}you are arn:aws:iam::\d{12}:user\/administrator$/m)
  assert.match(stdout, /^ok {4}the server and this command are version \d+\.\d+\.\d+$/m)
  assert.equal(code, 0)

  const json = await run(['doctor', '--json', '--endpoint-url', server.url, '--data-dir', server.dataDir], shell)
  const findings = JSON.parse(json.stdout) as readonly Finding[]
  assert.deepEqual(bad(findings), [])
  const { secretAccessKey } = readCredentials(join(server.dataDir, 'credentials'), 'default')
  assert.ok(!`${stdout}${json.stdout}`.includes(secretAccessKey))

  await t.test('keys in variables work, and keys that are not right are told apart without being shown', async () => {
    const { AWS_SHARED_CREDENTIALS_FILE: _, ...rest } = shell
    const { accessKeyId } = readCredentials(join(server.dataDir, 'credentials'), 'default')
    const withKeys = (id: string, key: string, more = {}) =>
      diagnose({ dataDir: server.dataDir }, { ...rest, AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: key, ...more })
    assert.deepEqual(bad(await withKeys(accessKeyId, secretAccessKey)), [])
    const wrong = await withKeys(accessKeyId, 'hunter2'.repeat(6))
    assert.match(
      at(wrong, 'caller'),
      /^fail {2}.*\(SignatureDoesNotMatch\) {2}→ use the secret access key that belongs/,
    )
    const unknown = await withKeys('AKIAAAAAAAAAAAAAAAAA', 'hunter2'.repeat(6))
    assert.match(at(unknown, 'caller'), /^fail {2}.*\(InvalidClientTokenId\) {2}→ use a key of this server/)
    const unsendable = await withKeys(accessKeyId, secretAccessKey, { AWS_SESSION_TOKEN: 'hunter2\nhunter2' })
    assert.match(at(unsendable, 'caller'), /^fail {2}a signed request cannot be sent \(\w+\)/)
    for (const findings of [wrong, unknown, unsendable]) assert.ok(!JSON.stringify(findings).includes('hunter2'))
  })

  await t.test('settings of the profile in the AWS config file count', async () => {
    const { AWS_ENDPOINT_URL, AWS_REGION: _, AWS_DEFAULT_REGION: __, ...rest } = shell
    mkdirSync(join(rest.HOME, '.aws'))
    const content = `[profile other]\nregion = eu-west-1\n[default]\nregion = eu-central-1\nendpoint_url=${AWS_ENDPOINT_URL}\n`
    writeFileSync(join(rest.HOME, '.aws', 'config'), content)
    const findings = await diagnose({ dataDir: server.dataDir }, rest)
    assert.deepEqual(bad(findings), [])
    assert.match(at(findings, 'region'), /eu-central-1/)
    const split = await diagnose({ dataDir: server.dataDir }, { ...rest, AWS_REGION: 'us-west-2' })
    assert.match(at(split, 'region'), /^warn {2}boto3 uses eu-central-1 and other SDKs use us-west-2/)
  })

  await t.test('modes that let other users read are told with the chmod that mends them', async () => {
    chmodSync(server.dataDir, 0o755)
    for (const name of ['root.key', 'credentials']) chmodSync(join(server.dataDir, name), 0o644)
    const findings = await diagnose({ dataDir: server.dataDir }, shell)
    assert.deepEqual(bad(findings), ['warn credentials', 'warn data-directory', 'fail root-key'])
    assert.match(at(findings, 'root-key'), /\(mode 0644\) {2}→ chmod 600 \S+\/root\.key$/)
  })
})

test('a shell without settings fails where the tools would, says what to export, and the exit code is 1', async (t) => {
  const dataDir = temporaryDirectory(t)
  writeFileSync(join(dataDir, 'credentials'), '[default]\n', { mode: 0o600 })
  const old = tools(t, 'aws-cli/2.12.7 Python/3.11', 'boto3/1.27.99')
  const shell = { PATH: old, HOME: temporaryDirectory(t), PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: '1' }
  const closed = `http://127.0.0.1:${await freePort()}`
  const { code, stdout } = await run(['doctor', '--data-dir', dataDir, '--endpoint-url', closed], shell)
  assert.equal(code, 1)
  const expected = [
    /^warn {2}AWS CLI 2\.12\.7 ignores AWS_ENDPOINT_URL .*→ update it to 2\.13 or later/,
    /^warn {2}boto3 1\.27\.99 ignores AWS_ENDPOINT_URL .*→ update it to 1\.28 or later/,
    /^ok {4}--endpoint-url is http:/,
    new RegExp(`^warn {2}AWS_ENDPOINT_URL is not set: .* would go to AWS {2}→ export AWS_ENDPOINT_URL=${closed}$`),
    /^ok {4}nothing tells the tools to ignore the endpoint$/,
    /^fail {2}no region is set, .*→ export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1$/,
    /^fail {2}no credentials in the environment, .*→ export AWS_SHARED_CREDENTIALS_FILE=\S+\/credentials$/,
    /^fail {2}no server answers at http:\S+ \(ECONNREFUSED\) {2}→ start the server/,
    /^warn {2}clock not checked/,
    /^warn {2}caller not checked/,
    /^ok {4}\S+ is private$/,
  ]
  const lines = stdout.split('\n').slice(0, -1)
  assert.equal(lines.length, expected.length, stdout)
  for (const [i, line] of lines.entries()) assert.match(line, expected[i]!)
})

test('an endpoint that no tool could use is refused without being repeated, and no server is asked', async (t) => {
  const url = 'http://127.0.0.1:1'
  const shell = shellFor(t, { url, dataDir: temporaryDirectory(t) })
  const refused = {
    'http://admin:hunter2@127.0.0.1:4650': 'holds a user name or a password',
    'https://secretsmanager.us-east-1.amazonaws.com': 'is the address of AWS itself',
    'http://127.0.0.1:4650/hunter2': 'has something after the port',
    '127.0.0.1:4650': 'is not an address',
    'ftp://hunter2': 'is not an address',
  }
  for (const [text, fault] of Object.entries(refused)) {
    for (const name of ['AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_SECRETS_MANAGER']) {
      const findings = await diagnose({ dataDir: '/nowhere' }, { ...shell, AWS_ENDPOINT_URL: '', [name]: text })
      assert.ok(
        findings.some(({ what }) => what === `${name} ${fault}`),
        JSON.stringify(findings),
      )
      assert.match(at(findings, 'server'), /^warn {2}server not checked, since the endpoint cannot be used/)
      assert.ok(!JSON.stringify(findings).includes('hunter2'))
    }
  }
  const differing = { ...shell, AWS_ENDPOINT_URL_SECRETS_MANAGER: 'http://127.0.0.1:2' }
  assert.match(
    at(await diagnose({ dataDir: '/nowhere' }, differing), 'endpoint-differs'),
    /^warn .*some calls go elsewhere/,
  )
  const plain = await diagnose({ dataDir: '/nowhere', endpointUrl: 'http://192.0.2.1:1' }, { ...shell, PATH: '' })
  assert.ok(plain.some(({ what }) => what.endsWith('secrets cross the network in the clear')))
})

test('settings that make the tools ignore the endpoint, their keys or each other are told', async (t) => {
  const url = `http://127.0.0.1:${await freePort()}`
  const shell = shellFor(t, { url, dataDir: temporaryDirectory(t) })
  const table: readonly (readonly [object, string, RegExp])[] = [
    [{ AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'True' }, 'endpoint-ignored', /^fail .*→ unset AWS_IGNORE_CONF/],
    [{ AWS_IGNORE_CONFIGURED_ENDPOINT_URLS: 'yes' }, 'endpoint-ignored', /^warn .*neither true nor false/],
    [{ AWS_REGION: '' }, 'region', /^warn .*→ export AWS_REGION=us-east-1$/],
    [{ AWS_DEFAULT_REGION: '' }, 'region', /^warn .*→ export AWS_DEFAULT_REGION=us-east-1$/],
    [{ AWS_REGION: 'Frankfurt' }, 'region', /^fail .*does not look like one/],
    [{ AWS_ACCESS_KEY_ID: 'AKIAAAAAAAAAAAAAAAAA' }, 'credentials', /^fail .*only one is set/],
    [{ AWS_PROFILE: 'other' }, 'credentials', /^fail .*→ set AWS_PROFILE to a profile that has keys/],
    [{ AWS_WEB_IDENTITY_TOKEN_FILE: '/x' }, 'credentials', /^warn .*come from AWS_WEB_IDENTITY_TOKEN_FILE/],
    [{ PATH: temporaryDirectory(t) }, 'aws-cli', /^warn {2}the AWS CLI is not on the PATH/],
    [{ PATH: temporaryDirectory(t) }, 'boto3', /^ok .*nothing to check/],
    [
      { PATH: tools(t, 'aws-cli/1.28.9', 'boto3/2.0.0') },
      'aws-cli',
      /^warn {2}AWS CLI 1\.28\.9 ignores .*→ update it to 1\.29/,
    ],
    [{ PATH: tools(t, 'aws-cli/1.29.0') }, 'aws-cli', /^ok {4}AWS CLI 1\.29\.0 knows/],
    [{ PATH: tools(t, 'aws-cli/3.0.0') }, 'aws-cli', /^ok {4}AWS CLI 3\.0\.0 knows/],
    [{ PATH: tools(t, 'aws-cli/2.99999999.0') }, 'aws-cli', /^warn {2}the AWS CLI does not tell its version/],
  ]
  for (const [change, check, line] of table) {
    assert.match(at(await diagnose({ dataDir: '/nowhere' }, { ...shell, ...change }), check), line)
  }
})

test('a program that does not end, or says too much, is ended within its time limit', async (t) => {
  const directory = temporaryDirectory(t)
  writeFileSync(join(directory, 'hangs'), '#!/bin/sh\nexec sleep 30\n', { mode: 0o700 })
  writeFileSync(join(directory, 'floods'), '#!/bin/sh\nexec yes\n', { mode: 0o700 })
  const started = performance.now()
  for (const name of ['hangs', 'floods']) {
    assert.equal(await toolVersion(join(directory, name), [], 'aws-cli/', { PATH: '/usr/bin:/bin' }, 300), 'unknown')
  }
  assert.ok(performance.now() - started < 25_000)
})

test('a clock that is off by more than 4 minutes fails, and by more than 1 warns', async (t) => {
  const cases = [
    [-250, /^fail {2}the clock here is 2(?:49|50|51) s ahead of the server's {2}→ let NTP/],
    [250, /^fail {2}the clock here is 2(?:49|50|51) s behind the server's/],
    [120, /^warn {2}the clock here is 1(?:19|20|21) s behind/],
    [20, /^ok {4}the clocks agree within 2[012] s$/],
  ] as const
  for (const [seconds, line] of cases) {
    const url = await listen(t, (_, response) => {
      response.setHeader('date', new Date(Date.now() + seconds * 1000).toUTCString())
      response.end('{"ok":true,"problems":[],"warnings":[]}')
    })
    const findings = await diagnose({ dataDir: '/nowhere' }, shellFor(t, { url, dataDir: temporaryDirectory(t) }))
    assert.match(at(findings, 'clock'), line)
  }
})

test('what is not a Strongroom server gets no signed request, and one that is not well says why', async (t) => {
  const asked: string[] = []
  const answers: { body: string; status: number } = { body: 'x'.repeat(1_000_000), status: 200 }
  const url = await listen(t, (request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.authorization}`)
    response.writeHead(answers.status).end(answers.body)
  })
  const dataDir = temporaryDirectory(t)
  writeFileSync(join(dataDir, 'credentials'), '[default]\naws_access_key_id = A\naws_secret_access_key = B\n', {
    mode: 0o600,
  })
  const shell = shellFor(t, { url, dataDir })
  assert.match(at(await diagnose({ dataDir }, shell), 'server'), /^fail .* with status 200 is not a Strongroom server/)
  Object.assign(answers, {
    body: '{"ok":false,"problems":["the database\\ncannot be read"],"warnings":[]}',
    status: 503,
  })
  const unwell = await diagnose({ dataDir }, shell)
  assert.match(at(unwell, 'server'), /^fail .* is not well: the database\?cannot be read {2}→ /)
  assert.match(at(unwell, 'caller'), /^warn {2}caller not checked/)
  assert.deepEqual(asked, Array(2).fill('GET /_strongroom/health undefined'))
})

test('of a certificate of an own authority, each family of tools is told the variable that it reads', async (t) => {
  const directory = temporaryDirectory(t)
  const [cert, key] = [join(directory, 'cert.pem'), join(directory, 'key.pem')]
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '90']
  const subject = ['-subj', '/CN=strongroom', '-addext', 'subjectAltName=IP:127.0.0.1']
  execFileSync('openssl', [...request, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  const options = ['--tls-cert', cert, '--tls-key', key, '--function-sandbox', 'off']
  const server = await serve(t, temporaryDirectory(t), options)
  const shell = shellFor(t, server)
  const doctor = async (variables: object) => {
    const { code, stdout } = await run(['doctor', '--json', '--data-dir', server.dataDir], { ...shell, ...variables })
    return { code, findings: JSON.parse(stdout) as readonly Finding[] }
  }
  const none = await doctor({})
  assert.equal(none.code, 1)
  assert.match(at(none.findings, 'certificate-node'), /^fail .*CERT.*→ export NODE_EXTRA_CA_CERTS=FILE/)
  assert.match(at(none.findings, 'certificate-python'), /^fail .*CERT.*→ export AWS_CA_BUNDLE=FILE/)
  assert.match(at(none.findings, 'server'), /^fail .*→ mend the certificate first$/)
  assert.equal(at(none.findings, 'sandbox'), 'ok    functions are switched off')

  const python = await doctor({ AWS_CA_BUNDLE: cert })
  assert.deepEqual(bad(python.findings), ['warn certificate-node'])
  assert.match(at(python.findings, 'caller'), /:user\/administrator$/)
  const node = await doctor({ NODE_EXTRA_CA_CERTS: cert })
  assert.deepEqual(bad(node.findings), ['warn certificate-python'])
  assert.deepEqual(bad((await doctor({ NODE_EXTRA_CA_CERTS: cert, AWS_CA_BUNDLE: cert })).findings), [])
  const missing = await doctor({ NODE_EXTRA_CA_CERTS: cert, AWS_CA_BUNDLE: join(directory, 'absent') })
  assert.match(at(missing.findings, 'certificate-python'), /absent cannot be read: ENOENT/)
  const keyOnly = await doctor({ NODE_EXTRA_CA_CERTS: cert, AWS_CA_BUNDLE: key })
  assert.match(at(keyOnly.findings, 'certificate-python'), /holds no certificate/)
  assert.match(
    at(keyOnly.findings, 'certificate-expiry'),
    /^ok {4}the certificate of the server ends on \d{4}-\d\d-\d\d$/,
  )
  assert.ok(!JSON.stringify(keyOnly.findings).includes(readFileSync(key, 'utf8').split('\n')[1]!))
  rmSync(key)
})

async function listen(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as { readonly port: number }).port}`
}

/** A port that nothing listens on. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as { readonly port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

test('an agent is told where one answers, and what answers in its place', async (t) => {
  const answer = { status: 200 }
  const url = await listen(t, (request, response) => {
    response.writeHead(request.url === '/ping' ? answer.status : 404).end('healthy')
  })
  const shell = { ...shellFor(t, { url: 'http://127.0.0.1:1', dataDir: temporaryDirectory(t) }) }
  const diagnosed = (port: string) =>
    diagnose({ dataDir: '/nowhere' }, { ...shell, PARAMETERS_SECRETS_EXTENSION_HTTP_PORT: port })
  const { port } = new URL(url)
  assert.match(at(await diagnosed(port), 'agent'), /^ok {4}an agent answers on 127\.0\.0\.1:\d+$/)
  answer.status = 503
  assert.match(at(await diagnosed(port), 'agent'), /^warn {2}what answers on \S+ with status 503 is no agent/)
  assert.match(at(await diagnosed('x'), 'agent'), /^warn {2}PARAMETERS_SECRETS_EXTENSION_HTTP_PORT is no port/)
  assert.ok((await diagnosed('1')).every(({ check }) => check !== 'agent'))
})

test('a data directory that is none is a finding, and one line for every command that needs it', async (t) => {
  const directory = temporaryDirectory(t)
  const [file, loop] = [join(directory, 'file'), join(directory, 'loop')]
  writeFileSync(file, '')
  symlinkSync(loop, loop)
  const findings = await diagnose(
    { dataDir: file, dataDirNamed: true },
    shellFor(t, { url: 'http://127.0.0.1:1', dataDir: file }),
  )
  assert.match(at(findings, 'data-directory'), /^fail {2}\S+\/file is no directory {2}→ name the data directory/)
  for (const dataDir of [file, loop, join(file, 'below')]) {
    const { code, stdout, stderr } = await run(['doctor', '--data-dir', dataDir], { HOME: directory })
    assert.deepEqual([code, stderr], [1, ''])
    assert.match(stdout, /^(?:fail|warn) {2}\S+\/(?:file|loop|below) is (?:no directory|not on this machine) {2}→/m)
    for (const command of [['health'], ['backup', join(directory, 'b')], ['root-key', 'status']]) {
      assertRefused(await run([...command, '--data-dir', dataDir]), /^strongroom: no server runs on \S+: start it/)
    }
  }
})

test('what holds back or ends a request of a check is a finding, and the other checks go on', async (t) => {
  const url = await listen(t, (request, response) => {
    if (request.url === '/_strongroom/health') return response.end('{"ok":true,"problems":[]}')
    if (request.headers.authorization?.includes('/sts/')) return response.end('<Arn>arn:aws:iam::1:user/x;y</Arn>')
    if (request.headers.accept === 'text/event-stream') return // as a proxy that waits for the end of it
    request.socket.destroy()
  })
  const dataDir = temporaryDirectory(t)
  const keys = { AWS_ACCESS_KEY_ID: 'A', AWS_SECRET_ACCESS_KEY: 'B' }
  const findings = await diagnose({ dataDir, secret: 'app/db' }, { ...shellFor(t, { url, dataDir }), ...keys })
  assert.match(at(findings, 'list'), /^warn {2}list not checked, since no answer came \(\w/)
  assert.match(at(findings, 'events'), /^warn {2}events not checked, since no answer came \(ETIMEDOUT\)/)
  assert.match(at(findings, 'read'), /^fail {2}read not checked, since no answer came \(\w/)
})
