// The keyring key under a key of another KMS: a second Strongroom, and servers that fail as networks do.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { makeCertificate } from '../../../rotators/src/testing/certificates.ts'
import { loadConfig } from '../config.ts'
import { temporaryDirectory } from '../storage/testing.ts'
import { startTestServer, TEST_REGION } from '../testing.ts'
import { awsKmsRootKey } from './aws-kms.ts'
import { RootKeyError, WrongRootKeyError } from './errors.ts'
import { slotBinding } from './keyring-format.ts'
import { loadKeyring } from './lifecycle.ts'
import { rootKeyAt } from './place.ts'
import { moveRootKey } from './rotate-root-key.ts'
import { addRootKey, removeSlot } from './slots.ts'
import { testInstallation, testOptions } from './testing.ts'

const keyringKey = randomBytes(32)
const binding = slotBinding('instance', 1, 'slot')
const patience = { callMs: 300, allMs: 1_500, pauseMs: 20 }

test('a second Strongroom wraps the keyring key: bound to instance, slot and version, and refused to whoever may not', async (t) => {
  const kms = await startTestServer(t)
  const { body } = await kms.call('kms', 'CreateKey', {})
  const key: string = body.KeyMetadata.Arn
  const credentials = join(kms.dataDir, 'credentials')
  const place = { key, region: TEST_REGION, endpoint: kms.url, credentials }
  const provider = awsKmsRootKey(place)
  const slot = await provider.wrap(keyringKey, binding)
  assert.equal(slot.check.length, 0)
  assert.ok(!Buffer.from(slot.wrapped).includes(keyringKey))
  assert.deepEqual(await provider.unwrap(slot, binding), keyringKey)
  for (const other of [
    slotBinding('other', 1, 'slot'),
    slotBinding('instance', 2, 'slot'),
    slotBinding('instance', 1, 'x'),
  ])
    assert.equal(await provider.unwrap(slot, other), 'other-key')
  const altered = Buffer.from(slot.wrapped)
  altered[100]! ^= 1
  assert.equal(await provider.unwrap({ ...slot, wrapped: altered }, binding), 'other-key')
  const second = (await kms.call('kms', 'CreateKey', {})).body.KeyMetadata.KeyId
  assert.equal(await awsKmsRootKey({ ...place, key: second }).unwrap(slot, binding), 'other-key')

  // The whole way: as --root-key names it, a slot that opens the keyring, and one that moved there.
  const { database, file, keyring } = await testInstallation(t)
  const rootKey = `aws-kms:${key}?endpoint=${kms.url}&credentials=${credentials}`
  const [named] = loadConfig({ rootKey }, {}).rootKeys
  assert.deepEqual(named?.settings, { key, region: TEST_REGION, endpoint: kms.url, credentials })
  const configured = rootKeyAt(named!, randomBytes)
  await addRootKey(keyring, configured, testOptions)
  keyring.useRootKeys([file, configured])
  const mac = keyring.mac('row', 't', [Buffer.from('part')])
  assert.ok((await loadKeyring(database, [configured], testOptions)).verify('row', 't', mac, [Buffer.from('part')]))
  assert.equal(await removeSlot(keyring, keyring.opened().header.slots[0]!.id, testOptions), true)
  await assert.rejects(loadKeyring(database, [file], testOptions), WrongRootKeyError)
  await loadKeyring(database, [configured], testOptions)
  await moveRootKey(keyring, file, { ...testOptions, keepOldSlot: false })
  await loadKeyring(database, [file], testOptions)

  await kms.call('kms', 'DisableKey', { KeyId: key })
  const refusal = (pattern: RegExp) => (error: unknown) =>
    error instanceof RootKeyError && pattern.test(error.message) && !error.message.includes('\n')
  await assert.rejects(provider.unwrap(slot, binding), refusal(/ refused Decrypt: DisabledException: .* is disabled/))
  const stranger = join(temporaryDirectory(t), 'credentials')
  writeFileSync(stranger, '[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = wrong\n')
  await assert.rejects(
    awsKmsRootKey({ ...place, credentials: stranger }).wrap(keyringKey, binding),
    refusal(/ refused Encrypt: UnrecognizedClientException: /),
  )
  const missing = awsKmsRootKey({ ...place, credentials, profile: 'other' })
  await assert.rejects(missing.wrap(keyringKey, binding), refusal(/has no keys for the profile other$/))
  await kms.close()
  const gone = awsKmsRootKey(place, patience)
  await assert.rejects(gone.unwrap(slot, binding), refusal(/ Decrypt failed: no answer \(ECONNREFUSED\)$/))
})

