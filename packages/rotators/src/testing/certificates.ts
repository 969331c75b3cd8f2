// Certificates for test servers: an authority of their own, which no system trusts.

import { execFile } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'

export type TestCertificate = {
  /** PEM of the authority. */
  readonly authority: string
  readonly authorityFile: string
  readonly certificateFile: string
  readonly keyFile: string
}

/** A certificate for `names` (`DNS:localhost`, `IP:127.0.0.1`) and its authority, as files in `directory`. */
export async function makeCertificate(
  directory: string,
  names: readonly string[] = ['DNS:localhost', 'IP:127.0.0.1'],
): Promise<TestCertificate> {
  const file = (name: string): string => join(directory, name)
  const openssl = (...args: readonly string[]) => promisify(execFile)('openssl', args)
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  await openssl(
    ...['req', '-x509', ...newKey, '-days', '2', '-subj', '/CN=Test authority'],
    ...['-addext', 'keyUsage=critical,keyCertSign'],
    ...['-keyout', file('authority.key'), '-out', file('authority.pem')],
  )
  await openssl('req', ...newKey, '-subj', '/CN=test', '-keyout', file('server.key'), '-out', file('server.csr'))
  writeFileSync(file('server.ext'), `subjectAltName=${names.join(',')}\n`)
  await openssl(
    ...['x509', '-req', '-days', '2', '-in', file('server.csr'), '-extfile', file('server.ext')],
    ...['-CA', file('authority.pem'), '-CAkey', file('authority.key'), '-CAcreateserial', '-out', file('server.pem')],
  )
  return {
    authority: readFileSync(file('authority.pem'), 'utf8'),
    authorityFile: file('authority.pem'),
    certificateFile: file('server.pem'),
    keyFile: file('server.key'),
  }
}
