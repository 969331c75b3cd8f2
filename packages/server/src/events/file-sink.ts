// A file as a sink: one event a line, appended and on disk before it counts. The file is opened for each batch, so it may be moved away and
// a new one begins.

import { open } from 'node:fs/promises'
import type { PublishedEvent } from './event.ts'
import type { Delivery } from './sinks.ts'

const NEWLINE = 0x0a

/** All of the events, or none that counts: what a crash cut off ends with its line, and its events are written again. */
export async function appendLines(path: string, events: readonly PublishedEvent[]): Promise<Delivery> {
  try {
    await using file = await open(path, 'a+', 0o600)
    const { size } = await file.stat()
    const last = Buffer.alloc(1)
    if (size > 0) await file.read(last, 0, 1, size - 1)
    const torn = size > 0 && last[0] !== NEWLINE
    await file.appendFile(`${torn ? '\n' : ''}${events.map(({ body }) => `${body}\n`).join('')}`)
    await file.datasync()
    return { taken: events.length }
  } catch (error) {
    return { taken: 0, error: (error as NodeJS.ErrnoException).code ?? 'cannot be written' }
  }
}
