// `strongroom secret edit`: the value in an editor. Its text stands in a file in memory that is wiped and removed at the end, however the
// command ends, but for a write that did not come about: then the text is kept for another try, and the user is told where.

import {
  GetSecretValueCommand,
  PutSecretValueCommand,
  type SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager'
import type { ClientOptions } from '../command-line.ts'
import { ifVersion, isOutdated } from '../if-version.ts'
import { narrow, parseJson, spread } from '../json-text.ts'
import { printable } from '../output.ts'
import { ask } from '../terminal.ts'
import { UsageError } from '../usage-error.ts'
import { readFile, textOf } from '../value.ts'
import { withSecrets } from './client.ts'
import { createDraft, DRAFT_BYTES_MAX, type Draft, removeKept } from './draft.ts'

export type EditOptions = ClientOptions & {
  /** Of an edit that was not written. */
  readonly draft?: string
  readonly allowDisk?: true
}

/** @throws UsageError */
export const editSecret = (SecretId: string, given: EditOptions): Promise<void> =>
  withSecrets(given, async ({ client }) => {
    const { SecretString: before, VersionId } = await client.send(new GetSecretValueCommand({ SecretId }))
    if (before === undefined) throw new UsageError(`the value of ${SecretId} is no text: it cannot be edited`)
    const shown = spread(before)
    const kept = given.draft === undefined ? shown : await readKept(given.draft)
    const draft = createDraft(kept, parseJson(before) !== undefined, given)
    try {
      const edited = await edit(draft, shown)
      const after = shown === before ? edited : narrow(edited)
      // Where it was spread, white space is no change.
      if (after === (shown === before ? before : narrow(before))) {
        process.stderr.write(`${SecretId} was not changed.\n`)
        return
      }
      if (after === '') throw new UsageError('the text is empty: nothing was written')
      await write(client, { SecretId, SecretString: after }, VersionId!, draft)
      if (given.draft !== undefined) removeKept(given.draft)
    } finally {
      draft.remove()
    }
  })

/** @throws UsageError where it is no text: nothing else is edited in its place */
async function readKept(path: string): Promise<string> {
  const text = textOf(await readFile(path, '--draft', DRAFT_BYTES_MAX))
  if (text === undefined) throw new UsageError(`--draft ${path} is no text: nothing was done`)
  return text
}

/** What the editor leaves, without the line end that it adds. Where the value was JSON and is none any more, the user decides. */
async function edit(draft: Draft, shown: string): Promise<string> {
  const isJson = typeof parseJson(shown) === 'object'
  for (;;) {
    await draft.edit()
    const text = draft.read()
    const edited = !shown.endsWith('\n') && text.endsWith('\n') ? text.slice(0, -1) : text
    if (!isJson || parseJson(edited) !== undefined) return edited
    const question = 'That is no JSON any more. Edit it again, write it as it is, or give up? [e/w/N] '
    const answer = process.stdin.isTTY ? await ask(question, '') : ''
    if (answer === 'w') return edited
    if (answer !== 'e') throw new UsageError('the text is no JSON any more: nothing was written')
  }
}

async function write(
  client: SecretsManagerClient,
  input: { readonly SecretId: string; readonly SecretString: string },
  versionId: string,
  draft: Draft,
): Promise<void> {
  const { SecretId } = input
  // Until it is known to be written.
  draft.keep()
  try {
    const { Name, VersionId } = await client.send(ifVersion(versionId, new PutSecretValueCommand(input)))
    draft.release()
    process.stdout.write(`${printable(`${Name}`)}\t${printable(`${VersionId}`)}\n`)
  } catch (error) {
    const next = `your text is kept in ${draft.path}: strongroom secret edit ${SecretId} --draft ${draft.path}`
    if (isOutdated(error)) throw new UsageError(`somebody else has changed ${SecretId} meanwhile, and ${next}`)
    const isAnswer = '$fault' in (error as Error)
    process.stderr.write(`${isAnswer ? 'Nothing was written' : 'Whether it was written is not known'}, and ${next}\n`)
    throw error
  }
}
