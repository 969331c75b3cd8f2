// A text file at a host, read and replaced by fixed commands of POSIX, head -c and readlink -f. It is replaced by renaming, only where it is
// still what was read, and keeps its mode and owner. What is written comes over standard input.

import { createHash } from 'node:crypto'
import { RotatorError } from '../errors.ts'
import type { Io } from '../rotator.ts'
import { placeOf } from '../secret.ts'
import { runSsh, type SshAccount } from './client.ts'
import type { SshKey } from './keys.ts'

export type RemoteFile = {
  readonly account: SshAccount
  readonly key: SshKey
  /** Absolute, or from the account's home folder: of `A-Z a-z 0-9 . _ / @ + -`, and not with a `-` in front. */
  readonly path: string
  /** Another account of the host to become; its home folder then. */
  readonly as?: string
  /** An account that may write neither the file nor any folder above it, or the file is left alone. */
  readonly keptFrom?: string
}

/**
 * Prints the file, and where it is then told what to make of it, does so. It passes any login shell as one word in single quotes: it has no
 * quote, backslash, exclamation mark or line end.
 */
const SCRIPT = [
  'exec 2>&1; umask 077; n=$1; f=$2; who=$3; no() { echo "$n $1"; exit 0; }; cd && [ -e "$f" ] || no absent',
  // Each prints what it was given only where all is well, so that it is refused too where there is no find.
  'own() { [ -z "$who" ] || [ "$(find "$1" -prune "(" -user "$who" -o -perm -002 -o -perm -020 -o -type l -o -print ")")" = "$1" ]; }',
  'above() { [ "$(find "$1" -prune "(" -user "$who" -o -perm -1000 -print -o -perm -002 -o -perm -020 -o -print ")")" = "$1" ]; }',
  'own "$f" && own "$(dirname "$f")" || no open; f=$(readlink -f "$f"); [ -r "$f" ] || no unreadable; d=$f',
  'until [ -z "$who" ] || [ "$d" = / ] || [ "$d" = // ]; do d=$(dirname "$d"); above "$d" || no open; done',
  'w=readonly; [ -w "$f" ] && [ -w "$(dirname "$f")" ] && w=writable',
  'echo "$n $w"; cat "$f"; echo "$n end"; read -r old new || exit 0',
  't="$f.strongroom-$4"; rm -f "$t".*; t="$t.$$"',
  'clean() { rm -f "$t.in" "$t.old" "$t.new"; }; trap clean EXIT; trap "exit 1" HUP INT TERM PIPE',
  'like() { set -- $(ls -ldn "$1"); echo "$1 $3 $4"; }',
  'cat > "$t.in" || no readonly; [ "$(wc -c < "$t.in")" -eq "$(($old + $new))" ] || no short',
  'head -c "$old" "$t.in" > "$t.old" && cp -p "$f" "$t.new" && tail -c "$new" "$t.in" > "$t.new" || no readonly',
  '[ "$(like "$f")" = "$(like "$t.new")" ] || no owner',
  'sync "$t.new" > /dev/null || sync; cmp -s "$f" "$t.old" || no changed',
  'mv -f "$t.new" "$f" && no done; no readonly',
].join('; ')

const REASONS = {
  absent: 'is not there: the member authorizedKeysFile says where keys are.',
  open: 'is a link, or it, or a folder above it, can be changed by its account, a group or everybody: it is left to the account itself.',
  unreadable: 'cannot be read.',
  readonly: 'cannot be written, or its folder cannot.',
  owner: 'would get another owner or mode.',
} as const

/** In latin1, so that bytes stay what they are. */
export type RemoteText = { readonly content: string; readonly writable: boolean }

export type Change = {
  /** Of who changes it: what its last interruption has left in the folder is taken away. */
  readonly name: string
  /** The new content; the same where nothing is to be changed. It may throw. */
  readonly to: (content: string) => string
}

/**
 * What the file holds; with a change, what it held before.
 * @returns undefined where somebody else has changed it meanwhile, and it is as they left it
 * @throws RotatorError as of `runSsh`; `permission` where it is not there, or cannot be read or written
 */
export async function remoteFile(file: RemoteFile, io: Io, change?: Change): Promise<RemoteText | undefined> {
  const { account, key, path, as, keptFrom = '' } = file
  const nonce = io.randomBytes(16).toString('hex')
  const name = createHash('sha256')
    .update(change?.name ?? '')
    .digest('hex')
    .slice(0, 16)
  const shell = ['-c', SCRIPT, 'sh', nonce, path, keptFrom, name]
  const words =
    as === undefined
      ? ['/bin/sh', ...shell]
      : account.username === 'root'
        ? ['su', '-s', '/bin/sh', as, ...shell]
        : ['sudo', '-n', '-H', '-u', as, '/bin/sh', ...shell]
  const begin = new RegExp(`${nonce} (?:(writable|readonly)\\n([^]*?)${nonce} end\\n|((?!writable|readonly)[a-z]+)\\n)`)
  let sent = false
  const reply = (output: string): string | undefined => {
    const [, writable, content = '', refused] = begin.exec(output) ?? []
    if (refused !== undefined || (writable !== undefined && change === undefined)) return ''
    if (writable === undefined) return undefined
    const to = change!.to(content)
    sent = to !== content
    return sent ? `${content.length} ${to.length}\n${content}${to}` : ''
  }
  const { output } = await runSsh(account, key, { command: words.map(quoted).join(' '), reply }, io)
  const [whole = '', writable, content = '', refused = ''] = begin.exec(output) ?? []
  if (whole === '') throw noCommands(file)
  const end = refused || (sent ? new RegExp(`${nonce} ([a-z]+)\\n$`).exec(output.slice(whole.length))?.[1] : 'done')
  if (end === 'changed') return undefined
  if (end !== 'done') throw refusal(file, end)
  return { content, writable: writable === 'writable' }
}

function quoted(word: string): string {
  if (/['!\\\n]/.test(word)) throw new TypeError('A word that no shell is given')
  return /^[A-Za-z0-9./_-]+$/.test(word) ? word : `'${word}'`
}

function noCommands({ account, as }: RemoteFile): RotatorError {
  const who = as === undefined ? 'The key' : `${account.username} may not become ${as}, or its key`
  const message = `${who} runs no commands at ${placeOf(account)}: it has a forced command, or its account no shell.`
  return new RotatorError('permission', message)
}

function refusal({ path, account }: RemoteFile, word = ''): RotatorError {
  const place = `${path} at ${placeOf(account)}`
  if (Object.hasOwn(REASONS, word))
    return new RotatorError('permission', `${place} ${REASONS[word as keyof typeof REASONS]}`)
  return new RotatorError('unreachable', `It is not known whether ${place} was changed: the connection ended before.`)
}
