// A real slapd with TLS, with a tree of its own. `policies` loads the overlay of password policies.

import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { makeCertificate } from './certificates.ts'
import { listens, makeFolder, readIfThere, type Scope, skipWithout, sparePort, startProgram } from './server.ts'

export const OPENLDAP_SKIP = skipWithout('slapd', 'slapd ldap-utils')

export type TestOpenldap = {
  readonly tlsPort: number
  readonly plainPort: number
  /** PEM. */
  readonly authority: string
  readonly authorityFile: string
  readonly suffix: string
  readonly admin: { readonly username: string; readonly password: string }
  /** Adds or changes entries, as the administrator, in LDIF. */
  apply(ldif: string): void
  /** Everything that the server has told, with each packet. */
  log(): string
}

export async function startOpenldap(
  scope: Scope,
  {
    policies = false,
    names = ['DNS:localhost', 'IP:127.0.0.1', 'IP:127.0.0.2'],
  }: { readonly policies?: boolean; readonly names?: readonly string[] } = {},
): Promise<TestOpenldap> {
  const folder = makeFolder(scope)
  const { certificateFile, keyFile, authorityFile, authority } = await makeCertificate(folder, names)
  const [tlsPort, plainPort] = await Promise.all([sparePort(), sparePort()])
  const suffix = 'dc=example,dc=org'
  const admin = { username: `cn=admin,${suffix}`, password: 'of the admin' }
  mkdirSync(join(folder, 'data'))
  writeFileSync(
    join(folder, 'slapd.conf'),
    `include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
${policies ? 'moduleload ppolicy\n' : ''}pidfile ${folder}/pid
TLSCertificateFile ${certificateFile}
TLSCertificateKeyFile ${keyFile}
TLSCACertificateFile ${authorityFile}
database mdb
suffix "${suffix}"
rootdn "${admin.username}"
rootpw "${admin.password}"
directory ${folder}/data
access to attrs=userPassword by dn.exact="cn=master,${suffix}" write by self =wx by * auth
access to dn.exact="cn=locked,${suffix}" by * auth
access to * by * read
${policies ? `overlay ppolicy\nppolicy_default "cn=policy,${suffix}"\n` : ''}`,
  )
  const logFile = join(folder, 'log')
  const urls = ['127.0.0.1', '127.0.0.2'].flatMap((host) => [
    `ldap://${host}:${plainPort}/`,
    `ldaps://${host}:${tlsPort}/`,
  ])
  await startProgram(scope, ['sh', '-c', 'exec slapd -f slapd.conf -h "$0" -d stats,config 2>log', urls.join(' ')], {
    cwd: folder,
    ready: () => listens(tlsPort),
  })
  const apply = (ldif: string): void => {
    const to = ['-x', '-H', `ldap://127.0.0.1:${plainPort}`, '-D', admin.username, '-w', admin.password]
    execFileSync('ldapmodify', ['-a', ...to], { input: ldif, stdio: ['pipe', 'ignore', 'pipe'] })
  }
  apply(`dn: ${suffix}\nobjectClass: dcObject\nobjectClass: organization\no: Example\n`)
  return { tlsPort, plainPort, authority, authorityFile, suffix, admin, apply, log: () => readIfThere(logFile) }
}
