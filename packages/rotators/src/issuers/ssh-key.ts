// The SSH key of an account: the new one stands beside the current one in authorized_keys, and the one before goes. docs/rotators.md#ssh-keys

import { RotatorError } from '../errors.ts'
import type { Finding, Io, PendingRun, Rotator, Run, SecretValue } from '../rotator.ts'
import { namesMaster, placeOf, readPort } from '../secret.ts'
import { changeKeys, optionsOf } from '../ssh/authorized-keys.ts'
import { runSsh, type SshAccount } from '../ssh/client.ts'
import {
  fingerprintOf,
  openSshPrivateKey,
  publicLineOf,
  readPrivateKey,
  readPublicKey,
  type SshKey,
  sshKeyOf,
} from '../ssh/keys.ts'
import { type RemoteFile, remoteFile } from '../ssh/remote-file.ts'
import { keyTypes } from './key-type.ts'

const KEY_TYPES = keyTypes({
  ed25519: 'ECC_NIST_EDWARDS25519',
  'ecdsa-p256': 'ECC_NIST_P256',
  'ecdsa-p384': 'ECC_NIST_P384',
  'ecdsa-p521': 'ECC_NIST_P521',
  'rsa-3072': 'RSA_3072',
  'rsa-4096': 'RSA_4096',
})
const USUAL_FILE = '.ssh/authorized_keys'
const HOST = /^[A-Za-z0-9._:-]{1,253}$/
const USERNAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,31}$/
const FILE = /^(?!-)[A-Za-z0-9._/@+-]{1,255}$/
const MASTER_FILE = /^\/[A-Za-z0-9._/@+%-]{1,255}$/
const HOST_KEYS_MAX = 20
/** How often the file is read again where somebody else has changed it meanwhile. */
const CHANGES_MAX = 5

export const sshKey: Rotator = {
  name: 'ssh-key',
  title: 'SSH key of an account: the previous one works until the next rotation',
  strategy: 'dual',
  verified: true,
  members: [
    { name: 'host', required: true, about: 'Name or address.' },
    { name: 'port', required: false, about: 'Number or string; 22 where it is absent.' },
    { name: 'username', required: true, about: 'The account.' },
    { name: 'privateKey', required: true, about: 'OpenSSH or PEM, no passphrase. Replaced, in OpenSSH format.' },
    { name: 'publicKey', required: false, about: 'Written: the line of the new public key.' },
    { name: 'fingerprint', required: false, about: 'Written: SHA256:… of the new public key.' },
    { name: 'hostKey', required: true, about: 'Public keys of the host, one a line, as ssh-keyscan prints them.' },
    { name: 'authorizedKeysFile', required: false, about: `${USUAL_FILE} of the home folder where it is absent.` },
    {
      name: 'masterarn',
      required: false,
      about: 'ARN of the secret of an account that changes the file in its place.',
    },
  ],
  options: [KEY_TYPES.option],
  master: 'optional',

  check(value, options) {
    KEY_TYPES.read(options)
    const { account, path } = readSecret(value)
    return { place: placeOf(account), way: [path, ...account.hostKeys].join(' ') }
  },

  async create(run, io) {
    const { account } = readSecret(run.current)
    const key = sshKeyOf(await io.generatePrivateKey(KEY_TYPES.read(run.options)))
    const comment = `${account.username}@${account.host}`
    return {
      ...run.current,
      privateKey: openSshPrivateKey(key, comment, io.randomBytes(4)),
      publicKey: `${publicLineOf(key)} ${comment}`,
      fingerprint: fingerprintOf(key),
    }
  },

  async set(run, io) {
    const { account, key, pending } = keysOf(run)
    const previous = previousOf(run)
    const file = fileOf(run)
    // A master acts only for whom the host lets in.
    if (file.as !== undefined || file.keptFrom !== undefined) await logIn(account, key, io)
    const to = (content: string): string => {
      mustHold(content, key, file)
      return changeKeys(content, { beside: key, added: pending, removed: previous })
    }
    for (let tried = 1; tried <= CHANGES_MAX; tried++) {
      if (await remoteFile(file, io, { name: run.versionId, to })) return
    }
    throw new RotatorError('other', `${file.path} at ${placeOf(account)} is changed all the time by somebody else.`)
  },

  async test(run, io) {
    const { account, pending } = keysOf(run)
    await logIn(account, pending, io)
  },

  async settle(run, io) {
    const { account, key } = keysOf(run)
    try {
      await logIn(account, key, io)
      return [{ level: 'ok', message: 'The previous key still works.' }]
    } catch (error) {
      if (!(error instanceof RotatorError)) throw error
      const refused = error.kind === 'authentication'
      const what = refused ? 'no longer works' : 'could not be tried'
      return [{ level: refused ? 'problem' : 'warning', message: `The previous key ${what}: ${error.message}` }]
    }
  },

  async dryRun(run, io) {
    const findings: Finding[] = []
    try {
      const { account, key } = readSecret(run.current)
      await logIn(account, key, io)
      findings.push({ level: 'ok', message: `The current key logs in at ${placeOf(account)}.` })
      const file = fileOf(run)
      const { content, writable } = (await remoteFile(file, io))!
      mustHold(content, key, file)
      const message = `${file.path} has the current key, and can${writable ? '' : 'not'} be changed.`
      findings.push({ level: writable ? 'ok' : 'problem', message })
      if (optionsOf(content, key).some((options) => /expiry-time=/i.test(options))) {
        findings.push({
          level: 'warning',
          message: 'The current key has an expiry-time, and new ones will have the same.',
        })
      }
    } catch (error) {
      if (!(error instanceof RotatorError)) throw error
      findings.push({ level: 'problem', message: error.message })
    }
    return findings
  },
}

