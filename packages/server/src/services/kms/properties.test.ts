// What holds of keys, ciphertexts and grants whatever is asked in whatever order, through the real endpoint.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { startTestServer } from '../../testing.ts'
import { SOAK } from '../../testing-sample.ts'
import { createCaller } from '../secretsmanager/testing.ts'
import { base64, call, codeOf, DAY_MS, newKey, outcome } from './testing.ts'

const runs = (few: number, many: number): { readonly numRuns: number } => ({ numRuns: SOAK ? many : few })

/** A key as the table of key states sees it. https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html */
type State = 'Enabled' | 'Disabled' | 'PendingDeletion'

/** What each operation answers in each state, and the state after a success. A key that is cancelled to be deleted is disabled. */
const STEPS: {
  readonly [operation: string]: {
    readonly input: object
    readonly refused: { readonly [state in State]?: string }
    readonly to?: State
  }
} = {
  EnableKey: { input: {}, refused: { PendingDeletion: 'KMSInvalidStateException' }, to: 'Enabled' },
  DisableKey: { input: {}, refused: { PendingDeletion: 'KMSInvalidStateException' }, to: 'Disabled' },
  ScheduleKeyDeletion: {
    input: { PendingWindowInDays: 7 },
    refused: { PendingDeletion: 'KMSInvalidStateException' },
    to: 'PendingDeletion',
  },
  CancelKeyDeletion: {
    input: {},
    refused: { Enabled: 'KMSInvalidStateException', Disabled: 'KMSInvalidStateException' },
    to: 'Disabled',
  },
  Encrypt: {
    input: { Plaintext: base64('x') },
    refused: { Disabled: 'DisabledException', PendingDeletion: 'KMSInvalidStateException' },
  },
  RotateKeyOnDemand: {
    input: {},
    refused: { Disabled: 'DisabledException', PendingDeletion: 'KMSInvalidStateException' },
  },
  UpdateKeyDescription: { input: { Description: 'text' }, refused: { PendingDeletion: 'KMSInvalidStateException' } },
  DescribeKey: { input: {}, refused: {} },
}

test('a key goes from state to state as the table says, and what it encrypted opens whenever it is enabled', async (t) => {
  const server = await startTestServer(t)
  const step = fc.constantFrom(...Object.keys(STEPS))
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 5, maxLength: 25 }), async (steps) => {
      const { id: KeyId } = await newKey(server)
      const blobs: string[] = []
      let state: State = 'Enabled'
      let rotations = 0
      for (const operation of steps) {
        // AWS begins no rotation while another is under way, and allows 25.
        if (operation === 'RotateKeyOnDemand' && ++rotations > 1) continue
        const { input, refused, to } = STEPS[operation]!
        const { status, body } = await server.call('kms', operation, { KeyId, ...input })
        assert.equal(status === 200 ? 'ok' : body.__type, refused[state] ?? 'ok', `${operation} of a key ${state}`)
        if (status === 200 && operation === 'Encrypt') blobs.push(body.CiphertextBlob)
        if (status === 200) state = to ?? state
        const { KeyMetadata } = await call(server, 'DescribeKey', { KeyId })
        assert.deepEqual([KeyMetadata.KeyState, KeyMetadata.Enabled], [state, state === 'Enabled'])
      }
      const expected = { Enabled: 'ok', Disabled: 'DisabledException', PendingDeletion: 'KMSInvalidStateException' }
      for (const CiphertextBlob of blobs) {
        assert.equal(await codeOf(server, 'Decrypt', { CiphertextBlob }), expected[state])
      }
    }),
    runs(6, 200),
  )
})

test('between any two keys and contexts ReEncrypt keeps the plaintext and binds it to the destination alone', async (t) => {
  const server = await startTestServer(t)
  const rotated = await newKey(server)
  await call(server, 'RotateKeyOnDemand', { KeyId: rotated.id })
  const keys = [rotated, await newKey(server), await newKey(server, { MultiRegion: true })]
  const key = fc.constantFrom(...keys)
  const context = fc.dictionary(
    fc.constantFrom('a', 'b', '__proto__x', 'ü'),
    fc.string({ maxLength: 4, unit: 'grapheme' }),
    {
      noNullPrototype: true,
      maxKeys: 3,
    },
  )
  const bytes = fc.uint8Array({ minLength: 1, maxLength: 64 })
  await fc.assert(
    fc.asyncProperty(key, key, context, context, bytes, async (from, to, source, destination, plain) => {
      const Plaintext = base64(plain)
      const first = await call(server, 'Encrypt', { KeyId: from.id, Plaintext, EncryptionContext: source })
      const second = await call(server, 'ReEncrypt', {
        CiphertextBlob: first.CiphertextBlob,
        SourceEncryptionContext: source,
        DestinationKeyId: to.id,
        DestinationEncryptionContext: destination,
      })
      assert.deepEqual([second.SourceKeyId, second.KeyId], [from.arn, to.arn])
      const { CiphertextBlob } = second
      const opened = await call(server, 'Decrypt', { CiphertextBlob, EncryptionContext: destination })
      assert.deepEqual([opened.Plaintext, opened.KeyId], [Plaintext, to.arn])
      const other = { ...destination, more: '' }
      assert.equal(
        await outcome(server, 'Decrypt', { CiphertextBlob, EncryptionContext: other }),
        'InvalidCiphertextException: ',
      )
    }),
    runs(25, 1_000),
  )
})