/** A server that answers as told, one answer after another; the last one stays. */
async function serving(
  t: TestContext,
  answers: readonly ((response: ServerResponse) => void)[],
  tls?: { key: Buffer; cert: Buffer },
) {
  const seen: IncomingMessage[] = []
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    request.resume()
    request.on('end', () => answers[Math.min(seen.push(request), answers.length) - 1]!(response))
  }
  const server = tls ? createTlsServer(tls, onRequest) : createServer(onRequest)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { seen, url: `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const say = (status: number, body: object | string) => (response: ServerResponse) =>
  response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify(body))

function keysFile(t: TestContext): string {
  const path = join(temporaryDirectory(t), 'credentials')
  writeFileSync(path, '[default]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = secret\n')
  return path
}

test('what passes is tried again with pauses; what does not end is given up; answers out of bounds are refused', async (t) => {
  const credentials = keysFile(t)
  const slot = { check: new Uint8Array(), wrapped: randomBytes(144) }
  const right = say(200, { Plaintext: keyringKey.toString('base64') })
  const providerAt = (endpoint: string) =>
    awsKmsRootKey({ key: 'k', region: 'eu-central-1', endpoint, credentials }, patience)
  const cut = (response: ServerResponse): unknown => response.destroy()

  const passing = await serving(t, [say(503, ''), cut, say(400, { __type: 'ThrottlingException' }), right])
  assert.deepEqual(await providerAt(passing.url).unwrap(slot, binding), keyringKey)
  assert.equal(passing.seen.length, 4)
  const [request] = passing.seen
  assert.equal(request!.headers['x-amz-target'], 'TrentService.Decrypt')
  assert.match(
    request!.headers.authorization!,
    /^AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE\/\d{8}\/eu-central-1\/kms\/aws4_request, /,
  )

  const silent = await serving(t, [() => undefined])
  const began = performance.now()
  await assert.rejects(providerAt(silent.url).unwrap(slot, binding), {
    name: 'RootKeyError',
    message: /Decrypt failed: no answer/,
  })
  assert.ok(performance.now() - began < 20_000)

  const refused = async (answer: (response: ServerResponse) => void, message: RegExp) => {
    const { url, seen } = await serving(t, [answer])
    await assert.rejects(providerAt(url).wrap(keyringKey, binding), (error: Error) => {
      assert.match(error.message, message)
      assert.ok(error instanceof RootKeyError && !/[\n\x1b]/.test(error.message))
      return true
    })
    return seen.length
  }
  assert.equal(
    await refused(
      say(400, { __type: 'x#AccessDeniedException', message: 'no\n\x1b[2J' }),
      /refused Encrypt: AccessDeniedException: no {1,2}\[2J$/,
    ),
    1,
  )
  await refused(say(404, '<html>'), /refused Encrypt: status 404$/)
  await refused(say(200, { CiphertextBlob: 'AA==' }), /a ciphertext of 1 bytes$/)
  await refused(say(200, { CiphertextBlob: randomBytes(2_000).toString('base64') }), /a ciphertext of 2000 bytes$/)
  await refused(say(200, `"${'x'.repeat(100_000)}"`), /no answer \(the answer is too large\)$/)
  const short = await serving(t, [say(200, { Plaintext: 'AA==' })])
  assert.equal(await providerAt(short.url).unwrap(slot, binding), 'damaged')
})

test('a key is sent over TLS to who the authority vouches for, and over HTTP on this machine alone', async (t) => {
  const folder = temporaryDirectory(t)
  const { authorityFile, certificateFile, keyFile } = await makeCertificate(folder)
  const tls = { key: readFileSync(keyFile), cert: readFileSync(certificateFile) }
  const { url: endpoint } = await serving(t, [say(200, { Plaintext: keyringKey.toString('base64') })], tls)
  const place = { key: 'k', region: 'eu-central-1', endpoint, credentials: keysFile(t) }
  const slot = { check: new Uint8Array(), wrapped: randomBytes(144) }
  assert.deepEqual(await awsKmsRootKey({ ...place, ca: authorityFile }, patience).unwrap(slot, binding), keyringKey)
  await assert.rejects(
    awsKmsRootKey(place, patience).unwrap(slot, binding),
    /no answer \(UNABLE_TO_VERIFY_LEAF_SIGNATURE\)/,
  )
  await assert.rejects(
    awsKmsRootKey({ ...place, ca: join(folder, 'none') }).unwrap(slot, binding),
    /cannot be read: ENOENT/,
  )
  for (const far of ['http://kms.example.com', 'http://10.0.0.1:4650', 'ftp://127.0.0.1', 'kms'])
    assert.throws(() => awsKmsRootKey({ ...place, endpoint: far }), {
      name: 'RootKeyError',
      message: /must be https, or http on this machine$/,
    })
  assert.match(
    awsKmsRootKey({ key: 'k', region: 'eu-west-1', credentials: '' }).where,
    /https:\/\/kms\.eu-west-1\.amazonaws\.com$/,
  )
})
