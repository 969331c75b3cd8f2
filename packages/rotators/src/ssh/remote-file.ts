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
  /** An account that may write neither the file nor its folder, or the file is left alone. */
  readonly keptFrom?: string
}

/** These scripts pass any login shell as one word in single quotes: they have no quote, backslash, exclamation mark or line end. */
const FIND = 'exec 2>&1; umask 077; n=$1; f=$2; cd || exit 1; [ -e "$f" ] || { echo "$n absent"; exit 0; }; '
const GUARD =
  '[ -z "$3" ] || [ -z "$(find "$f" "$(dirname "$f")" -prune "(" -user "$3" -o -perm -002 -o -type l ")")" ] || { echo "$n open"; exit 0; }; '
const READ = `${FIND}${GUARD}f=$(readlink -f "$f"); [ -r "$f" ] || { echo "$n unreadable"; exit 0; }; if [ -w "$f" ] && [ -w "$(dirname "$f")" ]; then w=writable; else w=readonly; fi; echo "$n $w"; cat "$f"; echo "$n end"`
const SWAP = [
  `${FIND}${GUARD}f=$(readlink -f "$f"); t="$f.strongroom-$4"; rm -f "$t".*; t="$t.$$"`,
  'end() { rm -f "$t.in" "$t.old" "$t.new"; }; trap end EXIT; trap "exit 1" HUP INT TERM PIPE',
  'no() { echo "$n $1"; exit 0; }; like() { set -- $(ls -ldn "$1"); echo "$1 $3 $4"; }',
  'cat > "$t.in" || no readonly; [ "$(wc -c < "$t.in")" -eq "$(($5 + $6))" ] || no short',
  'head -c "$5" "$t.in" > "$t.old" && cp -p "$f" "$t.new" && tail -c "$6" "$t.in" > "$t.new" || no readonly',
  '[ "$(like "$f")" = "$(like "$t.new")" ] || no owner',
  'sync "$t.new" > /dev/null || sync; cmp -s "$f" "$t.old" || no changed',
  'mv -f "$t.new" "$f" && no done; no readonly',
].join('; ')

type Word = 'absent' | 'open' | 'unreadable' | 'readonly' | 'writable' | 'short' | 'owner' | 'changed' | 'done'

export type Read = { readonly content: string; readonly writable: boolean }

/** @throws RotatorError as of `runSsh`; `permission` where there is no such file, or it cannot be read */
export async function readRemoteFile(file: RemoteFile, io: Io): Promise<Read> {
  const { word, rest } = await run(file, READ, [], '', io)
  if (word !== 'writable' && word !== 'readonly') throw refusal(file, word)
  return { content: rest, writable: word === 'writable' }
}

/**
 * @param name of who writes it: files that its last interruption has left are taken away
 * @returns false where the file is not `from` any more
 * @throws RotatorError as of `runSsh`; `permission` where it cannot be written
 */
export async function replaceRemoteFile(
  file: RemoteFile,
  { from, to, name }: { readonly from: string; readonly to: string; readonly name: string },
  io: Io,
): Promise<boolean> {
  const mark = createHash('sha256').update(name).digest('hex').slice(0, 16)
  const { word } = await run(file, SWAP, [mark, String(from.length), String(to.length)], from + to, io)
  if (word === 'changed') return false
  if (word !== 'done') throw refusal(file, word)
  return true
}

async function run(file: RemoteFile, script: string, more: readonly string[], input: string, io: Io) {
  const { account, key, path, as, keptFrom = '' } = file
  const nonce = io.randomBytes(16).toString('hex')
  const shell = ['-c', script, 'sh', nonce, path, keptFrom, ...more]
  const words =
    as === undefined
      ? ['/bin/sh', ...shell]
      : account.username === 'root'
        ? ['su', '-s', '/bin/sh', as, ...shell]
        : ['sudo', '-n', '-H', '-u', as, '/bin/sh', ...shell]
  const { output } = await runSsh(account, key, { command: words.map(quoted).join(' '), input }, io)
  const [, word = '', rest = ''] = new RegExp(`${nonce} ([a-z]+)\\n(?:([^]*)${nonce} end\\n)?`).exec(output) ?? []
  if (word === '') {
    const who = as === undefined ? 'The key' : `${account.username} may not become ${as}, or`
    const message = `${who} runs no commands at ${placeOf(account)}: it has a forced command, or its account no shell.`
    throw new RotatorError('permission', message)
  }
  return { word: word as Word, rest }
}

function quoted(word: string): string {
  if (/['!\\\n]/.test(word)) throw new TypeError('A word that no shell is given')
  return /^[A-Za-z0-9./_-]+$/.test(word) ? word : `'${word}'`
}

function refusal({ path, account }: RemoteFile, word: Word): RotatorError {
  const place = `${path} at ${placeOf(account)}`
  if (word === 'short') return new RotatorError('unreachable', `Less than the whole of ${place} arrived.`)
  const why = {
    absent: 'is not there: the member authorizedKeysFile says where keys are.',
    open: 'is a link, or can be changed by its account or by everybody: it is left to the account itself.',
    unreadable: 'cannot be read.',
    owner: 'would get another owner or mode.',
  } as const
  const reason = word in why ? why[word as keyof typeof why] : 'cannot be written, or its folder cannot.'
  return new RotatorError('permission', `${place} ${reason}`)
}
