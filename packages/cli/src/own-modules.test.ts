// What a start loads, and what it need not.

import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import * as ours from './node-http.ts'

const OWN = new URL('./own-modules.ts', import.meta.url).href
const SERVER = import.meta.resolve('@strongroom/server/start.ts')

/** What a module prints of itself in a process of its own. */
async function said(program: string): Promise<unknown> {
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', program]
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: import.meta.dirname, env: {} })
  return JSON.parse(stdout)
}

const LOADS_FETCH = `process.moduleLoadList.some((name) => name.includes('undici'))`

test('neither the server nor the commands load fetch, nor what measures the width of texts', async () => {
  const program = `
    import { registerHooks } from 'node:module'
    const loaded = []
    registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) })
    await import('${OWN}')
    for (const url of ['./main.ts', './agent.ts', '${SERVER}']) await import(url)
    const measures = loaded.some((url) => url.includes('/string-width/'))
    console.log(JSON.stringify({ loadsFetch: ${LOADS_FETCH}, measures }))`
  assert.deepEqual(await said(program), { loadsFetch: false, measures: false })
  const alone = `await import('node:http'); console.log(${LOADS_FETCH})`
  assert.equal(await said(alone), true, 'Node needs no help with it any more')
})

test('what our modules import of node:http is what Node has under that name', () => {
  const http: { readonly [name: string]: unknown } = { ...process.getBuiltinModule('node:http') }
  for (const [name, value] of Object.entries(ours)) assert.equal(value, http[name], name)
  const packages = join(import.meta.dirname, '../../..')
  for (const file of globSync('packages/*/src/**/*.ts', { cwd: packages })) {
    const text = readFileSync(join(packages, file), 'utf8')
    for (const [, names = ''] of text.matchAll(/^import \{([^}]*)\} from 'node:http'$/gm)) {
      const values = names.split(',').map((name) => name.trim().replace(/ as .*/, ''))
      for (const name of values) if (!/^(type |$)/.test(name)) assert.ok(Object.hasOwn(ours, name), `${file}: ${name}`)
    }
  }
})
