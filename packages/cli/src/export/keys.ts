// What an archive is encrypted to, and what opens it: age's recipients and identities, or a passphrase. https://age-encryption.org/v1

import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'
import { Decrypter, Encrypter } from 'age-encryption'
import { UsageError } from '../usage-error.ts'

export type SealOptions = { readonly recipient?: readonly string[]; readonly passphraseFile?: string }
export type OpenOptions = { readonly identityFile?: string; readonly passphraseFile?: string }

const PASSPHRASE_CHARACTERS_MIN = 12
const KEY_FILE_BYTES_MAX = 65_536

/** @throws UsageError */
export async function encrypterOf({ recipient = [], passphraseFile }: SealOptions): Promise<Encrypter> {
  if (recipient.length > 0 && passphraseFile !== undefined) {
    throw new UsageError('--recipient and --passphrase-file do not go together: an archive has one kind of key')
  }
  const encrypter = new Encrypter()
  for (const key of recipient) {
    try {
      encrypter.addRecipient(key)
    } catch {
      throw new UsageError(`--recipient ${key} is no recipient of age: age1…, as age-keygen -y prints it`)
    }
  }
  if (recipient.length > 0) return encrypter
  const passphrase = passphraseFile === undefined ? await askTwice() : readPassphrase(passphraseFile)
  if (passphrase.length < PASSPHRASE_CHARACTERS_MIN) {
    throw new UsageError(
      `a passphrase has at least ${PASSPHRASE_CHARACTERS_MIN} characters: whoever has the file can try as many as they like`,
    )
  }
  encrypter.setPassphrase(passphrase)
  return encrypter
}

/** @throws UsageError */
export async function decrypterOf({ identityFile, passphraseFile }: OpenOptions): Promise<Decrypter> {
  const decrypter = new Decrypter()
  if (identityFile === undefined) {
    decrypter.addPassphrase(passphraseFile === undefined ? await ask('Passphrase: ') : readPassphrase(passphraseFile))
    return decrypter
  }
  const identities = readKeyFile(identityFile)
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
  try {
    for (const identity of identities) decrypter.addIdentity(identity)
  } catch {
    throw new UsageError(`${identityFile} holds what is no identity of age: AGE-SECRET-KEY-1…, as age-keygen writes it`)
  }
  if (identities.length === 0) throw new UsageError(`${identityFile} holds no identity of age`)
  return decrypter
}

/** Its first line. */
function readPassphrase(file: string): string {
  const passphrase = readKeyFile(file).split(/\r?\n/)[0]!
  if (passphrase === '') throw new UsageError(`the first line of ${file} is empty: it is the passphrase`)
  return passphrase
}

function readKeyFile(file: string): string {
  try {
    const text = readFileSync(file, 'utf8')
    if (text.length > KEY_FILE_BYTES_MAX) throw new UsageError(`${file} is too long for a key`)
    return text
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${file} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

async function askTwice(): Promise<string> {
  const passphrase = await ask('Passphrase: ', '--recipient or --passphrase-file')
  if ((await ask('The same again: ', '')) !== passphrase) throw new UsageError('that was another passphrase')
  return passphrase
}

/** From the terminal, without showing it. `mend`: what names a key where there is none. */
async function ask(prompt: string, mend = '--identity-file or --passphrase-file'): Promise<string> {
  if (!process.stdin.isTTY) throw new UsageError(`nobody can be asked for a passphrase: give ${mend}`)
  process.stderr.write(prompt)
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() })
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true })
  try {
    return await new Promise<string>((resolve, reject) => {
      lines.once('line', resolve)
      lines.once('close', () => reject(new UsageError('nothing was given')))
    })
  } finally {
    lines.close()
    process.stderr.write('\n')
  }
}
