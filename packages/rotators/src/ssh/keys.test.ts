import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { testIo } from '../testing/io.ts'
import { refusal } from '../testing/refusals.ts'
import { unfitRsaKey } from '../testing/rsa.ts'
import { isInstalled, makeFolder } from '../testing/server.ts'
import { startAgent } from './agent.ts'
import { fingerprintOf, openSshPrivateKey, publicLineOf, readPrivateKey, sshKeyOf } from './keys.ts'
import { sshString, sshUint32 } from './wire.ts'

const skip = isInstalled('ssh-keygen') ? false : 'ssh-keygen is not installed: apt-get install openssh-client'
const keygen = (...words: readonly string[]) => execFileSync('ssh-keygen', words, { stdio: 'pipe' }).toString().trim()

test('OpenSSH reads the private keys written here, and finds the same public key in them', { skip }, async (t) => {
  const file = join(makeFolder(t), 'key')
  for (const spec of [
    'ECC_NIST_EDWARDS25519',
    'ECC_NIST_P256',
    'ECC_NIST_P384',
    'ECC_NIST_P521',
    'RSA_2048',
  ] as const) {
    const key = sshKeyOf(await testIo().generatePrivateKey(spec))
    const text = openSshPrivateKey(key, 'app@host', randomBytes(4))
    writeFileSync(file, text, { mode: 0o600 })
    assert.equal(keygen('-y', '-f', file), `${publicLineOf(key)} app@host`, spec)
    assert.equal(keygen('-l', '-f', file).split(' ')[1], fingerprintOf(key))
    const read = readPrivateKey(text)
    assert.ok(read.privateKey.equals(key.privateKey) && read.blob.equals(key.blob), spec)
  }
})

test('private keys of ssh-keygen and OpenSSL are read, and others refused without a word of them', {
  skip,
}, async (t) => {
  const folder = makeFolder(t)
  const make = (name: string, ...words: readonly string[]): string => {
    keygen('-q', '-N', '', '-f', join(folder, name), ...words)
    return readFileSync(join(folder, name), 'utf8')
  }
  for (const [name, ...words] of [
    ['ed25519', '-t', 'ed25519'],
    ['ecdsa', '-t', 'ecdsa', '-b', '384'],
    ['rsa', '-t', 'rsa', '-b', '2048'],
    ['pem', '-t', 'rsa', '-b', '2048', '-m', 'PEM'],
    ['pkcs8', '-t', 'ecdsa', '-m', 'PKCS8'],
  ] as const) {
    const key = readPrivateKey(make(name, ...words))
    assert.ok(readFileSync(join(folder, `${name}.pub`), 'utf8').startsWith(`${publicLineOf(key)} `), name)
    // RSA's numbers fit together: OpenSSL looks at them when it exports.
    assert.ok(createPublicKey(key.privateKey.export({ type: 'pkcs8', format: 'pem' })))
  }
  const text = readFileSync(join(folder, 'ed25519'), 'utf8')
  const middle = text.split('\n')[2]!
  const hidden = new RegExp(middle.slice(0, 20).replaceAll(/[+/]/g, '.'))
  const refuse = (given: unknown, message = /is not an Ed25519, ECDSA or RSA key/) =>
    assert.throws(() => readPrivateKey(given), refusal('secret', message, hidden))
  refuse(make('locked', '-t', 'ed25519', '-N', 'phrase', '-a', '1'), /has a passphrase/)
  refuse(text.replace(middle, middle.slice(1)))
  refuse(text.replace('b3BlbnNza', 'b3BlbnNzb'))
  refuse(text.slice(0, 200))
  refuse(`${text}${text}`)
  refuse(17)
  refuse(sshKeyOf(await testIo().generatePrivateKey('ECC_NIST_EDWARDS25519')).blob.toString('base64'))
  const options = {
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  } as const
  refuse(generateKeyPairSync('ec', { namedCurve: 'brainpoolP256r1', ...options }).privateKey)
  refuse(unfitRsaKey(16_384), /RSA key of more than 8192 bits/)
  refuse(generateKeyPairSync('rsa-pss', { modulusLength: 2048, ...options }).privateKey)
})

test('a key whose numbers do not fit each other signs nothing, and ends nothing but the login', async (t) => {
  const key = readPrivateKey(unfitRsaKey(2048))
  const path = join(makeFolder(t), 'agent')
  t.after(await startAgent(path, key))
  const socket = connect(path)
  t.after(() => void socket.destroy())
  const ask = async (request: Buffer): Promise<Buffer> => {
    socket.write(sshString(request))
    const [answer] = (await once(socket, 'data')) as [Buffer]
    return answer
  }
  const [SIGN, LIST] = [13, 11]
  const sign = Buffer.concat([Buffer.of(SIGN), sshString(key.blob), sshString('x'), sshUint32(4)])
  assert.deepEqual(await ask(sign), sshString(Buffer.of(5)))
  assert.equal((await ask(Buffer.of(LIST)))[4], 12)
})
