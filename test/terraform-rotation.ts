// The function of docs/terraform, packed as its reader packs it.

import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { zip } from '../packages/server/src/services/lambda/testing.ts'

const SOURCE = resolve(import.meta.dirname, '../docs/terraform/rotate/index.mjs')

export const rotationZip = (): Buffer =>
  zip({ name: 'index.mjs', content: readFileSync(SOURCE, 'utf8'), mode: 0o100644 })
