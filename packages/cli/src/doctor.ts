// `strongroom doctor`: why the AWS tools of this shell would not reach the server. Every check is one finding: what was seen and, where it
// is not well, the mend. It changes nothing and never shows a secret: no key, no token, no text of a variable that could hold a password.

import { execFile } from 'node:child_process'
import { existsSync, readFileSync, statSync } from 'node:fs'
import { isIP } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'
import * as tls from 'node:tls'
import { isRegion } from '@strongroom/server/auth/region.ts'
import { signedHeaders } from '@strongroom/server/auth/sign.ts'
import { type Environment, isLoopback, loadClientSettings } from '@strongroom/server/config.ts'
import { type Credentials, credentialsPath, findCredentials } from '@strongroom/server/credentials-file.ts'

/** `check` names the check and stays the same from version to version; `mend` is absent where all is well. */
export type Finding = {
  readonly check: string
  readonly status: 'ok' | 'warn' | 'fail'
  readonly what: string
  readonly mend?: string
}

export type Question = {
  /** What the user gives to the tools as `--endpoint-url`. Absent: what the tools would find by themselves. */
  readonly endpointUrl?: string | undefined
  readonly dataDir: string
  /** The data directory was named, and is not merely the default. */
  readonly dataDirNamed?: boolean
}

const DEFAULT_ENDPOINT = 'http://127.0.0.1:4650'
const FILE_BYTES_MAX = 1_048_576
const ANSWER_BYTES_MAX = 65_536
const ANSWER_TIMEOUT_MS = 5_000
const TOOL_TIMEOUT_MS = 10_000
const TOOL_OUTPUT_BYTES_MAX = 4_096
const LINE_LENGTH_MAX = 400
/** A server accepts 5 minutes by default, and a request takes time too. */
const SKEW_FAIL_MS = 240_000
const SKEW_WARN_MS = 60_000

/** Every check, in the order in which a user would mend them. Each is bounded; all together take at most about 30 seconds. */
export async function diagnose(
  { endpointUrl, dataDir, dataDirNamed = false }: Question,
  environment: Environment = process.env,
): Promise<readonly Finding[]> {
  const tools = [createReport(), createReport()] as const
  const running = Promise.all([checkAwsCli(tools[0], environment), checkBoto3(tools[1], environment)])
  const report = createReport()
  const shell: Shell = {
    ...loadClientSettings(environment),
    variable: (name) => environment[name] || undefined,
    config: readAwsConfig(report, environment),
    home: environment.HOME || homedir(),
    dataDir,
  }
  const url = checkEndpoint(report, shell, endpointUrl)
  const region = checkRegion(report, shell)
  const credentials = checkCredentials(report, shell)
  if (url?.protocol === 'https:') await checkCertificate(report, shell, url)
  await checkServer(report, url, region, credentials)
  checkDataDirectory(report, dataDir, dataDirNamed)
  await running
  return [...tools[0].findings, ...tools[1].findings, ...report.findings]
}

/** `warn  what  → the mend`, on one line. */
export const formatFinding = ({ status, what, mend }: Finding): string =>
  `${status.padEnd(4)}  ${what}${mend === undefined ? '' : `  → ${mend}`}`

type Report = ReturnType<typeof createReport>

function createReport() {
  const findings: Finding[] = []
  const bad = (status: 'warn' | 'fail') => (check: string, what: string, mend: string) => {
    findings.push({ check, status, what: printable(what), mend: printable(mend) })
  }
  const ok = (check: string, what: string) => {
    findings.push({ check, status: 'ok', what: printable(what) })
  }
  return { findings, ok, warn: bad('warn'), fail: bad('fail') }
}

/** What the tools would read. Empty variables are absent. */
type Shell = ReturnType<typeof loadClientSettings> & {
  readonly variable: (name: string) => string | undefined
  /** A setting of the profile in AWS's shared config file. */
  readonly config: (name: string) => string | undefined
  readonly home: string
  readonly dataDir: string
}

