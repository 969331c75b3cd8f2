import assert from 'node:assert/strict'
import { test } from 'node:test'
import { driver } from './drivers.ts'
import { rotators } from './index.ts'
import { fails } from './testing/refusals.ts'

test('a driver that is not installed is named with the line that installs it, and other faults of it stay what they are', async () => {
  const absent: string = 'a-driver-that-nobody-has-made'
  await fails(
    'other',
    driver('mongodb@7.9.0', () => import(absent)),
    /not installed: npm i mongodb@7\.9\.0$/,
  )
  const broken = new SyntaxError('broken')
  await assert.rejects(
    driver('mongodb@7.9.0', () => Promise.reject(broken)),
    broken,
  )
})

test('every driver that is to be installed is an optional peer, in the version that was tested', async () => {
  const { default: manifest } = await import('../package.json', { with: { type: 'json' } })
  const peers: { readonly [name: string]: string } = manifest.peerDependencies
  const optional: { readonly [name: string]: { readonly optional: boolean } } = manifest.peerDependenciesMeta
  const named = new Map(
    rotators.flatMap(({ install }) => (install === undefined ? [] : [install.split('@') as [string, string]])),
  )
  assert.deepEqual([...named.keys()].sort(), Object.keys(peers).sort())
  for (const [name, version] of named) {
    assert.equal(optional[name]?.optional, true, name)
    assert.match(peers[name]!, new RegExp(`\\^${version.split('.')[0]}\\.`), name)
  }
})
