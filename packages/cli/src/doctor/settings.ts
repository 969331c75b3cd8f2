// Where the tools would send a request, and to which Region.

import { isRegion } from '@strongroom/server/auth/region.ts'
import { isLoopback } from '@strongroom/server/config.ts'
import { hostOf, type Report } from './finding.ts'
import type { Shell } from './shell.ts'

const DEFAULT_ENDPOINT = 'http://127.0.0.1:4650'

/** Where the tools would send a request of Secrets Manager. Undefined where nothing could be sent there. */
export function checkEndpoint(report: Report, shell: Shell, asked: string | undefined): URL | undefined {
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
export function checkRegion({ ok, warn, fail }: Report, shell: Shell): string {
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