type ToolVersion = readonly [major: number, minor: number, patch: number] | 'unknown' | 'missing'

/** The version is what follows `prefix`, with which the output begins. Reads little of it, and ends the program after `timeoutMs`. */
export function toolVersion(
  command: string,
  args: readonly string[],
  prefix: string,
  environment: Environment,
  timeoutMs = TOOL_TIMEOUT_MS,
): Promise<ToolVersion> {
  const limits = { timeout: timeoutMs, maxBuffer: TOOL_OUTPUT_BYTES_MAX, killSignal: 'SIGKILL' } as const
  return new Promise((resolve) => {
    execFile(command, args, { ...limits, env: environment as NodeJS.ProcessEnv }, (error, stdout, stderr) => {
      // Under Python 2, the AWS CLI says its version on standard error.
      const output = (stdout || stderr).slice(0, 100)
      const rest = output.startsWith(prefix) ? output.slice(prefix.length) : ''
      const match = /^(\d{1,4})\.(\d{1,4})\.(\d{1,6})(?!\d)/.exec(rest)
      if (match) resolve([Number(match[1]), Number(match[2]), Number(match[3])])
      else resolve(error?.code === 'ENOENT' ? 'missing' : 'unknown')
    })
  })
}

/** https://aws.amazon.com/blogs/developer/new-improved-flexibility-when-configuring-endpoint-urls-with-the-aws-sdks-and-tools/ */
async function checkAwsCli({ ok, warn }: Report, environment: Environment): Promise<void> {
  const version = await toolVersion('aws', ['--version'], 'aws-cli/', environment)
  if (version === 'missing') {
    return warn('aws-cli', 'the AWS CLI is not on the PATH', 'install version 2.13 or later, if you want to use it')
  }
  if (version === 'unknown') {
    return warn('aws-cli', 'the AWS CLI does not tell its version', 'see what "aws --version" says')
  }
  const [major, minor] = version
  const first = major < 2 ? [1, 29] : [2, 13]
  if (major > first[0]! || (major === first[0] && minor >= first[1]!)) {
    return ok('aws-cli', `AWS CLI ${version.join('.')} knows AWS_ENDPOINT_URL`)
  }
  warn(
    'aws-cli',
    `AWS CLI ${version.join('.')} ignores AWS_ENDPOINT_URL and would talk to AWS`,
    `update it to ${first.join('.')} or later, or give every command --endpoint-url`,
  )
}

async function checkBoto3({ ok, warn }: Report, environment: Environment): Promise<void> {
  // A file boto3.py of the working directory is not run.
  const program = 'import sys; sys.path = [p for p in sys.path if p]; import boto3; print("boto3/" + boto3.__version__)'
  const version = await toolVersion('python3', ['-c', program], 'boto3/', environment)
  if (typeof version === 'string') return ok('boto3', 'the python3 on the PATH imports no boto3: nothing to check')
  const [major, minor] = version
  if (major > 1 || (major === 1 && minor >= 28)) {
    return ok('boto3', `boto3 ${version.join('.')} knows AWS_ENDPOINT_URL`)
  }
  warn(
    'boto3',
    `boto3 ${version.join('.')} ignores AWS_ENDPOINT_URL and would talk to AWS`,
    'update it to 1.28 or later, or give every client endpoint_url',
  )
}

