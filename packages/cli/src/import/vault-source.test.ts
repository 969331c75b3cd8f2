// KV secrets engines of Vault, as its published API has them: what becomes of their secrets, and what is told.

import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { DescribeSecretCommand } from '@aws-sdk/client-secrets-manager'
import { makeCertificate } from '../../../rotators/src/testing/certificates.ts'
import { carry, startEnd, versionsOf } from './testing.ts'
import { startVault, VAULT_TOKEN, type VaultContent } from './testing-vault.ts'
import { type VaultOptions, vaultClient } from './vault-client.ts'
import { type KvSelection, vaultSource } from './vault-source.ts'

function tokenFile(t: TestContext, token = VAULT_TOKEN): string {
  const directory = mkdtempSync(join(tmpdir(), 'strongroom-'))
  t.after(() => rmSync(directory, { recursive: true }))
  writeFileSync(join(directory, 'token'), `${token}\n`)
  return join(directory, 'token')
}

const open = async (t: TestContext, address: string, selection: Partial<KvSelection> = {}, more: VaultOptions = {}) =>
  vaultSource(vaultClient({ address, tokenFile: tokenFile(t), ...more }), {
    mount: 'secret',
    path: '',
    prefix: '',
    ...selection,
  })

const CONTENT: VaultContent = {
  mount: 'secret',
  version: '2',
  secrets: {
    'app/db': {
      versions: [
        { json: '{"password":"1"}' },
        {},
        { json: '{"password":"3"}' },
        { destroyed: true },
        { json: '{"password":"5","id":12345678901234567890,"n":1.50,"nested":{"a":[1,true,null]}}' },
      ],
      custom: { team: 'a', note: 'not/for <tags>' },
    },
    'app/deep/er/token': { versions: [{ json: '{"token":"x"}' }] },
    app: { versions: [{ json: '{"a":"1"}' }] },
    'gone/latest': { versions: [{ json: '{"a":"1"}' }, {}] },
    'odd name': { versions: [{ json: '{"a":"1"}' }] },
    'other/one': { versions: [{ json: '{"a":"1"}' }] },
  },
}

test('KV version 2: live versions in their order, labels, tags, exact numbers; the rest is told; a second run writes nothing', async (t) => {
  const [target, address] = await Promise.all([startEnd(t), startVault(t, CONTENT, { busy: 2 })])
  const told = await carry(await open(t, address, { prefix: 'vault/' }), target)
  assert.deepEqual(
    told.map(({ name, action, details }) => `${action} ${name}: ${details}`),
    [
      'create vault/app: 1 version',
      'create vault/app/db: 3 versions; not copied: 2 versions deleted in Vault; not copied: custom_metadata that no tag can hold (note)',
      'create vault/app/deep/er/token: 1 version',
      'leave out vault/gone/latest: its latest version, 2, is deleted in Vault',
      'refuse vault/odd name: its path has characters that no name of a secret can have: copy it by hand',
      'create vault/other/one: 1 version',
    ],
  )
  const versions = await versionsOf(target, 'vault/app/db')
  assert.deepEqual(
    versions.map(({ value, stages }) => [value, stages.join()]),
    [
      ['{"password":"1"}', ''],
      ['{"password":"3"}', 'AWSPREVIOUS'],
      ['{"password":"5","id":12345678901234567890,"n":1.50,"nested":{"a":[1,true,null]}}', 'AWSCURRENT'],
    ],
  )
  const { Tags } = await target.secrets.send(new DescribeSecretCommand({ SecretId: 'vault/app/db' }))
  assert.deepEqual(Tags, [{ Key: 'team', Value: 'a' }])
  const again = await carry(await open(t, address, { prefix: 'vault/' }), target)
  assert.deepEqual(new Set(again.map(({ action }) => action)), new Set(['leave', 'leave out', 'refuse']))
  assert.deepEqual(await versionsOf(target, 'vault/app/db'), versions)
})

