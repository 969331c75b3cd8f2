import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import fc from 'fast-check'
import { SESSION_TOKEN_OVERHEAD_BYTES } from '../../crypto/session-token.ts'
import {
  decodeClaims,
  encodeClaims,
  PACKED_BYTES_MAX,
  packedPercent,
  type RoleClaims,
  SESSION_TOKEN_CHARACTERS_MAX,
} from './session-claims.ts'

const claims: RoleClaims = {
  kind: 'role-session',
  account: '111122223333',
  role: { roleId: 'AROAIOSFODNN7EXAMPLE7', path: '/team/', roleName: 'Reader' },
  sessionName: 'alice',
  issuedAt: 1_795_000_000_123,
  expiresAt: 1_795_003_600_000,
  chain: 2,
  sourceIdentity: 'alice@example.com',
  policies: ['{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}'],
  policyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess', 'arn:aws:iam::111122223333:policy/ö'],
  tags: { Team: 'blau ä\u{1F511}', Empty: '', Project: '7' },
  transitiveTagKeys: ['Project', 'Empty'],
}
const bare: RoleClaims = { ...claims, policies: [], policyArns: [], tags: {}, transitiveTagKeys: [] }

const tokenCharacters = (payload: Buffer): number => Math.ceil((payload.length + SESSION_TOKEN_OVERHEAD_BYTES) / 3) * 4

test('claims are the same once encoded and decoded, and their bytes are those pinned with the token that carries them', () => {
  assert.deepEqual(decodeClaims(encodeClaims(claims)), claims)
  const { sourceIdentity: _, ...anonymous } = bare
  assert.deepEqual(decodeClaims(encodeClaims(anonymous)), anonymous)

  const vectors = JSON.parse(readFileSync(new URL('../../crypto/vectors.json', import.meta.url), 'utf8'))
  const { payload } = vectors.sessionToken[1]
  assert.equal(encodeClaims(claims).toString('hex'), payload)
  assert.deepEqual(decodeClaims(Buffer.from(payload, 'hex')), claims)
})

test('whatever tags are passed come back as they were, also those that look like members of every object', () => {
  const unit = fc.constantFrom('a', 'Z', '7', '=', '"', '\\', ' ', 'ä', '☃', '\u{1F511}')
  const tags = fc.dictionary(fc.string({ unit, minLength: 1, maxLength: 20 }), fc.string({ unit, maxLength: 20 }))
  fc.assert(
    fc.property(tags, (tags) => {
      const given = { ...bare, tags, transitiveTagKeys: Object.keys(tags).slice(0, 1) }
      assert.deepEqual(decodeClaims(encodeClaims(given))?.tags, { ...tags })
    }),
  )
  const members = JSON.parse('{"__proto__":"x","constructor":"y"}')
  assert.equal(JSON.stringify(decodeClaims(encodeClaims({ ...bare, tags: members }))?.tags), JSON.stringify(members))
})

test('white space between the tokens of a session policy takes no room, that inside its strings stays', () => {
  const policy = { Sid: 'a  "b"\t', Statement: [{ Effect: 'Allow' }], Escaped: '\\" \\\\' }
  const spacious = { ...bare, policies: [JSON.stringify(policy, null, 4)] }
  const dense = { ...bare, policies: [JSON.stringify(policy)] }
  assert.deepEqual(encodeClaims(spacious), encodeClaims(dense))
  assert.deepEqual(decodeClaims(encodeClaims(spacious)), dense)
})

test('a token is as long as the caller asked, and never longer than the longest', () => {
  for (let asked = 0; asked <= SESSION_TOKEN_CHARACTERS_MAX; asked += 1) {
    const characters = tokenCharacters(encodeClaims(bare, asked))
    assert.ok(characters >= asked && characters <= SESSION_TOKEN_CHARACTERS_MAX, `${asked}: ${characters}`)
  }
  assert.deepEqual(decodeClaims(encodeClaims(bare, SESSION_TOKEN_CHARACTERS_MAX)), bare)
})

test('with the longest names, session policies and tags of 100 per cent fill the longest token, and no more fits', () => {
  const longest: RoleClaims = {
    ...bare,
    role: { roleId: `AROA${'A'.repeat(17)}`, path: `/${'p'.repeat(510)}/`, roleName: 'r'.repeat(64) },
    sessionName: 's'.repeat(64),
    sourceIdentity: 'i'.repeat(64),
    policies: ['x'.repeat(PACKED_BYTES_MAX - 3)],
  }
  assert.equal(packedPercent(longest), 100)
  const payload = encodeClaims(longest)
  assert.equal(tokenCharacters(payload), SESSION_TOKEN_CHARACTERS_MAX)
  const more = { ...longest, policies: [`${longest.policies[0]}x`] }
  assert.equal(packedPercent(more), 101)
  assert.throws(() => encodeClaims(more), RangeError)
})

test('a tag takes as much room whether it is transitive or not', () => {
  assert.equal(packedPercent({ ...claims, transitiveTagKeys: [] }), packedPercent(claims))
  assert.equal(packedPercent(bare), 0)
})

test('a format, a kind or a field that this version does not know, or a field that is cut, is nothing', () => {
  const payload = encodeClaims(claims)
  const other = (at: number, byte: number): Buffer => {
    const altered = Buffer.from(payload)
    altered[at] = byte
    return altered
  }
  assert.equal(decodeClaims(other(0, 2)), undefined)
  assert.equal(decodeClaims(other(1, 4)), undefined)
  assert.equal(decodeClaims(other(2, 0)), undefined)
  assert.equal(decodeClaims(other(2, 21)), undefined)
  for (let length = 0; length < encodeClaims(bare).length; length++) {
    assert.equal(decodeClaims(encodeClaims(bare).subarray(0, length))?.sourceIdentity, undefined, `${length}`)
  }
})
