import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { isMapped, NoSandboxError, probeSandbox } from './probe.ts'
import { machineLacks } from './testing.ts'

describe('probeSandbox', { skip: machineLacks('B') }, () => {
  it('finds the best level that holds, and says why a better one does not', async () => {
    const best = await probeSandbox()
    assert.ok(best.level === 'A' || best.missing.some(({ level }) => level === 'A'))
    const { level, missing } = await probeSandbox({ levels: ['B'] })
    assert.deepEqual({ level, missing }, { level: 'B', missing: [] })
  })

  it('fails where functions could not reach their folder', {
    skip: process.getuid?.() !== 0 && 'not root',
  }, async (t) => {
    const directory = mkdtempSync(join(tmpdir(), 'strongroom-test-'))
    t.after(() => rmSync(directory, { recursive: true }))
    chmodSync(directory, 0o700)
    await assert.rejects(probeSandbox({ directory, levels: ['B'] }), (error: Error) => {
      assert.ok(error instanceof NoSandboxError)
      assert.match(error.message, /^functions cannot be confined here: level B: .*(EACCES|permission denied)/)
      return true
    })
  })

  it('names the levels that it could not give', { skip: process.getuid?.() !== 0 && 'not root' }, async () => {
    await assert.rejects(
      probeSandbox({ uidsFirst: 4_294_967_000 }),
      /level A: the user ids from 4294967000 to 4295032535 do not exist in this container: name others; level B: /,
    )
  })
})

describe('isMapped', () => {
  it('knows what a container lets through', () => {
    assert.equal(isMapped(1_900_000_000, 65_536, '         0          0 4294967295\n'), true)
    assert.equal(isMapped(1_900_000_000, 65_536, '0 100000 65536'), false)
    assert.equal(isMapped(1_000, 1_000, '0 1000 1\n1 100000 65535\n'), true)
  })
})
