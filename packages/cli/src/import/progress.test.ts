import assert from 'node:assert/strict'
import { test } from 'node:test'
import { stripVTControlCharacters } from 'node:util'
import { startProgress } from './progress.ts'

test('a bar takes one line of a terminal, however narrow it is and becomes', () => {
  const lines: string[] = []
  const stream = { isTTY: true, columns: 20, write: (text: string) => lines.push(text) }
  const progress = startProgress(1_234, true, stream as unknown as NodeJS.WriteStream)
  for (const columns of [20, 25, 60, 200, 8, 1, 0]) {
    stream.columns = columns
    progress.advance(columns === 60)
    const shown = stripVTControlCharacters(lines.at(-1)!).replace('\r', '')
    assert.ok(shown.length < (columns || 80), `${shown.length} of ${columns}: ${shown}`)
  }
  const texts = lines.map((line) => stripVTControlCharacters(line).replace('\r', ''))
  assert.deepEqual(texts.slice(0, 4), [
    '[       ] 0 of 1234',
    '[       ] 1 of 1234',
    '[            ] 2 of 1234',
    `[${' '.repeat(30)}] 3 of 1234, 1 failed`,
  ])
  progress.end()
  assert.equal(lines.at(-1), '\r\u001b[K')
})
