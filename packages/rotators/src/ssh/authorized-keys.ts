// The text of an authorized_keys file, changed by keys alone: every other line stays byte for byte.
// https://man.openbsd.org/sshd#AUTHORIZED_KEYS_FILE_FORMAT

import { fingerprintOf, publicLineOf, readPublicKey, type SshKey } from './keys.ts'

type Public = Pick<SshKey, 'type' | 'blob'>

/** Options, where there are any, with the spaces behind them; type; key; the rest. */
const LINE =
  /^([ \t]*(?:(?:"(?:\\.|[^"\\])*"|[^\s"#])(?:"(?:\\.|[^"\\])*"|[^\s"])*[ \t]+)?)([a-z0-9@.-]+)([ \t]+)([A-Za-z0-9+/]+={0,2})((?:[ \t].*)?\r?)$/

type Line = { readonly text: string; readonly options: string; readonly blob: string; readonly comment: string }

function lineOf(text: string): Line {
  const [, options = '', type = '', , base64 = '', comment = ''] = LINE.exec(text) ?? []
  return { text, options, comment, blob: readPublicKey([type, base64])?.blob.toString('base64') ?? '' }
}

const idOf = ({ blob }: Public): string => blob.toString('base64')

/** Of each line with the key. */
export const optionsOf = (content: string, key: Public): readonly string[] =>
  content
    .split('\n')
    .map(lineOf)
    .filter(({ blob }) => blob === idOf(key))
    .map(({ options }) => options.trim())

const MARK = /[ \t]*strongroom-after:\S+/

/** Whose place it takes: what a rotation that was given up has left is known by it. */
const withMark = (comment: string, beside: Public): string => {
  const [, bare = '', end = ''] = /^(.*?)(\r?)$/.exec(comment) ?? []
  return `${bare.replace(MARK, '')} ${markOf(beside)}${end}`
}

const markOf = (beside: Public): string => `strongroom-after:${fingerprintOf(beside)}`

/**
 * The content with `added` behind each line of `beside`, with its options and comment, and without the lines of `removed` and those that were
 * added beside the same key before.
 * @param content in latin1, so that bytes stay what they are
 */
export function changeKeys(
  content: string,
  {
    beside,
    added,
    removed,
  }: { readonly beside: Public; readonly added: Public; readonly removed?: Public | undefined },
): string {
  const mark = ` ${markOf(beside)}`
  const lines = content.split('\n').map(lineOf)
  return lines
    .flatMap(({ text, options, blob, comment }) => {
      if (blob === '') return [text]
      if (blob === idOf(beside)) return [text, `${options}${publicLineOf(added)}${withMark(comment, beside)}`]
      const gone = blob === idOf(added) || (removed && blob === idOf(removed)) || comment.trimEnd().endsWith(mark)
      return gone ? [] : [text]
    })
    .join('\n')
}