/** https://docs.aws.amazon.com/sdkref/latest/guide/file-format.html. Indented lines and `services` sections are left out. */
function readAwsConfig({ warn }: Report, environment: Environment): Shell['config'] {
  const path = environment.AWS_CONFIG_FILE || join(environment.HOME || homedir(), '.aws', 'config')
  const profile = environment.AWS_PROFILE || 'default'
  const values = new Map<string, string>()
  try {
    let section = ''
    for (const line of readBounded(path).split('\n')) {
      if (line.startsWith('[')) section = line.slice(1, line.indexOf(']')).split(/\s+/).filter(Boolean).join(' ')
      const at = line.indexOf('=')
      if (at < 1 || /^[\s[#;]/.test(line) || section !== (profile === 'default' ? profile : `profile ${profile}`))
        continue
      values.set(line.slice(0, at).trim().toLowerCase(), line.slice(at + 1).trim())
    }
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') {
      warn('config-file', `${path} cannot be read (${codeOf(error)})`, 'make it a short file that you can read')
    }
  }
  return (name) => values.get(name) || undefined
}

/** Where the tools would send a request of Secrets Manager. Undefined where nothing could be sent there. */
function checkEndpoint(report: Report, shell: Shell, asked: string | undefined): URL | undefined {
  const { ok, warn, fail } = report
  const [one, all] = [shell.variable('AWS_ENDPOINT_URL_SECRETS_MANAGER'), shell.endpointUrl]
  const inFile = shell.config('endpoint_url')
  const given = asked === undefined ? undefined : judgeEndpoint(report, '--endpoint-url', asked)
  const own = one === undefined ? undefined : judgeEndpoint(report, 'AWS_ENDPOINT_URL_SECRETS_MANAGER', one)
  const shared =
    all !== undefined
      ? judgeEndpoint(report, 'AWS_ENDPOINT_URL', all)
      : inFile !== undefined
        ? judgeEndpoint(report, 'endpoint_url in the AWS config file', inFile)
        : undefined
  const hasShared = all !== undefined || inFile !== undefined
  const url = asked !== undefined ? given : one !== undefined ? own : hasShared ? shared : new URL(DEFAULT_ENDPOINT)
  const mend = `export AWS_ENDPOINT_URL=${(url ?? new URL(DEFAULT_ENDPOINT)).origin}`
  if (!hasShared) {
    const tools = one === undefined ? 'a tool' : 'STS, KMS and all but Secrets Manager'
    const what = `AWS_ENDPOINT_URL is not set: without --endpoint-url, ${tools} would go to AWS`
    if (asked === undefined && one === undefined) fail('endpoint', what, mend)
    else warn('endpoint', what, mend)
  } else if (url && [own, shared].some((other) => other && other.origin !== url.origin)) {
    const what = `not every setting names ${url.origin}: without --endpoint-url, some calls go elsewhere`
    warn('endpoint-differs', what, one === undefined ? mend : `unset AWS_ENDPOINT_URL_SECRETS_MANAGER; ${mend}`)
  }

  const name = 'AWS_IGNORE_CONFIGURED_ENDPOINT_URLS'
  const ignored = shell.variable(name) ?? shell.config('ignore_configured_endpoint_urls') ?? 'false'
  const way = shell.variable(name) ? `unset ${name}` : 'take ignore_configured_endpoint_urls out of the AWS config file'
  if (/^false$/i.test(ignored)) ok('endpoint-ignored', 'nothing tells the tools to ignore the endpoint')
  else if (!/^true$/i.test(ignored)) warn('endpoint-ignored', `${name} is neither true nor false`, way)
  else
    report[asked === undefined ? 'fail' : 'warn']('endpoint-ignored', 'the tools are told to ignore the endpoint', way)
  return url
}

/** Undefined where no tool could use it. The text is not repeated before it is known to hold no password. */
function judgeEndpoint({ ok, warn, fail }: Report, name: string, text: string): URL | undefined {
  const url = URL.parse(text)
  const fault =
    url === null || !/^https?:$/.test(url.protocol)
      ? 'is not an address'
      : url.username !== '' || url.password !== ''
        ? 'holds a user name or a password'
        : /(?:^|\.)(?:amazonaws\.com(?:\.cn)?|api\.aws)$/.test(url.hostname)
          ? 'is the address of AWS itself'
          : url.pathname !== '/' || url.search !== '' || url.hash !== ''
            ? 'has something after the port'
            : undefined
  if (url === null || fault !== undefined) {
    fail('endpoint', `${name} ${fault}`, `give http://HOST:PORT or https://HOST:PORT, such as ${DEFAULT_ENDPOINT}`)
    return undefined
  }
  if (url.protocol === 'https:' || isLoopback(hostOf(url))) ok('endpoint', `${name} is ${url.origin}`)
  else {
    const mend = 'give the server --tls-cert and --tls-key, and use its https address'
    warn('endpoint', `${name} is ${url.origin}: secrets cross the network in the clear`, mend)
  }
  return url
}

/** Python's tools read AWS_DEFAULT_REGION alone, most other SDKs AWS_REGION alone. @returns what to sign with. */
function checkRegion({ ok, warn, fail }: Report, shell: Shell): string {
  const python = shell.variable('AWS_DEFAULT_REGION') ?? shell.config('region')
  const others = shell.variable('AWS_REGION') ?? shell.config('region')
  const region = python ?? others
  if (region === undefined) {
    const mend = 'export AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1'
    fail('region', 'no region is set, and most tools do not work without one', mend)
  } else if ([python, others].some((name) => name !== undefined && !isRegion(name))) {
    fail(
      'region',
      'what is set as the region does not look like one',
      'set AWS_REGION and AWS_DEFAULT_REGION, to us-east-1',
    )
    return 'us-east-1'
  } else if (python === undefined) {
    warn('region', 'AWS_DEFAULT_REGION is not set, and boto3 reads no other', `export AWS_DEFAULT_REGION=${others}`)
  } else if (others === undefined) {
    warn('region', 'AWS_REGION is not set, and most SDKs but boto3 read no other', `export AWS_REGION=${python}`)
  } else if (python !== others) {
    const what = `boto3 uses ${python} and other SDKs use ${others}: each sees only the secrets of its own region`
    warn('region', what, `export AWS_REGION=${python}`)
  } else ok('region', `the region is ${python}`)
  return region ?? 'us-east-1'
}

/** What takes its keys from a program or a service; they are named and not asked. */
const INDIRECT = {
  variables: [
    'AWS_WEB_IDENTITY_TOKEN_FILE',
    'AWS_CONTAINER_CREDENTIALS_FULL_URI',
    'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI',
  ],
  settings: ['aws_access_key_id', 'credential_process', 'role_arn', 'sso_session', 'sso_start_url'],
} as const

/** The keys that the tools would sign with. */
function checkCredentials({ ok, warn, fail }: Report, shell: Shell): Credentials | undefined {
  const { accessKeyId, secretAccessKey, sessionToken, profile } = shell
  const check = 'credentials'
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    if (profile === undefined) ok(check, 'the credentials are in AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY')
    else warn(check, 'AWS_ACCESS_KEY_ID and AWS_PROFILE are both set: tools differ in which they follow', 'unset one')
    return { accessKeyId, secretAccessKey, ...(sessionToken !== undefined && { sessionToken }) }
  }
  if (accessKeyId !== undefined || secretAccessKey !== undefined) {
    fail(check, 'of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY only one is set', 'set both, or neither')
    return undefined
  }
  const path = shell.credentialsFile ?? join(shell.home, '.aws', 'credentials')
  let problem: string
  try {
    readBounded(path)
    const credentials = findCredentials(path, profile)
    if (credentials !== undefined) {
      const what = `the credentials are those of the profile ${profile ?? 'default'} in ${path}`
      const mode = openMode(path)
      if (mode === undefined) ok(check, what)
      else warn(check, `${what}, open to other users (mode ${mode})`, `chmod 600 ${shellQuoted(path)}`)
      return credentials
    }
    problem = `${path} has no keys for the profile ${profile ?? 'default'}`
  } catch (error) {
    problem = `no credentials in the environment, and ${path} cannot be read (${codeOf(error)})`
  }
  const source = INDIRECT.variables.find(shell.variable) ?? INDIRECT.settings.find(shell.config)
  const own = credentialsPath(shell.dataDir)
  if (source !== undefined) {
    warn(check, `the credentials come from ${source}, which is not followed here`, 'try "aws sts get-caller-identity"')
  } else if (profile !== undefined) fail(check, problem, 'set AWS_PROFILE to a profile that has keys, or unset it')
  else if (existsSync(own)) fail(check, problem, `export AWS_SHARED_CREDENTIALS_FILE=${shellQuoted(own)}`)
  else fail(check, problem, 'set AWS_SHARED_CREDENTIALS_FILE to the file "credentials" of the data directory')
  return undefined
}

/** Python's tools trust AWS_CA_BUNDLE instead of their own list; Node trusts NODE_EXTRA_CA_CERTS besides its own. */
async function checkCertificate(report: Report, shell: Shell, url: URL): Promise<void> {
  const bundlePath = shell.variable('AWS_CA_BUNDLE') ?? shell.config('ca_bundle')
  const bundle = bundlePath === undefined ? undefined : readBundle(bundlePath)
  let node: string | undefined
  let python: string | undefined
  try {
    node = await certificateFault(url, undefined)
    python = bundle?.fault ?? (await certificateFault(url, bundle?.text ?? tls.rootCertificates))
  } catch {
    return // Nothing there speaks TLS, as the next check tells.
  }
  // The other checks go on with what at least Python's tools trust.
  if (node !== undefined && python === undefined && bundle?.text !== undefined) {
    tls.setDefaultCACertificates([bundle.text])
  }
  const bad = report[node !== undefined && python !== undefined ? 'fail' : 'warn']
  const tell = (check: string, tools: string, variable: string, fault: string | undefined) => {
    if (fault === undefined) return report.ok(check, `${tools} can trust the certificate of the server`)
    const mend = /EXPIRED|ALTNAME|NOT_YET_VALID/.test(fault)
      ? `give the server a valid certificate that names ${hostOf(url)}`
      : `export ${variable}=FILE, with the certificates of the server's own authority in PEM`
    bad(check, `${tools} would not trust the certificate of the server (${fault})`, mend)
  }
  tell('certificate-node', 'tools on Node', 'NODE_EXTRA_CA_CERTS', node)
  tell('certificate-python', 'the AWS CLI and boto3', 'AWS_CA_BUNDLE', python)
}

function readBundle(path: string): { readonly text?: string; readonly fault?: string } {
  try {
    const text = readBounded(path)
    tls.createSecureContext({ ca: text })
    return text.includes('-----BEGIN CERTIFICATE-----') ? { text } : { fault: `${path} holds no certificate` }
  } catch (error) {
    return { fault: `${path} cannot be read: ${codeOf(error)}` }
  }
}

/** Why it is not trusted, undefined where it is. `ca` undefined: by what this process trusts. @throws where nothing speaks TLS. */
async function certificateFault(url: URL, ca: string | readonly string[] | undefined): Promise<string | undefined> {
  const host = hostOf(url)
  const { promise, resolve, reject } = Promise.withResolvers<string | undefined>()
  const socket = tls.connect({
    host,
    port: Number(url.port || 443),
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca: typeof ca === 'string' ? ca : [...ca] }),
    rejectUnauthorized: false, // Nothing is sent: only the verdict is of interest.
  })
  const timer = setTimeout(() => reject(new Error('no answer')), ANSWER_TIMEOUT_MS)
  socket.on('error', reject)
  socket.on('secureConnect', () => resolve(socket.authorized ? undefined : String(socket.authorizationError)))
  return promise.finally(() => {
    clearTimeout(timer)
    socket.destroy()
  })
}

