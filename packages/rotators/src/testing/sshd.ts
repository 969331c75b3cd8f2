// A real sshd on a spare loopback port, whose accounts are those of the machine and whose keys are in files of its own.

import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { listens, makeFolder, type Scope, skipWithout, sparePort, startProgram } from './server.ts'

export const SSHD_SKIP = skipWithout('/usr/sbin/sshd', 'openssh-server') || skipWithout('ssh', 'openssh-client')

export type TestSshd = {
  readonly folder: string
  readonly port: number
  /** As `ssh-keyscan` prints it. */
  readonly hostKey: string
  /** Who runs the tests. */
  readonly username: string
  /** Of an account. */
  keysFile(username: string): string
  /** A private key by `ssh-keygen`, and its public line. */
  makeKey(...options: readonly string[]): { readonly privateKey: string; readonly publicKey: string }
  /** Writes an account's file, in a folder of its own. */
  writeKeys(username: string, content: string, mode?: number): void
}

export async function startSshd(scope: Scope): Promise<TestSshd> {
  const folder = makeFolder(scope)
  chmodSync(folder, 0o755)
  let keys = 0
  const makeKey = (...options: readonly string[]) => {
    const file = join(folder, `key-${++keys}`)
    execFileSync('ssh-keygen', ['-q', '-N', '', '-f', file, ...(options.length > 0 ? options : ['-t', 'ed25519'])])
    return { privateKey: readFileSync(file, 'utf8'), publicKey: readFileSync(`${file}.pub`, 'utf8').trim() }
  }
  const host = makeKey('-t', 'ed25519', '-C', '')
  const hostKeyFile = join(folder, 'key-1')
  const { username, uid } = userInfo()
  // Where sshd of root locks its children in; its package makes it only when it starts as a service.
  if (uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 })
  const port = await sparePort()
  const options = [
    ...[`Port=${port}`, 'ListenAddress=127.0.0.1', 'UsePAM=no', 'StrictModes=no', 'PidFile=none'],
    ...[`AuthorizedKeysFile=${folder}/keys-%u/authorized_keys`, 'PasswordAuthentication=no', 'PermitRootLogin=yes'],
    ...['MaxStartups=100:30:200', 'KexAlgorithms=curve25519-sha256', 'LogLevel=VERBOSE'],
  ]
  const words = options.flatMap((option) => ['-o', option])
  await startProgram(scope, ['/usr/sbin/sshd', '-D', '-e', '-f', '/dev/null', '-h', hostKeyFile, ...words], {
    cwd: folder,
    ready: () => listens(port),
  })
  const keysFile = (name: string) => join(folder, `keys-${name}`, 'authorized_keys')
  return {
    folder,
    port,
    hostKey: `[127.0.0.1]:${port} ${host.publicKey}`,
    username,
    keysFile,
    makeKey,
    writeKeys: (name, content, mode = 0o600) => {
      const owner = name === username ? undefined : ownerOf(name)
      mkdirSync(join(folder, `keys-${name}`), { recursive: true })
      writeFileSync(keysFile(name), content)
      chmodSync(keysFile(name), mode)
      if (owner) for (const path of [join(folder, `keys-${name}`), keysFile(name)]) chownSync(path, ...owner)
    },
  }
}

const ownerOf = (username: string): [number, number] =>
  ['-u', '-g'].map((what) => Number(execFileSync('id', [what, username]))) as [number, number]