/** Where a ciphertext names its key material. Another name is told as AWS tells of keys that are not there or not the caller's. */
const NAMES_MATERIAL = { from: 4, to: 36 } as const

test('every single bit of a ciphertext that is changed is refused, without a word on what was wrong', async (t) => {
  const server = await startTestServer(t)
  const { id: KeyId } = await newKey(server)
  const { CiphertextBlob } = await call(server, 'Encrypt', { KeyId, Plaintext: base64('text') })
  const bytes = Buffer.from(CiphertextBlob, 'base64')
  for (let bit = 0; bit < bytes.length * 8; bit += SOAK ? 1 : 7) {
    const altered = Buffer.from(bytes)
    altered[bit >> 3]! ^= 1 << (bit & 7)
    const told = await outcome(server, 'Decrypt', { CiphertextBlob: base64(altered) })
    const isName = bit >= NAMES_MATERIAL.from * 8 && bit < NAMES_MATERIAL.to * 8
    if (isName) assert.match(told, /^AccessDeniedException: The ciphertext refers to/, `bit ${bit}`)
    else assert.equal(told, 'InvalidCiphertextException: ', `bit ${bit}`)
  }
})

const GRANTED = ['Encrypt', 'Decrypt', 'GenerateDataKey', 'DescribeKey'] as const
const pairs = fc.dictionary(fc.constantFrom('a', 'b'), fc.constantFrom('1', '2'), { minKeys: 1, noNullPrototype: true })
const constraints = fc.oneof(
  fc.constant({}),
  pairs.map((EncryptionContextEquals) => ({ Constraints: { EncryptionContextEquals } })),
  pairs.map((EncryptionContextSubset) => ({ Constraints: { EncryptionContextSubset } })),
)
type Constrained = {
  readonly Constraints?: {
    readonly EncryptionContextEquals?: { readonly [key: string]: string }
    readonly EncryptionContextSubset?: { readonly [key: string]: string }
  }
}

/** Every context over the two keys and two values. */
const CONTEXTS = [undefined, '1', '2'].flatMap((a) =>
  [undefined, '1', '2'].map((b) => ({ ...(a !== undefined && { a }), ...(b !== undefined && { b }) })),
) as readonly { readonly [key: string]: string }[]

/** Whether a grant lets a context pass, by AWS's words: all the same pairs, or at least these. */
function passes({ Constraints = {} }: Constrained, context: { readonly [key: string]: string }): boolean {
  const { EncryptionContextEquals: equals, EncryptionContextSubset: subset } = Constraints
  const has = (wanted: { readonly [key: string]: string }) =>
    Object.entries(wanted).every(([key, value]) => context[key] === value)
  if (equals) return has(equals) && Object.keys(context).length === Object.keys(equals).length
  return subset === undefined || has(subset)
}

test('a grant made on the strength of another never lets anything pass that the other does not', async (t) => {
  const server = await startTestServer(t)
  const [middle, last] = [await createCaller(server, 'middle', []), await createCaller(server, 'last', [])]
  const operations = fc.subarray([...GRANTED], { minLength: 1 })
  await fc.assert(
    fc.asyncProperty(operations, constraints, operations, constraints, async (wide, outer, narrow, inner) => {
      const { id: KeyId } = await newKey(server)
      const parent = { KeyId, GranteePrincipal: middle.arn, Operations: [...wide, 'CreateGrant'], ...outer }
      await call(server, 'CreateGrant', parent)
      const child = { KeyId, GranteePrincipal: last.arn, Operations: narrow, ...inner }
      const told = await codeOf(server, 'CreateGrant', child, middle)
      const within =
        narrow.every((operation) => wide.includes(operation)) &&
        CONTEXTS.every((context) => !passes(inner, context) || passes(outer, context))
      // Stricter in effect is not always stricter in form, and only that is let through.
      if (told === 'ok') assert.ok(within, JSON.stringify({ wide, outer, narrow, inner }))
      else assert.equal(told, 'AccessDeniedException')
      for (const context of CONTEXTS.slice(0, 4)) {
        const may = (who: typeof middle) =>
          codeOf(server, 'Encrypt', { KeyId, Plaintext: base64('x'), EncryptionContext: context }, who)
        if ((await may(last)) === 'ok') assert.equal(await may(middle), 'ok', JSON.stringify({ outer, inner, context }))
      }
    }),
    runs(12, 300),
  )
})

test('material that was in use opens what it encrypted, however often the key was rotated since', async (t) => {
  const server = await startTestServer(t)
  const { id: KeyId } = await newKey(server)
  const blobs = new Map<string, string>()
  for (let rotation = 0; rotation < 4; rotation++) {
    const Plaintext = base64(`before rotation ${rotation}`)
    blobs.set((await call(server, 'Encrypt', { KeyId, Plaintext })).CiphertextBlob, Plaintext)
    await call(server, 'RotateKeyOnDemand', { KeyId })
    server.clock.advance(DAY_MS)
    await server.jobs.runDue()
  }
  for (const [CiphertextBlob, Plaintext] of blobs) {
    assert.equal((await call(server, 'Decrypt', { CiphertextBlob })).Plaintext, Plaintext)
  }
})
