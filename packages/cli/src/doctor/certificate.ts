// Whether the certificate of the server is trusted by the tools.

import { isIP } from 'node:net'
import * as tls from 'node:tls'
import { ANSWER_TIMEOUT_MS } from './ask.ts'
import { codeOf, hostOf, type Report, readBounded } from './finding.ts'
import type { Shell } from './shell.ts'

const EXPIRY_WARN_MS = 14 * 86_400_000

/** Python's tools trust AWS_CA_BUNDLE instead of their own list; Node trusts NODE_EXTRA_CA_CERTS besides its own. */
export async function checkCertificate(report: Report, shell: Shell, url: URL): Promise<void> {
  const bundlePath = shell.variable('AWS_CA_BUNDLE') ?? shell.config('ca_bundle')
  const bundle = bundlePath === undefined ? undefined : readBundle(bundlePath)
  let node: string | undefined
  let python: string | undefined
  let until: number
  try {
    const seen = await seeCertificate(url, undefined)
    node = seen.fault
    until = seen.until
    python = bundle?.fault ?? (await seeCertificate(url, bundle?.text ?? tls.rootCertificates)).fault
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
  if (Number.isNaN(until)) return // What is no date ends nothing.
  const what = `the certificate of the server ends on ${new Date(until).toISOString().slice(0, 10)}`
  if (until - Date.now() > EXPIRY_WARN_MS) report.ok('certificate-expiry', what)
  else report.warn('certificate-expiry', what, 'give the server a new one in time')
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

/** `fault`: why it is not trusted; `until`: milliseconds since the epoch. */
type Seen = { readonly fault: string | undefined; readonly until: number }

/** `ca` undefined: what this process trusts. @throws where nothing speaks TLS. */
async function seeCertificate(url: URL, ca: string | readonly string[] | undefined): Promise<Seen> {
  const host = hostOf(url)
  const { promise, resolve, reject } = Promise.withResolvers<Seen>()
  const socket = tls.connect({
    host,
    port: Number(url.port || 443),
    ...(isIP(host) === 0 && { servername: host }),
    ...(ca !== undefined && { ca: typeof ca === 'string' ? ca : [...ca] }),
    rejectUnauthorized: false, // Nothing is sent: only the verdict is of interest.
  })
  const timer = setTimeout(() => reject(new Error('no answer')), ANSWER_TIMEOUT_MS)
  socket.on('error', reject)
  socket.on('secureConnect', () => {
    const until = Date.parse(socket.getPeerCertificate().valid_to)
    resolve({ fault: socket.authorized ? undefined : String(socket.authorizationError), until })
  })
  return promise.finally(() => {
    clearTimeout(timer)
    socket.destroy()
  })
}
