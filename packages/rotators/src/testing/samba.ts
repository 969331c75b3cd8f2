// A real Samba as the domain controller of an Active Directory, on an address of its own: the ports of one are given. It needs root.

import { execFile, execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { makeCertificate } from './certificates.ts'
import { listens, makeFolder, readIfThere, type Scope, skipWithout, startProgram } from './server.ts'

export const SAMBA_SKIP =
  skipWithout('samba', 'samba samba-dsdb-modules samba-vfs-modules samba-ad-provision winbind') ||
  (process.getuid?.() === 0 ? false : 'a domain controller needs root')

export type TestSamba = {
  readonly host: string
  readonly port: number
  /** PEM. */
  readonly authority: string
  readonly authorityFile: string
  readonly base: string
  readonly admin: { readonly username: string; readonly password: string }
  /** `samba-tool` on its files. */
  tool(...words: readonly string[]): void
  log(): string
}

/** `number` makes the address: two at once need two. */
export async function startSamba(scope: Scope, number = 0): Promise<TestSamba> {
  const folder = makeFolder(scope)
  const host = `127.20.${process.pid % 250}.${1 + number}`
  const { certificateFile, keyFile, authorityFile, authority } = await makeCertificate(folder, [
    'DNS:localhost',
    `IP:${host}`,
  ])
  const admin = { username: 'Administrator', password: 'Of-the-admin-1' }
  const config = join(folder, 'etc', 'smb.conf')
  const settings = [
    `interfaces=${host}/8`,
    'bind interfaces only=yes',
    'server services=ldap,kdc',
    `tls certfile=${certificateFile}`,
    `tls keyfile=${keyFile}`,
    `tls cafile=${authorityFile}`,
    `log file=${join(folder, 'log')}`,
    'log level=3 auth_audit:3',
    `lock dir=${join(folder, 'lock')}`,
    `pid directory=${folder}`,
  ]
  const realm = ['--realm=EX.LAN', '--domain=EX', '--server-role=dc', '--dns-backend=NONE', '--host-name=dc']
  await promisify(execFile)('samba-tool', [
    ...['domain', 'provision', ...realm, `--adminpass=${admin.password}`, `--targetdir=${folder}`],
    ...[`--host-ip=${host}`, ...settings.map((setting) => `--option=${setting}`)],
  ])
  const given = readFileSync(config, 'utf8')
  const missing = settings.filter((setting) => !given.includes(`${setting.split('=')[0]} =`))
  if (missing.length > 0) writeFileSync(config, given.replace('[global]', `[global]\n${missing.join('\n')}`))
  await startProgram(scope, ['samba', '-F', '--no-process-group', `--configfile=${config}`], {
    cwd: folder,
    ready: () => listens(636, host),
  })
  const tool = (...words: readonly string[]): void => {
    execFileSync('samba-tool', [...words, `--configfile=${config}`], { stdio: ['ignore', 'ignore', 'pipe'] })
  }
  const log = (): string => readIfThere(join(folder, 'log'))
  return { host, port: 636, authority, authorityFile, base: 'DC=ex,DC=lan', admin, tool, log }
}
