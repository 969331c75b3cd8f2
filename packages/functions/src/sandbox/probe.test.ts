import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { promisify } from 'node:util'
import { isMapped, NoSandboxError, type ProbedSandbox, probeSandbox } from './probe.ts'
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

  it('fails where every function would see the data of the server', async () => {
    for (const hidden of [['/usr/local/var/strongroom'], ['/srv', '/usr/local/etc/root.key']]) {
      const lost = probeSandbox({ hidden, levels: ['B'] })
      await assert.rejects(lost, /level B: every function reads \/usr, and files of the server are in it$/)
    }
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

describe('where a machine lacks something', { skip: machineLacks('A') || machineLacks('B') }, () => {
  /** Runs a probe in a container of bubblewrap's. */
  async function probeIn(...container: readonly string[]): Promise<Pick<ProbedSandbox, 'level' | 'missing'>> {
    const script = `
      const { probeSandbox } = await import(${JSON.stringify(join(import.meta.dirname, 'probe.ts'))})
      const { level, missing } = await probeSandbox()
      console.log(JSON.stringify({ level, missing }))`
    const node = [process.execPath, '--no-warnings', '--input-type=module', '-e', script]
    const whole = ['--dev-bind', '/', '/', '--unshare-user', '--uid', '1000', '--gid', '1000', ...container]
    const { stdout } = await promisify(execFile)('bwrap', [...whole, ...node])
    return JSON.parse(stdout)
  }

  it('falls to B where no user namespaces are to be had, as in Docker and on Ubuntu', async () => {
    const { level, missing } = await probeIn('--disable-userns')
    assert.equal(level, 'B')
    assert.match(missing.map((one) => `${one.level}: ${one.reason}`).join(), /^A: bwrap: /)
  })

  it('falls to B where bubblewrap is not installed', async (t) => {
    const empty = mkdtempSync(join(tmpdir(), 'strongroom-test-'))
    t.after(() => rmSync(empty, { recursive: true }))
    chmodSync(empty, 0o755)
    const { level, missing } = await probeIn(
      '--ro-bind',
      empty,
      '/usr/local/bin',
      '--tmpfs',
      '/usr/bin',
      '--ro-bind',
      '/bin/sleep',
      '/usr/bin/sleep',
    )
    assert.deepEqual(
      { level, missing },
      { level: 'B', missing: [{ level: 'A', reason: 'bubblewrap (bwrap) is not installed' }] },
    )
  })
})
