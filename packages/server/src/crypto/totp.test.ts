import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { base32, findStep, findStepOfTwo, SEED_BYTES, STEP_MS, stepAt, totpCode } from './totp.ts'

/** RFC 4226 appendix D and RFC 6238 appendix B have the same seed for SHA-1. */
const SEED = Buffer.from('12345678901234567890')

test('codes are those of the vectors of RFC 4226 and, but for its two digits more, RFC 6238', () => {
  const hotp = ['755224', '287082', '359152', '969429', '338314', '254676', '287922', '162583', '399871', '520489']
  assert.deepEqual(
    hotp.map((_, counter) => totpCode(SEED, counter)),
    hotp,
  )
  const totp: readonly (readonly [seconds: number, code: string])[] = [
    [59, '94287082'],
    [1_111_111_109, '07081804'],
    [1_111_111_111, '14050471'],
    [1_234_567_890, '89005924'],
    [2_000_000_000, '69279037'],
    [20_000_000_000, '65353130'],
  ]
  for (const [seconds, code] of totp) assert.equal(totpCode(SEED, stepAt(seconds * 1_000)), code.slice(2))
})

test('a code is found at its step, within the bounds and not beyond', () => {
  const seed = randomBytes(SEED_BYTES)
  const step = stepAt(1_795_000_000_000)
  const code = totpCode(seed, step)
  assert.equal(findStep(seed, code, step - 1, step + 1), step)
  assert.equal(findStep(seed, code, step, step), step)
  // One in a million times a neighbour has the same code.
  const elsewhere = [findStep(SEED, totpCode(SEED, 9), 0, 8), findStep(SEED, totpCode(SEED, 0), 1, 9)]
  assert.deepEqual(elsewhere, [undefined, undefined])
  for (const none of ['', '1', code.slice(1), `${code}0`, `${code.slice(0, 5)} `]) {
    assert.equal(findStep(seed, none, step - 1, step + 1), undefined)
  }
})

test('two codes are found where the one follows the other, at the second', () => {
  const [one, two] = [totpCode(SEED, 3), totpCode(SEED, 4)]
  assert.equal(findStepOfTwo(SEED, [one, two], 0, 8), 4)
  assert.equal(findStepOfTwo(SEED, [one, two], 3, 3), 4)
  assert.equal(findStepOfTwo(SEED, [two, one], 0, 8), undefined)
  assert.equal(findStepOfTwo(SEED, [one, totpCode(SEED, 5)], 0, 8), undefined)
  assert.equal(findStepOfTwo(SEED, [one, one], 0, 8), undefined)
  assert.equal(findStepOfTwo(SEED, [one, two], 4, 8), undefined)
  assert.equal(findStepOfTwo(SEED, [one, two], 0, 2), undefined)
})

test('a step lasts 30 seconds', () => {
  assert.equal(stepAt(STEP_MS * 7 - 1), 6)
  assert.equal(stepAt(STEP_MS * 7), 7)
})

test('base32 is that of RFC 4648', () => {
  assert.equal(base32(Buffer.from('fooba')), 'MZXW6YTB')
  assert.equal(base32(SEED), 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ')
  assert.equal(base32(Buffer.alloc(5, 0xff)), '77777777')
  assert.equal(base32(new Uint8Array()), '')
  assert.throws(() => base32(Buffer.alloc(4)), RangeError)
})
