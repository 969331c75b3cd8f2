// `strongroom export`: what a server has, or AWS, as an encrypted archive, or in plain text where that is asked for in so many words.

import type { ClientOptions } from '../command-line.ts'
import { awsSource } from '../import/aws-source.ts'
import { inOrder, outcomeOf } from '../import/carry.ts'
import { openClients } from '../import/clients.ts'
import type { Item, Source } from '../import/item.ts'
import { counted, type Outcome } from '../import/outcome.ts'
import { type Report, startReport } from '../import/report.ts'
import type { Selection } from '../import/selection.ts'
import { type OutputOptions, printable } from '../output.ts'
import { UsageError } from '../usage-error.ts'
import { endLine, headLine, itemLine } from './archive.ts'
import { dotenvLines } from './dotenv.ts'
import { encrypted, mustNotExist, writeWhole } from './file.ts'
import { encrypterOf, type SealOptions } from './keys.ts'

export type ExportOptions = ClientOptions &
  OutputOptions &
  SealOptions & { readonly plaintext?: 'json' | 'dotenv'; readonly concurrency: number }

/** In the place of a file: standard output. */
const STANDARD_OUTPUT = '-'

/** @throws UsageError */
export async function exportTo(file: string, selection: Selection, options: ExportOptions): Promise<void> {
  const { plaintext, recipient, passphraseFile } = options
  if (plaintext !== undefined && (recipient !== undefined || passphraseFile !== undefined)) {
    throw new UsageError('--plaintext takes no key: leave out --recipient and --passphrase-file, or --plaintext')
  }
  const toOutput = file === STANDARD_OUTPUT
  if (toOutput && plaintext === undefined) throw new UsageError('an archive goes to a file: give its name')
  if (!toOutput) mustNotExist(file)
  const encrypter = plaintext === undefined ? await encrypterOf(options) : undefined
  const source = await awsSource(await openClients(options, 'source'), selection)
  const report = startReport(source.total, { ...options, created: 'exported', quiet: toOutput })
  const text = textOf(plaintext, source, options.concurrency, report)
  if (toOutput) await writeAll(text)
  else await writeWhole(file, encrypter === undefined ? text : await encrypted(encrypter, text))
  report.end()
}

/** @throws UsageError where it ends early: then what was written is not whole */
async function writeAll(text: AsyncIterable<Uint8Array>): Promise<void> {
  for await (const chunk of text) {
    await write(chunk).catch(({ code }: NodeJS.ErrnoException) => {
      throw new UsageError(`standard output took a part of it and no more (${code})`)
    })
  }
}

/** On a terminal without what would move its cursor. */
function write(chunk: Uint8Array): Promise<void> {
  const { stdout } = process
  const shown = stdout.isTTY ? Buffer.from(chunk).toString().split('\n').map(printable).join('\n') : chunk
  return new Promise((resolve, reject) => stdout.write(shown, (error) => (error ? reject(error) : resolve())))
}

async function* textOf(
  plaintext: ExportOptions['plaintext'],
  source: Source,
  concurrency: number,
  report: Report,
): AsyncGenerator<Uint8Array> {
  const { head, between, end, lineOf } = writerOf(plaintext)
  let written = 0
  yield Buffer.from(head)
  const read = inOrder(source, concurrency, async (reference) => {
    let line = ''
    const outcome = await outcomeOf(reference, async (item): Promise<Outcome> => {
      line = await lineOf(item)
      return { action: 'create', details: [counted(item.versions.length, 'version'), ...item.notes] }
    })
    return { reference, outcome, line }
  })
  for await (const { reference, outcome, line } of read) {
    if (outcome.action === 'create') {
      yield Buffer.from(`${written === 0 ? '' : between}${line}`)
      written++
    }
    report.tell(reference, outcome)
  }
  yield Buffer.from(end(written))
}

type Writer = {
  readonly head: string
  readonly between: string
  readonly end: (written: number) => string
  readonly lineOf: (item: Item) => Promise<string>
}

function writerOf(plaintext: ExportOptions['plaintext']): Writer {
  if (plaintext === undefined) return { head: headLine(), between: '', end: endLine, lineOf: itemLine }
  if (plaintext === 'json') {
    return { head: '[\n', between: ',\n', end: () => '\n]\n', lineOf: async (item) => (await itemLine(item)).trimEnd() }
  }
  const taken = new Map<string, string>()
  return { head: '', between: '', end: () => '', lineOf: (item) => dotenvLines(item, taken) }
}
