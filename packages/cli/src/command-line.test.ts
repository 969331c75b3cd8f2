// docs/command-line.md, run as it stands.

import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { serve } from './testing.ts'
import { assertPage } from './testing-script.ts'

test('every command of docs/command-line.md prints what the page says', { timeout: 300_000 }, async (t) => {
  const { url, dataDir } = await serve(t)
  const page = readFileSync(new URL('../../../docs/command-line.md', import.meta.url), 'utf8')
  await assertPage(t, page, { AWS_ENDPOINT_URL: url, STRONGROOM_DATA_DIR: dataDir })
})