async function checkServer(
  report: Report,
  url: URL | undefined,
  region: string,
  credentials: Credentials | undefined,
): Promise<void> {
  const untried = (why: string, ...checks: readonly string[]) => {
    for (const check of checks) report.warn(check, `${check} not checked, since ${why}`, 'mend that first')
  }
  if (url === undefined) return untried('the endpoint cannot be used', 'server', 'clock', 'caller')
  const health = await checkHealth(report, url)
  // What is not a Strongroom server gets no signed request.
  if (health === undefined) return untried('no Strongroom server answers', 'clock', 'caller')
  checkClock(report, health.skewMs)
  if (!health.ok) untried('the server is not well', 'caller')
  else if (credentials === undefined) untried('no keys were found', 'caller')
  else await checkCaller(report, url, credentials, region)
}

type Health = { readonly ok: boolean; readonly skewMs: number }

/** Undefined where no Strongroom server answers. */
async function checkHealth({ ok, fail }: Report, url: URL): Promise<Health | undefined> {
  const before = Date.now()
  let answer: Answer
  try {
    answer = await ask(new URL('/_strongroom/health', url), {})
  } catch (error) {
    const cause = causeOf(error)
    const mend = /CERT|SIGNATURE/.test(cause)
      ? 'mend the certificate first'
      : `start the server, or give its right address (http or https, host, port) as --endpoint-url or AWS_ENDPOINT_URL`
    fail('server', `no server answers at ${url.origin} (${cause})`, mend)
    return undefined
  }
  const state = parseHealth(answer.text)
  if (state === undefined) {
    const what = `what answers at ${url.origin} with status ${answer.status} is not a Strongroom server`
    fail('server', what, 'give its address as --endpoint-url or AWS_ENDPOINT_URL')
    return undefined
  }
  if (state.ok) ok('server', `a server answers at ${url.origin} and is well`)
  else {
    const what = `the server at ${url.origin} is not well: ${state.problems.join('; ')}`
    fail('server', what, 'ask its operator: "strongroom health" and its log tell more')
  }
  // The header has whole seconds: on average it is half a second old.
  const theirs = Date.parse(answer.date ?? '') + 500
  return { ok: state.ok, skewMs: theirs - (before + Date.now()) / 2 }
}