test('a path is the secret of that name and what is below it; namespaces and own authorities are used', async (t) => {
  const namesAt = async (path: string) =>
    [...((await open(t, address, { path })).references as Iterable<{ readonly name: string }>)].map(({ name }) => name)
  const address = await startVault(t, CONTENT)
  assert.deepEqual(await namesAt('app'), ['app', 'app/db', 'app/deep/er/token'])
  assert.deepEqual(await namesAt('app/'), ['app/db', 'app/deep/er/token'])
  assert.deepEqual(await namesAt('other/one'), ['other/one'])
  assert.deepEqual(await namesAt('nowhere'), [])
  const inNamespace = await startVault(t, CONTENT, { namespace: 'team/a' })
  assert.equal((await open(t, inNamespace, {}, { namespace: 'team/a' })).total, 6)
  await assert.rejects(
    open(t, inNamespace),
    /^UsageError: Vault refuses the token at sys\/internal\/ui\/mounts\/secret: /,
  )
})

test('over TLS the certificate is verified, by the authorities that are named', async (t) => {
  const directory = join(tokenFile(t), '..')
  const { certificateFile, keyFile, authorityFile } = await makeCertificate(directory)
  const tls = { key: readFileSync(keyFile, 'utf8'), cert: readFileSync(certificateFile, 'utf8') }
  const address = await startVault(t, CONTENT, { tls })
  assert.equal((await open(t, address, {}, { ca: authorityFile })).total, 6)
  await assert.rejects(
    open(t, address),
    /^UsageError: no answer from https:\/\/127\.0\.0\.1:\d+ \(\w*(CERT|SIGNATURE|ISSUER)\w*\)/,
  )
})

test('KV version 1: the value as it is, and again after it changed only where that is asked for', async (t) => {
  const target = await startEnd(t)
  const content = (json: string): VaultContent => ({
    mount: 'kv/team',
    version: '1',
    secrets: { 'app/db': { versions: [{ json }] } },
  })
  const from = async (json: string) => open(t, await startVault(t, content(json)), { mount: 'kv/team' })
  await carry(await from('{"a":"1"}'), target)
  assert.equal((await carry(await from('{"a":"1"}'), target))[0]!.details, 'it has the same current version')
  assert.equal((await carry(await from('{"a":"2"}'), target))[0]!.action, 'leave')
  assert.equal((await carry(await from('{"a":"2"}'), target, { overwrite: true }))[0]!.action, 'update')
  assert.deepEqual(
    (await versionsOf(target, 'app/db')).map(({ value, stages }) => [value, stages.join()]),
    [
      ['{"a":"1"}', 'AWSPREVIOUS'],
      ['{"a":"2"}', 'AWSCURRENT'],
    ],
  )
})

test('what stands in the way is told in one line, and never with what Vault answered', async (t) => {
  const address = await startVault(t, CONTENT)
  await assert.rejects(open(t, address, { mount: 'kv' }), /^UsageError: there is no KV secrets engine at kv: /)
  await assert.rejects(open(t, address, { path: 'a/../b' }), /^UsageError: a\/\.\.\/b is not a path of Vault$/)
  await assert.rejects(open(t, address, {}, { tokenFile: tokenFile(t, 'other') }), /Vault refuses the token/)
  await assert.rejects(open(t, address, {}, { tokenFile: '/nowhere' }), /\/nowhere cannot be read \(ENOENT\)/)
  await assert.rejects(open(t, address, {}, { tokenFile: tokenFile(t, 'two words') }), /holds no token/)
  await assert.rejects(open(t, 'ftp://x'), /^UsageError: --address ftp:\/\/x is not an address/)
  await assert.rejects(
    open(t, 'http://127.0.0.1:1'),
    /^UsageError: no answer from http:\/\/127\.0\.0\.1:1 \(ECONNREFUSED\)/,
  )
  const cut = createServer((socket) =>
    socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n{"data":{"a"')),
  )
  await new Promise<void>((resolve) => cut.listen(0, '127.0.0.1', resolve))
  t.after(() => cut.close())
  const cutAt = `http://127.0.0.1:${(cut.address() as AddressInfo).port}`
  await assert.rejects(open(t, cutAt), /^UsageError: no answer from http:\/\/127\.0\.0\.1:\d+ \(ECONNRESET\)/)
  const broken = { ...CONTENT, secrets: { a: { versions: [{ json: '{"hunter2' }] } } }
  const target = await startEnd(t)
  const [told] = await carry(await open(t, await startVault(t, broken)), target)
  assert.match(told!.details, /answered secret\/data\/a with no data: is it Vault or OpenBao\?$/)
})
