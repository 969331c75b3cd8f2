import assert from 'node:assert/strict'
import { BlockList, isIP } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import { isInBlock, parseAddress, parseBlock } from './ip.ts'

test('addresses are read into words, an IPv4-mapped one as IPv4', () => {
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ['0.0.0.0', [0, 0]],
    ['1.2.3.4', [0x0102, 0x0304]],
    ['255.255.255.255', [0xffff, 0xffff]],
    ['::', [0, 0, 0, 0, 0, 0, 0, 0]],
    ['::1', [0, 0, 0, 0, 0, 0, 0, 1]],
    ['1::', [1, 0, 0, 0, 0, 0, 0, 0]],
    ['2001:DB8::a:ffff', [0x2001, 0xdb8, 0, 0, 0, 0, 0xa, 0xffff]],
    ['1:2:3:4:5:6:7:8', [1, 2, 3, 4, 5, 6, 7, 8]],
    ['1:2:3:4:5:6:7::', [1, 2, 3, 4, 5, 6, 7, 0]],
    ['::2:3:4:5:6:7:8', [0, 2, 3, 4, 5, 6, 7, 8]],
    ['1:2:3:4:5:6:1.2.3.4', [1, 2, 3, 4, 5, 6, 0x0102, 0x0304]],
    ['64:ff9b::1.2.3.4', [0x64, 0xff9b, 0, 0, 0, 0, 0x0102, 0x0304]],
    ['::ffff:1.2.3.4', [0x0102, 0x0304]],
    ['::FFFF:0102:0304', [0x0102, 0x0304]],
    ['0:0:0:0:0:ffff:1.2.3.4', [0x0102, 0x0304]],
    ['0000:0000:0000:0000:0000:ffff:255.255.255.255', [0xffff, 0xffff]],
    ['::fffe:1.2.3.4', [0, 0, 0, 0, 0, 0xfffe, 0x0102, 0x0304]],
    ['1::ffff:1.2.3.4', [1, 0, 0, 0, 0, 0xffff, 0x0102, 0x0304]],
  ]
  for (const [text, words] of cases) assert.deepEqual(parseAddress(text), words, text)
})

test('what is no address gives nothing', () => {
  for (const text of [
    '',
    'x',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '1.2.3.04',
    '01.2.3.4',
    '00.2.3.4',
    '1.2.3.',
    '.1.2.3',
    '1..2.3',
    '1.2.3.-4',
    '1.2.3.4 ',
    '0x1.2.3.4',
    '16909060',
    '10.0.0.0/8',
    ':',
    ':::',
    '1',
    '1:2',
    ':1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:',
    '1:2:3:4:5:6:7:8:9',
    '1:2:3:4::5:6:7:8',
    '::1::',
    '12345::',
    'g::',
    '1.2.3.4::',
    '::1.2.3.4:1',
    '::1.2.3',
    '::1.2.3.4.5',
    '1:2:3:4:5:6:7:1.2.3.4',
    'fe80::1%eth0',
    '[::1]',
    `${'0'.repeat(45)}1`,
  ]) {
    assert.equal(parseAddress(text), undefined, text)
    if (!text.includes('/')) assert.equal(parseBlock(text), undefined, text)
  }
})

test('blocks have a prefix of their address, and those of IPv4-mapped addresses are of IPv4', () => {
  const cases: readonly (readonly [string, readonly number[], number])[] = [
    ['1.2.3.4', [0x0102, 0x0304], 32],
    ['1.2.3.4/0', [0x0102, 0x0304], 0],
    ['1.2.3.4/32', [0x0102, 0x0304], 32],
    ['::1', [0, 0, 0, 0, 0, 0, 0, 1], 128],
    ['::/0', [0, 0, 0, 0, 0, 0, 0, 0], 0],
    ['::/128', [0, 0, 0, 0, 0, 0, 0, 0], 128],
    ['::ffff:1.2.3.4', [0x0102, 0x0304], 32],
    ['::ffff:1.2.3.4/120', [0x0102, 0x0304], 24],
    ['0000:0000:0000:0000:0000:ffff:255.255.255.255/112', [0xffff, 0xffff], 16],
    ['::ffff:0:0/96', [0, 0], 0],
    ['::ffff:0:0/95', [0, 0, 0, 0, 0, 0xffff, 0, 0], 95],
  ]
  for (const [text, address, prefixBits] of cases) assert.deepEqual(parseBlock(text), { address, prefixBits }, text)
  for (const text of [
    '1.2.3.4/33',
    '1.2.3.4/',
    '1.2.3.4/-1',
    '1.2.3.4/08',
    '1.2.3.4/8/8',
    '1.2.3.4/ 8',
    '1.2.3.4/1e1',
    '1.2.3/8',
    '/8',
    '::/129',
    '::/1000',
    '::1::/8',
    `${'0'.repeat(45)}1::/8`,
  ]) {
    assert.equal(parseBlock(text), undefined, text)
  }
})

const word = fc.integer({ min: 0, max: 0xffff })
const ipv6 = fc
  .array(fc.oneof(fc.constant(0), word), { minLength: 8, maxLength: 8 })
  .map((words) => words.map((w) => w.toString(16)).join(':'))
const ipv4 = fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 4, maxLength: 4 }).map((list) => list.join('.'))

test('an address is in a block as the block list of the platform has it', () => {
  const flip = (text: string, bits: number): string =>
    text.replace(/[0-9]+$/, (last) => String(Number(last) ^ (bits & 0xff)))
  const agrees = (family: 'ipv4' | 'ipv6', a: string, b: string, prefix: number) => {
    const list = new BlockList()
    list.addSubnet(b, prefix, family)
    const message = `${a} ${b}/${prefix}`
    assert.equal(isInBlock(parseAddress(a)!, parseBlock(`${b}/${prefix}`)!), list.check(a, family), message)
  }
  fc.assert(
    fc.property(ipv4, ipv4, fc.nat({ max: 255 }), fc.integer({ min: 0, max: 32 }), (a, b, bits, prefix) => {
      agrees('ipv4', a, b, prefix)
      agrees('ipv4', flip(b, bits), b, prefix)
    }),
    { numRuns: 1_000 },
  )
  const notMapped = ipv6.filter((text) => parseAddress(text)!.length === 8)
  fc.assert(
    fc.property(notMapped, notMapped, fc.nat({ max: 7 }), fc.integer({ min: 0, max: 128 }), (a, b, at, prefix) => {
      agrees('ipv6', a, b, prefix)
      const words = b.split(':')
      words[at] = ((Number.parseInt(words[at]!, 16) ^ (1 << (prefix % 16))) & 0xffff).toString(16)
      const near = words.join(':')
      if (parseAddress(near)!.length === 8) agrees('ipv6', near, b, prefix)
    }),
    { numRuns: 1_000 },
  )
})

test('an address of one version is in no block of the other', () => {
  assert.equal(isInBlock(parseAddress('::1')!, parseBlock('0.0.0.0/0')!), false)
  assert.equal(isInBlock(parseAddress('0.0.0.1')!, parseBlock('::/0')!), false)
})

test('addresses are those that the platform takes, without zones', () => {
  const letters = fc
    .array(fc.constantFrom('0', '1', '25', 'f', ':', '::', '.'), { maxLength: 12 })
    .map((l) => l.join(''))
  fc.assert(
    fc.property(fc.oneof(letters, ipv4, ipv6), (text) => {
      assert.equal(parseAddress(text) !== undefined, isIP(text) !== 0, text)
    }),
    { numRuns: 5_000 },
  )
})