function parseHealth(text: string): { readonly ok: boolean; readonly problems: readonly string[] } | undefined {
  try {
    const { ok, problems } = JSON.parse(text)
    return typeof ok === 'boolean' && Array.isArray(problems) ? { ok, problems: problems.map(String) } : undefined
  } catch {
    return undefined // a page of something else
  }
}

function checkClock({ ok, warn, fail }: Report, skewMs: number): void {
  const size = Math.abs(skewMs)
  const what = `the clock here is ${Math.round(size / 1000)} s ${skewMs > 0 ? 'behind' : 'ahead of'} the server's`
  const mend = 'let NTP set both clocks: requests signed too far from the time are refused'
  if (Number.isNaN(skewMs)) warn('clock', 'the server tells no time', 'see whether a proxy takes its Date header away')
  else if (size < SKEW_WARN_MS) ok('clock', `the clocks agree within ${Math.ceil(size / 1000)} s`)
  else if (size <= SKEW_FAIL_MS) warn('clock', what, mend)
  else fail('clock', what, mend)
}

const CALLER_MENDS: { readonly [code: string]: string } = {
  InvalidClientTokenId:
    'use a key of this server: the access key is unknown or inactive there, or the session token is of another',
  SignatureDoesNotMatch:
    'use the secret access key that belongs to the access key; if it does, a proxy changes the request',
  ExpiredToken: 'get new temporary credentials',
}

