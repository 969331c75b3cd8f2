// Root keys in a token: SoftHSM2, through the module that any token has.

import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { loadConfig } from '../config.ts'
import { temporaryDirectory } from '../storage/testing.ts'
import { RootKeyError, WrongRootKeyError } from './errors.ts'
import { slotBinding } from './keyring-format.ts'
import { loadKeyring } from './lifecycle.ts'
import { pkcs11RootKey } from './pkcs11.ts'
import { rootKeyAt } from './place.ts'
import { addRootKey, removeSlot } from './slots.ts'
import { testInstallation, testOptions } from './testing.ts'

const MODULE = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
  '/opt/homebrew/lib/softhsm/libsofthsm2.so',
].find(existsSync)
const skip = MODULE === undefined && 'SoftHSM2 IS NOT INSTALLED (softhsm2, opensc): ROOT KEYS IN A TOKEN ARE NOT TESTED'
const PIN = '123456'

const refusal = (pattern: RegExp) => (error: unknown) =>
  error instanceof RootKeyError && pattern.test(error.message) && !/\n|123456|654321/.test(error.message)

test('an AES key that cannot leave its token wraps the keyring key, and opens the keyring', { skip }, async (t) => {
  const folder = temporaryDirectory(t)
  mkdirSync(join(folder, 'tokens'))
  const configuration = join(folder, 'softhsm2.conf')
  writeFileSync(
    configuration,
    `directories.tokendir = ${folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n`,
  )
  const before = process.env.SOFTHSM2_CONF
  process.env.SOFTHSM2_CONF = configuration
  t.after(() => {
    if (before === undefined) delete process.env.SOFTHSM2_CONF
    else process.env.SOFTHSM2_CONF = before
  })
  const tool = (...args: string[]) =>
    execFileSync(
      'pkcs11-tool',
      ['--module', MODULE!, '--token-label', 'strongroom', '--login', '--pin', PIN, ...args],
      { stdio: 'pipe' },
    )
  execFileSync(
    'softhsm2-util',
    ['--init-token', '--free', '--label', 'strongroom', '--so-pin', '87654321', '--pin', PIN],
    { stdio: 'pipe' },
  )
  tool('--keygen', '--key-type', 'AES:32', '--label', 'root', '--id', '01', '--sensitive')
  tool('--keygen', '--key-type', 'AES:32', '--label', 'other', '--id', '02', '--sensitive')
  tool('--keygen', '--key-type', 'AES:32', '--label', 'loose', '--id', '03', '--sensitive', '--extractable')
  tool('--keygen', '--key-type', 'AES:32', '--label', 'twin', '--id', '04', '--sensitive')
  tool('--keygen', '--key-type', 'AES:32', '--label', 'twin', '--id', '05', '--sensitive')

  const place = { token: 'strongroom', object: 'root', modulePath: MODULE!, pin: PIN }
  const provider = pkcs11RootKey(place)
  const keyringKey = randomBytes(32)
  const binding = slotBinding('instance', 1, 'slot')
  const slot = await provider.wrap(keyringKey, binding)
  assert.equal(slot.wrapped.length, 60)
  assert.deepEqual(await provider.unwrap(slot, binding), keyringKey)
  assert.equal(await provider.unwrap(slot, slotBinding('instance', 2, 'slot')), 'other-key')
  assert.equal(await pkcs11RootKey({ ...place, object: 'other' }).unwrap(slot, binding), 'other-key')
  for (const at of [0, 12, 59]) {
    const wrapped = Buffer.from(slot.wrapped)
    wrapped[at]! ^= 1
    assert.equal(await provider.unwrap({ ...slot, wrapped }, binding), 'other-key')
  }
  assert.equal(await provider.unwrap({ ...slot, wrapped: slot.wrapped.subarray(0, 30) }, binding), 'damaged')

  const refused = (change: Partial<typeof place>, pattern: RegExp) =>
    assert.rejects(pkcs11RootKey({ ...place, ...change }).wrap(keyringKey, binding), refusal(pattern))
  await refused({ token: 'nowhere' }, /: no token has the label "nowhere"$/)
  await refused({ object: 'nothing' }, /: no AES key has the label "nothing"$/)
  await refused({ object: 'twin' }, /: more than one AES key has the label "twin"$/)
  await refused(
    { object: 'loose' },
    /: the key "loose" can leave its token: make one that is sensitive and not extractable$/,
  )
  await refused({ modulePath: join(folder, 'none.so') }, /: the module .* cannot be loaded: /)
  await refused({ modulePath: configuration }, /: the module .* cannot be loaded: /)
  const wrongPin = pkcs11RootKey({ ...place, pin: '654321' })
  for (let tries = 0; tries < 10; tries++)
    await assert.rejects(wrongPin.wrap(keyringKey, binding), refusal(/: C_Login failed: CKR_PIN_INCORRECT$/))
  assert.deepEqual(await provider.unwrap(slot, binding), keyringKey, 'the token is not locked')
  await assert.rejects(
    pkcs11RootKey(place, 1).unwrap(slot, binding),
    refusal(/: the module did not answer within 0\.001 seconds$/),
  )

  // As --root-key names it, with the PIN in a file or a variable, and the whole way.
  const pinFile = join(folder, 'pin')
  writeFileSync(pinFile, `${PIN}\n`, { mode: 0o600 })
  const uri = `pkcs11:token=strongroom;object=root?module-path=${MODULE}&pin-source=`
  const environment = { TOKEN_PIN: PIN } as { [name: string]: string | undefined }
  const [inVariable] = loadConfig({ rootKey: `${uri}env:TOKEN_PIN` }, environment).rootKeys
  assert.equal(environment.TOKEN_PIN, undefined)
  assert.deepEqual(await rootKeyAt(inVariable!, randomBytes).unwrap(slot, binding), keyringKey)
  const [inFile] = loadConfig({ rootKey: `${uri}file:${pinFile}` }, {}).rootKeys
  const configured = rootKeyAt(inFile!, randomBytes)
  const { database, file, keyring } = await testInstallation(t)
  await addRootKey(keyring, configured, testOptions)
  keyring.useRootKeys([file, configured])
  const mac = keyring.mac('row', 't', [Buffer.from('part')])
  assert.equal(await removeSlot(keyring, keyring.opened().header.slots[0]!.id, testOptions), true)
  await assert.rejects(loadKeyring(database, [file], testOptions), WrongRootKeyError)
  assert.ok((await loadKeyring(database, [configured], testOptions)).verify('row', 't', mac, [Buffer.from('part')]))
  chmodSync(pinFile, 0o644)
  await assert.rejects(configured.unwrap(slot, binding), refusal(/^the PIN file .* is open to others: chmod 600 it$/))
})
