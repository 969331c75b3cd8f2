// One command at a host over SSH, by the system's `ssh`: to an address that was looked at, of a host whose key is known, with one key that an
// agent of ours signs with. Nothing of the user's or the system's configuration is read, and nothing is trusted at first sight.
// https://man.openbsd.org/ssh_config

import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { within } from '../connection.ts'
import { RotatorError } from '../errors.ts'
import type { Io } from '../rotator.ts'
import { placeOf } from '../secret.ts'
import { startAgent } from './agent.ts'
import type { SshKey } from './keys.ts'

export type SshAccount = {
  readonly host: string
  readonly port: number
  readonly username: string
  /** Public keys of the host, `TYPE BASE64`. */
  readonly hostKeys: readonly string[]
}

export type SshAnswer = {
  /** Of the command; 255 is none's. */
  readonly status: number
  /** In latin1, so that bytes stay what they are. */
  readonly output: string
}

const OUTPUT_BYTES_MAX = 2 * 1024 * 1024
const COMPLAINT_MAX = 8192
/** What its exit status says of a connection that did not come about, or broke. */
const NO_CONNECTION = 255
const ALIAS = 'rotated'

const OPTIONS = [
  ...['BatchMode=yes', 'StrictHostKeyChecking=yes', 'UpdateHostKeys=no', 'CheckHostIP=no', 'VerifyHostKeyDNS=no'],
  ...['GlobalKnownHostsFile=/dev/null', `HostKeyAlias=${ALIAS}`, 'PreferredAuthentications=publickey'],
  ...['IdentityFile=none', 'PKCS11Provider=none', 'ForwardAgent=no', 'ForwardX11=no', 'ClearAllForwardings=yes'],
  ...['ControlMaster=no', 'ControlPath=none', 'ProxyCommand=none', 'PermitLocalCommand=no', 'LogLevel=ERROR'],
]

export type SshCommand = {
  readonly command: string
  /** What is written to it, once, when it has put out this much; undefined where more has to come. It may throw. */
  readonly reply?: (output: string) => string | undefined
}

/**
 * Logs in, runs the command, and waits for its end. The command goes to whatever shell the account has.
 * @throws RotatorError `unreachable`, `tls` where the host's key is another, `authentication`, `permission` where there is no `ssh`, `other`
 */
export async function runSsh(
  account: SshAccount,
  key: SshKey,
  { command, reply = () => '' }: SshCommand,
  io: Io,
): Promise<SshAnswer> {
  const at = placeOf(account)
  const address = await io.resolve(account.host, account.port)
  const folder = await mkdtemp(join(tmpdir(), 'strongroom-ssh-'))
  const [agent, knownHosts] = [join(folder, 'agent'), join(folder, 'known_hosts')]
  let endAgent = (): void => {}
  try {
    await writeFile(knownHosts, account.hostKeys.map((line) => `${ALIAS} ${line}\n`).join(''))
    endAgent = await startAgent(agent, key)
    const options = [...OPTIONS, `UserKnownHostsFile=${knownHosts}`, `IdentityAgent=${agent}`]
    const words = ['-F', 'none', '-T', ...options.flatMap((option) => ['-o', option])]
    return await spawned(
      [...words, '-p', String(account.port), '-l', account.username, address, command],
      reply,
      at,
      io,
    )
  } finally {
    endAgent()
    await rm(folder, { recursive: true, force: true })
  }
}

async function spawned(
  words: readonly string[],
  reply: NonNullable<SshCommand['reply']>,
  at: string,
  io: Io,
): Promise<SshAnswer> {
  const child = spawn('ssh', words, {
    env: { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C' },
    stdio: 'pipe',
  })
  const end = (): void => void child.kill('SIGKILL')
  const ended = Promise.withResolvers<SshAnswer>()
  ended.promise.catch(() => {}) // nobody waits where it takes too long
  const fail = (error: unknown): void => {
    ended.reject(error)
    end()
  }
  let output = ''
  let complaint = ''
  const answer = (): void => {
    if (child.stdin.writableEnded) return
    try {
      const text = reply(output)
      if (text !== undefined) child.stdin.end(text, 'latin1')
    } catch (error) {
      fail(error)
    }
  }
  child.stdout.setEncoding('latin1').on('data', (piece: string) => {
    output += piece
    if (output.length > OUTPUT_BYTES_MAX) return fail(new RotatorError('other', `${at} answers with too much.`))
    answer()
  })
  child.stderr.setEncoding('latin1').on('data', (piece: string) => {
    complaint = (complaint + piece).slice(-COMPLAINT_MAX)
  })
  child.stdin.on('error', () => {}) // it ended before it had read everything, which its status tells
  child.on('error', (cause) =>
    ended.reject(new RotatorError('permission', 'There is no program ssh: install the OpenSSH client.', { cause })),
  )
  child.on('close', (status) => {
    if (status === NO_CONNECTION || status === null) return ended.reject(refusalOf(complaint, at))
    ended.resolve({ status, output })
  })
  answer()
  return within(io, at, end, () => ended.promise)
}

/** Nothing of what the other side said is told. */
function refusalOf(complaint: string, at: string): RotatorError {
  if (/^Host key verification failed/m.test(complaint)) {
    return new RotatorError('tls', `The host key of ${at} is none of the member hostKey: nothing was sent.`)
  }
  if (/no matching host key type found/.test(complaint)) {
    return new RotatorError('tls', `${at} has no host key of the kinds in the member hostKey.`)
  }
  if (/Permission denied \(|Too many authentication failures/.test(complaint)) {
    return new RotatorError('authentication', `${at} does not let the key in.`)
  }
  const reason =
    /Connection (?:refused|timed out|reset|closed)|No route to host|Network is unreachable|Broken pipe/i.exec(complaint)
  if (reason) return new RotatorError('unreachable', `No connection to ${at}: ${reason[0].toLowerCase()}.`)
  return new RotatorError('other', `ssh has not connected to ${at}.`)
}