/** No policy can deny it, so it tells of the keys alone. https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html */
async function checkCaller({ ok, fail }: Report, url: URL, credentials: Credentials, region: string): Promise<void> {
  const body = 'Action=GetCallerIdentity&Version=2011-06-15'
  const headers = signedHeaders({
    url: new URL('/', url),
    body: Buffer.from(body),
    headers: { 'content-type': 'application/x-www-form-urlencoded' },
    region,
    service: 'sts',
    credentials,
    time: Date.now(),
  })
  try {
    const { status, text } = await ask(url, { method: 'POST', headers, body })
    const arn = /<Arn>([\x21-\x7e]{1,2048}?)<\/Arn>/.exec(text)?.[1]
    if (status === 200 && arn !== undefined) return ok('caller', `you are ${arn}`)
    const code = /<Code>([A-Za-z.]{1,64})<\/Code>/.exec(text)?.[1] ?? `status ${status}`
    fail('caller', `the server refuses these credentials (${code})`, CALLER_MENDS[code] ?? 'see its log')
  } catch (error) {
    // A key that no header can carry fails here too. Its text is in the message and must not be shown.
    fail('caller', `a signed request cannot be sent (${codeOf((error as Error).cause ?? error)})`, 'look at the keys')
  }
}

type Answer = { readonly status: number; readonly date: string | null; readonly text: string }