type Secret = { readonly account: SshAccount; readonly key: SshKey; readonly path: string }

/** @throws RotatorError `secret`, one for all that is wrong, naming members and no values */
function readSecret(value: SecretValue): Secret {
  const problems: string[] = []
  const text = (member: string, pattern: RegExp, what: string): string => {
    const given = value[member]
    if (typeof given === 'string' && pattern.test(given)) return given
    problems.push(given === undefined || given === '' ? `${member} is missing` : `${member} is ${what}`)
    return ''
  }
  const host = text('host', HOST, 'neither a name nor an address')
  const username = text('username', USERNAME, 'no name of an account')
  const hostKeys = readHostKeys(text('hostKey', /./, 'not a string'))
  if (hostKeys === undefined) problems.push('hostKey has no lines as ssh-keyscan prints them')
  const port = readPort(value.port ?? 22)
  if (port === undefined) problems.push('port is not a number from 1 to 65535')
  const path = value.authorizedKeysFile === undefined ? USUAL_FILE : text('authorizedKeysFile', FILE, 'no plain path')
  const privateKey = text('privateKey', /./, 'not a string')
  if (problems.length > 0 || port === undefined || hostKeys === undefined) {
    throw new RotatorError('secret', `The secret does not fit this rotator: ${problems.join('; ')}.`)
  }
  return { account: { host, port, username, hostKeys }, key: readPrivateKey(privateKey), path }
}

/** Whatever name a line begins with, the key is of this host. */
function readHostKeys(text: string): readonly string[] | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line.trim() !== '' && !line.startsWith('#'))
  // A marker may say that the key is revoked, or that it signs others.
  const keys = lines.flatMap((line) => (line.startsWith('@') ? [] : (readPublicKey(line.trim().split(/[ \t]+/)) ?? [])))
  if (keys.length !== lines.length || keys.length > HOST_KEYS_MAX || keys.length === 0) return undefined
  return keys.map(publicLineOf)
}

const isOfSameAccount = (one: SshAccount, other: SshAccount): boolean =>
  placeOf(one) === placeOf(other) && one.username === other.username

/** @throws RotatorError `secret` where the pending version is of another account than the current one */
function keysOf(run: PendingRun): { readonly account: SshAccount; readonly key: SshKey; readonly pending: SshKey } {
  const [current, pending] = [readSecret(run.current), readSecret(run.pending)]
  if (!isOfSameAccount(current.account, pending.account)) {
    throw new RotatorError('secret', 'The pending version is of another account than the current one.')
  }
  return { account: current.account, key: current.key, pending: pending.key }
}

/** The key of AWSPREVIOUS, where it is of the same account. */
function previousOf({ previous, current }: Run): SshKey | undefined {
  try {
    const read = previous && readSecret(previous)
    return read && isOfSameAccount(read.account, readSecret(current).account) ? read.key : undefined
  } catch (error) {
    if (error instanceof RotatorError) return undefined
    throw error
  }
}

/** Which file, and who changes it. @throws RotatorError `secret` */
function fileOf({ current, master }: Run): RemoteFile {
  const own = readSecret(current)
  if (namesMaster(current) !== (master !== undefined)) {
    throw new RotatorError('secret', 'The secret that masterarn names cannot be used.')
  }
  if (master === undefined) return own
  const { host, port, hostKey } = current
  // Which of the two may be written by whom is not known: the file is the account's own, or the master says which.
  const { authorizedKeysFile: path, ...others } = master
  const { account, key } = readMaster({ host, port: port ?? 22, hostKey, ...others })
  if (placeOf(account) !== placeOf(own.account)) {
    throw new RotatorError('secret', 'The master secret is of another host than the secret.')
  }
  const { username } = own.account
  if (path === undefined) return { account, key, path: own.path, as: username }
  if (typeof path !== 'string' || !MASTER_FILE.test(path)) {
    throw new RotatorError('secret', 'The master secret has an authorizedKeysFile that is no absolute path.')
  }
  return { account, key, path: path.replaceAll('%u', username), keptFrom: username }
}

function readMaster(value: SecretValue): Secret {
  try {
    return readSecret(value)
  } catch (error) {
    if (!(error instanceof RotatorError)) throw error
    throw new RotatorError(error.kind, `Of the master secret: ${error.message}`)
  }
}

function mustHold(content: string, key: SshKey, { path, account }: RemoteFile): void {
  if (optionsOf(content, key).length > 0) return
  const message = `${path} at ${placeOf(account)} does not have the current key: the member authorizedKeysFile says where keys are.`
  throw new RotatorError('permission', message)
}

/** Whatever the command ends with: the key may be for one command alone. */
async function logIn(account: SshAccount, key: SshKey, io: Io): Promise<void> {
  await runSsh(account, key, { command: 'true' }, io)
}
