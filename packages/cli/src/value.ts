// Values of secrets and parameters on their way in and out: never from the command line, where other users and the history of the shell
// would see them, and out as they are, byte for byte.

import { open } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import { readHidden } from './terminal.ts'
import { UsageError } from './usage-error.ts'

/** Of a secret. A parameter takes less, and the server tells. */
const VALUE_BYTES_MAX = 65_536

export type ValueOptions = { readonly file?: string; readonly exact?: true; readonly generate?: true } & Alphabet

/** Of GetRandomPassword. */
type Alphabet = {
  readonly length?: string
  readonly excludeCharacters?: string
  readonly excludeLowercase?: true
  readonly excludeNumbers?: true
  readonly excludePunctuation?: true
  readonly excludeUppercase?: true
  readonly includeSpace?: true
  readonly requireEachIncludedType?: boolean
}

export const addValueOptions = (command: Command): Command =>
  command
    .option('--file <FILE>', 'what has the value; absent: standard input, on a terminal without showing what is typed')
    .option('--exact', 'byte for byte: the line end of a value of one line is part of it too')
    .addOption(new Option('--generate', 'a random password, which is not shown').conflicts(['file', 'exact']))
    .option('--length <N>', 'of --generate: characters (default: 32)')
    .option('--exclude-characters <TEXT>', 'of --generate')
    .option('--exclude-lowercase', 'of --generate')
    .option('--exclude-numbers', 'of --generate')
    .option('--exclude-punctuation', 'of --generate')
    .option('--exclude-uppercase', 'of --generate')
    .option('--include-space', 'of --generate')
    .option('--no-require-each-included-type', 'of --generate: it may lack one of the kinds of characters')
    .allowExcessArguments()

/** @throws UsageError where a value stands on the command line, which is not repeated. */
export function refuseArgument({ args }: Command): void {
  if (args.length > 1) {
    throw new UsageError(
      'values are not taken from the command line, where other users and the history of the shell see them: use standard input, --file, or what is asked for on a terminal',
    )
  }
}

/** What GetRandomPassword is asked for. @throws UsageError where there is no --generate for it. */
export function passwordInput(given: ValueOptions) {
  const { length, requireEachIncludedType: require = true } = given
  const input = {
    ...(length !== undefined && { PasswordLength: wholeNumber('--length', length) }),
    ...(given.excludeCharacters !== undefined && { ExcludeCharacters: given.excludeCharacters }),
    ...(given.excludeLowercase && { ExcludeLowercase: true }),
    ...(given.excludeNumbers && { ExcludeNumbers: true }),
    ...(given.excludePunctuation && { ExcludePunctuation: true }),
    ...(given.excludeUppercase && { ExcludeUppercase: true }),
    ...(given.includeSpace && { IncludeSpace: true }),
    ...(!require && { RequireEachIncludedType: false }),
  }
  if (!given.generate && Object.keys(input).length > 0) {
    throw new UsageError('what a random password is made of goes with --generate')
  }
  return input
}

export function wholeNumber(option: string, text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new UsageError(`${option} ${text} is not a whole number`)
  return Number(text)
}

/** From the file, standard input or the terminal, never empty. The end of a value of one line is left out. @throws UsageError */
export async function readValue({ file, exact }: ValueOptions): Promise<Buffer> {
  const bytes =
    file !== undefined
      ? await readFile(file)
      : process.stdin.isTTY
        ? Buffer.from(await readTyped())
        : await readBounded(process.stdin)
  const line = exact ? bytes : withoutLineEnd(bytes)
  if (line.length === 0) throw new UsageError('the value is empty: give it on standard input, or with --file')
  return line
}

/** @throws UsageError where it cannot be read, or is larger than any value. `option` is what named it. */
export async function readFile(path: string, option = '--file', bytesMax = VALUE_BYTES_MAX): Promise<Buffer> {
  try {
    const file = await open(path)
    return await readBounded(file.createReadStream(), bytesMax)
  } catch (error) {
    if (error instanceof UsageError) throw error
    throw new UsageError(`${option} ${path} cannot be read (${(error as NodeJS.ErrnoException).code})`)
  }
}

async function readBounded(stream: AsyncIterable<unknown>, bytesMax = VALUE_BYTES_MAX): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of stream) {
    chunks.push(chunk as Buffer)
    length += (chunk as Buffer).length
    if (length > bytesMax) throw new UsageError(`the value is too long: ${bytesMax} bytes at most`)
  }
  return Buffer.concat(chunks)
}

const readTyped = (): Promise<string> => readHidden('Value (not shown): ', VALUE_BYTES_MAX, 'The same again: ')

/** `echo` and editors end a line: a password with a line end in it is a mistake, a file of several lines is not. */
function withoutLineEnd(bytes: Buffer): Buffer {
  const end = bytes.indexOf('\n')
  if (end < 0 || end !== bytes.length - 1) return bytes
  return bytes.subarray(0, bytes[end - 1] === 0x0d ? end - 1 : end)
}

/** Undefined where the bytes are no text. */
export function textOf(bytes: Buffer): string | undefined {
  const text = bytes.toString()
  return Buffer.from(text).equals(bytes) && !text.includes('\0') ? text : undefined
}

/**
 * The value and nothing else: exact into a pipe or file. A terminal gets a line end after it, and escapes for what would move its cursor.
 * @throws UsageError of binary values on a terminal.
 */
export function printValue(value: string | Uint8Array): void {
  const { stdout, stderr } = process
  if (!stdout.isTTY) {
    stdout.write(value)
    return
  }
  const text = typeof value === 'string' ? value : textOf(Buffer.from(value))
  if (text === undefined) {
    throw new UsageError(`the value is ${value.length} bytes of no text: send it into a file or a program`)
  }
  const shown = text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028-\u202e\u2066-\u2069]/g, escaped)
  stdout.write(shown.endsWith('\n') ? shown : `${shown}\n`)
  if (shown !== text) stderr.write('strongroom: control characters are shown as escapes here; a pipe gets the value\n')
}

const escaped = (character: string): string =>
  character === '\r' ? '' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