async function ask(url: URL, init: RequestInit): Promise<Answer> {
  const response = await fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS) })
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk)
    size += chunk.length
    if (size > ANSWER_BYTES_MAX) break
  }
  const text = Buffer.concat(chunks).subarray(0, ANSWER_BYTES_MAX).toString()
  return { status: response.status, date: response.headers.get('date'), text }
}

/** Nothing where the server is on another machine. */
function checkDataDirectory({ ok, warn, fail }: Report, dataDir: string, named: boolean): void {
  const key = join(dataDir, 'root.key')
  if (!existsSync(dataDir)) {
    if (named) warn('data-directory', `${dataDir} is not on this machine`, 'name another with --data-dir, or none')
    return
  }
  // The default is ./data, which may be anybody's.
  if (!named && !existsSync(key) && !existsSync(join(dataDir, 'strongroom.db'))) return
  const mode = openMode(dataDir)
  if (mode === undefined) ok('data-directory', `${dataDir} is private`)
  else warn('data-directory', `${dataDir} is open to other users (mode ${mode})`, `chmod 700 ${shellQuoted(dataDir)}`)
  if (!existsSync(key)) return
  const keyMode = openMode(key)
  if (keyMode === undefined) ok('root-key', `${key} is private`)
  else fail('root-key', `${key} is open to other users (mode ${keyMode})`, `chmod 600 ${shellQuoted(key)}`)
}

/** The mode in octal where it gives others anything, else undefined. */
function openMode(path: string): string | undefined {
  const mode = statSync(path).mode & 0o777
  return (mode & 0o077) === 0 ? undefined : mode.toString(8).padStart(4, '0')
}

/** The whole of an ordinary file. @throws the system's error, or one in its manner. */
function readBounded(path: string): string {
  const stat = statSync(path)
  const code = !stat.isFile() ? 'EINVAL' : stat.size > FILE_BYTES_MAX ? 'EFBIG' : undefined
  if (code !== undefined) throw Object.assign(new Error(path), { code })
  return readFileSync(path, 'utf8')
}

const hostOf = (url: URL): string => url.hostname.replace(/^\[(.*)\]$/, '$1')

function codeOf(error: unknown): string {
  const { code, name } = error as NodeJS.ErrnoException
  return typeof code === 'string' ? code : name
}

function causeOf(error: unknown): string {
  const { name, message, cause } = error as Error & { readonly cause?: Partial<NodeJS.ErrnoException> }
  return name === 'TimeoutError' ? 'ETIMEDOUT' : (cause?.code ?? cause?.message ?? message)
}

const shellQuoted = (text: string): string =>
  /^[A-Za-z0-9_./:@%+=,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`

/** On one line and short, whatever it repeats. */
const printable = (text: string): string => {
  const clean = text.replaceAll(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, '?')
  return clean.length > LINE_LENGTH_MAX ? `${clean.slice(0, LINE_LENGTH_MAX)}...` : clean
}
