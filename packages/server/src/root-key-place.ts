// What `--root-key` names, as text and as a place: paths are absolute, credentials are found, what came in a variable is taken from it.

import { isAbsolute, join, resolve } from 'node:path'
import { ConfigurationError } from './configuration-error.ts'

/** Where a root key is. Plain data: workers are told it by their supervisor. */
export type RootKeyPlace = {
  /** As it was given. */
  readonly rootKey: string
  readonly kind: 'file' | 'credential' | 'env' | 'shamir' | 'aws-kms' | 'pkcs11'
  /** The file of `file` and `credential`, else empty. */
  readonly file: string
  /** The value of the variable that is named, of `env` the key and of `pkcs11` the PIN; of `shamir` the key that shares gave, else empty. */
  readonly text: string
  /** What the rest of `aws-kms:` and `pkcs11:` says; files with absolute paths. */
  readonly settings: { readonly [name: string]: string }
}

type Environment = { [name: string]: string | undefined }

export const ROOT_KEY = {
  pattern:
    /^(?:file(?::[^\0-\x1f]{1,4096})?|credential(?::[A-Za-z0-9._-]{1,255})?|env(?::[A-Za-z_][A-Za-z0-9_]{0,254})?|shamir|(?:aws-kms|pkcs11):[\x21-\x7e]{1,4096})$/,
  allowed: 'file, file:PATH, credential, credential:NAME, env, env:VARIABLE, shamir, aws-kms:KEY?... or pkcs11:...',
} as const

const STANDARD_VARIABLE = 'STRONGROOM_ROOT_KEY'

/** `text`: what a variable held that another process has read. @throws ConfigurationError */
export function rootKeyPlace(
  option: string,
  rootKey: string,
  dataDir: string,
  environment: Environment,
  text?: string,
): RootKeyPlace {
  const [kind, where] = splitOnce(rootKey) as readonly [RootKeyPlace['kind'], string | undefined]
  const plain = { rootKey, kind, file: '', text: '', settings: {} }
  if (kind === 'file') return { ...plain, file: resolve(where ?? join(dataDir, 'root.key')) }
  if (kind === 'credential')
    return { ...plain, file: credentialFile(option, rootKey, where ?? 'root-key', environment) }
  if (kind === 'shamir') return plain
  const taken = text ?? takeRootKey(option, rootKey, environment)
  if (kind === 'env') return { ...plain, text: taken }
  const settings = readSettings(option, rootKey)
  for (const [name, value] of Object.entries(settings)) {
    if (!FILE_SETTINGS.includes(name)) continue
    const [scheme, rest] = splitOnce(value)
    if (scheme === 'env') continue
    if (scheme === 'credential' && rest !== undefined) {
      settings[name] = credentialFile(option, rootKey, rest, environment)
      continue
    }
    const path = scheme === 'file' && rest !== undefined ? rest : value
    // The command that adds it and the server stand in different directories.
    if (!isAbsolute(path)) throw new ConfigurationError(`${option} ${rootKey}: ${name}= needs an absolute path`)
    settings[name] = path
  }
  return { ...plain, text: taken, settings }
}

/** The value of the variable that `rootKey` names, which is removed from the environment; empty where it names none. */
export function takeRootKey(option: string, rootKey: string, environment: Environment): string {
  const variable = variableOf(option, rootKey)
  if (variable === undefined) return ''
  const text = environment[variable]
  if (text === undefined || text === '') {
    const what = rootKey.startsWith('pkcs11:') ? 'PIN' : 'root key'
    throw new ConfigurationError(`${option} ${rootKey} needs the variable ${variable}: put the ${what} in it`)
  }
  delete environment[variable]
  return text
}

function variableOf(option: string, rootKey: string): string | undefined {
  const [kind, where] = splitOnce(rootKey)
  if (kind === 'env') return where ?? STANDARD_VARIABLE
  if (kind !== 'pkcs11') return undefined
  return /^env:([A-Za-z_][A-Za-z0-9_]{0,254})$/.exec(readSettings(option, rootKey)['pin-source'] ?? '')?.[1]
}

function credentialFile(option: string, rootKey: string, name: string, environment: Environment): string {
  const directory = environment.CREDENTIALS_DIRECTORY
  if (directory === undefined || directory === '') {
    throw new ConfigurationError(
      `${option} ${rootKey} needs CREDENTIALS_DIRECTORY: start under systemd with LoadCredential=, or name the file with file:PATH`,
    )
  }
  if (!/^[A-Za-z0-9._-]{1,255}$/.test(name)) throw new ConfigurationError(`${option} ${rootKey} names no credential`)
  return join(directory, name)
}

const FILE_SETTINGS: readonly string[] = ['credentials', 'ca', 'module-path', 'pin-source']

/** `KEY?name=value&...`, and for `pkcs11` the URI of RFC 7512: `name=value;...?name=value&...`. Percent-encoded. */
const SETTINGS = {
  'aws-kms': { must: ['key', 'region', 'credentials'], may: ['endpoint', 'profile', 'ca'] },
  pkcs11: { must: ['token', 'object', 'module-path', 'pin-source'], may: [] },
} as const

function readSettings(option: string, rootKey: string): { [name: string]: string } {
  const [kind, rest = ''] = splitOnce(rootKey) as readonly [keyof typeof SETTINGS, string | undefined]
  const refuse = (why: string) => new ConfigurationError(`${option} ${rootKey} ${why}`)
  const { must, may } = SETTINGS[kind]
  const [path = '', query = ''] = rest.split('?', 2)
  const parts = [...(kind === 'pkcs11' ? path.split(';') : [`key=${path}`]), ...query.split('&')]
  const settings: { [name: string]: string } = {}
  for (const part of parts.filter((text) => text !== '')) {
    const at = part.indexOf('=')
    const name = part.slice(0, at)
    if (name === 'pin-value') throw new ConfigurationError(`${option} pkcs11: may not hold a PIN: give pin-source=`)
    if (![...must, ...may].some((known) => known === name) || settings[name] !== undefined) {
      throw refuse(`has "${name}", unknown or twice: give ${[...must, ...may].join(', ')}`)
    }
    try {
      settings[name] = decodeURIComponent(part.slice(at + 1))
    } catch {
      throw refuse(`has a value of "${name}" that is not percent-encoded`)
    }
  }
  // The ARN of a key tells its region.
  if (kind === 'aws-kms') settings.region ??= settings.key?.split(':')[3] ?? ''
  const missing = must.find((name) => (settings[name] ?? '') === '')
  if (missing !== undefined) throw refuse(`lacks ${missing}=`)
  return settings
}

function splitOnce(value: string): readonly [string, string | undefined] {
  const at = value.indexOf(':')
  return at < 0 ? [value, undefined] : [value.slice(0, at), value.slice(at + 1)]
}
