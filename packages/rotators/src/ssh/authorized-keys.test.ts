import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { changeKeys, optionsOf } from './authorized-keys.ts'
import { fingerprintOf, publicLineOf, sshKeyOf } from './keys.ts'

const make = () => sshKeyOf(generateKeyPairSync('ed25519').privateKey)
const [current, pending, previous, other, lost] = [make(), make(), make(), make(), make()]
const lines = (...all: readonly string[]): string => all.map((line) => `${line}\n`).join('')
const change = (content: string) => changeKeys(content, { beside: current, added: pending, removed: previous })
const [own, next, foreign] = [publicLineOf(current), publicLineOf(pending), publicLineOf(other)]
const mark = `strongroom-after:${fingerprintOf(current)}`

test('the new key stands behind the current one with its options and comment, and the one before is gone', () => {
  const options = 'restrict,command="echo \\"a b\\" # no" ,from="10.0.0.0/8" '.replace(' ,', ',')
  const before = lines('# a comment', '', `${options}${own} app@old`, publicLineOf(previous), `no-pty ${foreign} x`)
  const after = lines(
    '# a comment',
    '',
    `${options}${own} app@old`,
    `${options}${next} app@old ${mark}`,
    `no-pty ${foreign} x`,
  )
  assert.equal(change(before), after)
  assert.equal(change(after), after)
  assert.deepEqual(optionsOf(after, pending), [options.trim()])
  assert.deepEqual(optionsOf(after, previous), [])
})

test('other lines stay byte for byte, whatever they are', () => {
  const odd = [
    '\xff\xfe bytes',
    'ssh-ed25519 AAAA short',
    `#${own}`,
    ` \t${foreign}\r`,
    `"${own}`,
    'a="b',
    `x ${foreign} ${own}`,
  ]
  for (const end of ['', '\n', '\n\n']) {
    const before = [...odd, own].join('\n') + end
    assert.equal(change(before), [...odd, own, `${next} ${mark}`].join('\n') + end)
  }
  assert.equal(
    change([`\t${own} é\r`, 'x\r', ''].join('\n')),
    [`\t${own} é\r`, `\t${next} é ${mark}\r`, 'x\r', ''].join('\n'),
  )
})

test('a key that is there twice gets a neighbour twice, and one that is not there none', () => {
  const before = lines(`from="10.1.0.1" ${own} a`, `from="10.2.0.1" ${own} b`)
  assert.deepEqual(optionsOf(change(before), pending), ['from="10.1.0.1"', 'from="10.2.0.1"'])
  assert.equal(change(lines(foreign)), lines(foreign))
})

test('what a rotation that was given up has left beside the same key goes, and a mark is not handed on', () => {
  const given = changeKeys(lines(`${own} app`, foreign), { beside: current, added: lost })
  assert.match(given, new RegExp(publicLineOf(lost).replaceAll(/[+/]/g, '\\$&')))
  assert.equal(change(given), lines(`${own} app`, `${next} app ${mark}`, foreign))
  const third = make()
  const later = changeKeys(change(given), { beside: pending, added: third, removed: current })
  const newMark = `strongroom-after:${fingerprintOf(pending)}`
  assert.equal(later, lines(`${next} app ${mark}`, `${publicLineOf(third)} app ${newMark}`, foreign))
})

test('the current key and the new one are never taken away', () => {
  const both = lines(own, `${next} ${mark}`)
  assert.equal(changeKeys(both, { beside: current, added: pending, removed: current }), both)
  assert.equal(changeKeys(both, { beside: current, added: pending, removed: pending }), both)
})
