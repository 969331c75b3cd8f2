// Every rule of labels, versions, values, names and tags, without a server. Random sequences are compared with a naive model.

import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import type { ServiceError } from '../../errors.ts'
import {
  attachStages,
  CURRENT,
  dayOf,
  findHolder,
  keptKeyId,
  labelledVersions,
  moveStage,
  mustHaveToken,
  newSuffix,
  PENDING,
  PREVIOUS,
  plainOf,
  pruneVersions,
  type Secret,
  type SecretVersion,
  STAGES_MAX,
  selectVersion,
  splitTail,
  stagesToAttach,
  withTags,
  withVersion,
} from './model.ts'

const DAY_MS = 86_400_000

const valued = (id: string, stages: readonly string[] = [], createdAt = 0): SecretVersion => ({
  id,
  stages,
  createdAt,
  value: { kind: 'string', kmsKey: 'DefaultEncryptionKey', digest: '' },
})
const placeholder = (id: string, stages: readonly string[]): SecretVersion => ({ id, stages, createdAt: 0 })

const secretWith = (...versions: SecretVersion[]): Secret => ({
  arn: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:a-AbCdEf',
  name: 'a',
  suffix: 'AbCdEf',
  tags: [],
  versions,
  createdAt: 0,
  changedAt: 0,
})

/** Labels by version, as a test reads them. */
const labels = (versions: readonly SecretVersion[]): { readonly [id: string]: readonly string[] } =>
  Object.fromEntries(versions.map((version) => [version.id, version.stages]))

const refusal =
  (code: string, message: string) =>
  (error: unknown): true => {
    assert.deepEqual(
      { code: (error as ServiceError).code, message: (error as ServiceError).message },
      { code, message },
    )
    return true
  }

describe('attachStages', () => {
  it('makes the former current version the previous one, and takes AWSPREVIOUS from its holder', () => {
    const versions = [valued('a', [PREVIOUS]), valued('b', [CURRENT]), valued('c')]
    assert.deepEqual(labels(attachStages(versions, 'c', [CURRENT])), { a: [], b: [PREVIOUS], c: [CURRENT] })
  })

  it('moves neither AWSCURRENT nor AWSPREVIOUS for other labels, which it takes from their holders', () => {
    const versions = [valued('a', [PREVIOUS, 'green']), valued('b', [CURRENT]), valued('c')]
    assert.deepEqual(labels(attachStages(versions, 'c', ['green', PENDING])), {
      a: [PREVIOUS],
      b: [CURRENT],
      c: ['green', PENDING],
    })
  })

  it('swaps AWSCURRENT and AWSPREVIOUS when the previous version becomes current again', () => {
    const versions = [valued('a', [PREVIOUS]), valued('b', [CURRENT])]
    assert.deepEqual(labels(attachStages(versions, 'a', [CURRENT])), { a: [CURRENT], b: [PREVIOUS] })
  })

  it('keeps the labels that a filled placeholder has', () => {
    const versions = [valued('a', [CURRENT]), placeholder('b', [PENDING])]
    assert.deepEqual(labels(attachStages(versions, 'b', [PENDING])), { a: [CURRENT], b: [PENDING] })
    assert.deepEqual(labels(attachStages(versions, 'b', [CURRENT])), { a: [PREVIOUS], b: [PENDING, CURRENT] })
  })

  it('gives AWSPREVIOUS to the new version where that is asked for together with AWSCURRENT', () => {
    const versions = [valued('a', [CURRENT]), valued('b')]
    assert.deepEqual(labels(attachStages(versions, 'b', [CURRENT, PREVIOUS])), { a: [], b: [CURRENT, PREVIOUS] })
  })

  it('takes AWSPREVIOUS off the version that becomes current where none was', () => {
    const versions = [valued('a', [PREVIOUS]), placeholder('b', [PENDING])]
    assert.deepEqual(labels(attachStages(versions, 'a', [CURRENT])), { a: [CURRENT], b: [PENDING] })
  })

  it('refuses the 21st label of a secret', () => {
    const many = Array.from({ length: STAGES_MAX - 1 }, (_, index) => `label-${index}`)
    const versions = [valued('a', [CURRENT]), valued('b', many)]
    assert.throws(
      () => attachStages(versions, 'b', ['one-more']),
      refusal('LimitExceededException', 'A secret can have at most 20 staging labels across all its versions.'),
    )
    assert.equal(findHolder(attachStages(versions, 'b', ['label-0']), 'label-0')?.id, 'b')
  })
})

describe('stagesToAttach', () => {
  it('adds AWSCURRENT to what is asked for only where the version is the first', () => {
    assert.deepEqual(stagesToAttach([], undefined), [CURRENT])
    assert.deepEqual(stagesToAttach([], ['blue']), ['blue', CURRENT])
    assert.deepEqual(stagesToAttach([valued('a', [CURRENT])], ['blue']), ['blue'])
    assert.deepEqual(stagesToAttach([placeholder('a', [PENDING])], [PENDING]), [PENDING])
  })
})

describe('moveStage', () => {
  const versions = [valued('a', [PREVIOUS]), valued('b', [CURRENT, 'blue']), valued('c'), placeholder('d', [PENDING])]

  const moves: readonly {
    readonly does: string
    readonly move: readonly [stage: string, removeFrom: string | undefined, moveTo: string | undefined]
    readonly gives: { readonly [id: string]: readonly string[] }
  }[] = [
    {
      does: 'attaches a label that nobody holds',
      move: ['green', undefined, 'c'],
      gives: { a: [PREVIOUS], b: [CURRENT, 'blue'], c: ['green'], d: [PENDING] },
    },
    {
      does: 'moves a label from its holder, and AWSPREVIOUS stays',
      move: ['blue', 'b', 'c'],
      gives: { a: [PREVIOUS], b: [CURRENT], c: ['blue'], d: [PENDING] },
    },
    {
      does: 'detaches a label',
      move: ['blue', 'b', undefined],
      gives: { a: [PREVIOUS], b: [CURRENT], c: [], d: [PENDING] },
    },
    {
      does: 'moves AWSCURRENT, and AWSPREVIOUS goes to the version that it left',
      move: [CURRENT, 'b', 'c'],
      gives: { a: [], b: ['blue', PREVIOUS], c: [CURRENT], d: [PENDING] },
    },
    {
      does: 'swaps AWSCURRENT and AWSPREVIOUS on the way back',
      move: [CURRENT, 'b', 'a'],
      gives: { a: [CURRENT], b: ['blue', PREVIOUS], c: [], d: [PENDING] },
    },
    {
      does: 'moves AWSPENDING onto a version without a value and off it',
      move: [PENDING, 'd', 'b'],
      gives: { a: [PREVIOUS], b: [CURRENT, 'blue', PENDING], c: [], d: [] },
    },
    {
      does: 'detaches AWSPREVIOUS',
      move: [PREVIOUS, 'a', undefined],
      gives: { a: [], b: [CURRENT, 'blue'], c: [], d: [PENDING] },
    },
  ]
  for (const { does, move, gives } of moves) {
    it(does, () => assert.deepEqual(labels(moveStage(versions, ...move)), gives))
  }

  it('changes nothing where the label is already there', () => {
    assert.equal(moveStage(versions, CURRENT, undefined, 'b'), versions)
    assert.equal(moveStage(versions, CURRENT, 'b', 'b'), versions)
  })

  const refusals: readonly {
    readonly refuses: string
    readonly move: readonly [stage: string, removeFrom: string | undefined, moveTo: string | undefined]
    readonly code: string
    readonly message: string
  }[] = [
    {
      refuses: 'neither source nor destination',
      move: ['blue', undefined, undefined],
      code: 'InvalidParameterException',
      message: 'You must provide RemoveFromVersionId, MoveToVersionId, or both.',
    },
    {
      refuses: 'a destination that does not exist',
      move: ['blue', 'b', 'z'],
      code: 'ResourceNotFoundException',
      message: "Secrets Manager can't find the specified secret version.",
    },
    {
      refuses: 'a label that somebody holds, without its holder',
      move: ['blue', undefined, 'c'],
      code: 'InvalidParameterException',
      message:
        "The parameter RemoveFromVersionId can't be empty. Staging label blue is currently attached to version b, so you must explicitly reference that version in RemoveFromVersionId.",
    },
    {
      refuses: 'a source that is not the holder',
      move: ['blue', 'a', 'c'],
      code: 'InvalidParameterException',
      message:
        'The parameter RemoveFromVersionId has version a. Staging label blue is currently attached to version b, so you must explicitly reference that version in RemoveFromVersionId.',
    },
    {
      refuses: 'a source that is not the holder, even where nothing would move',
      move: ['blue', 'a', 'b'],
      code: 'InvalidParameterException',
      message:
        'The parameter RemoveFromVersionId has version a. Staging label blue is currently attached to version b, so you must explicitly reference that version in RemoveFromVersionId.',
    },
    {
      refuses: 'a source where nobody holds the label',
      move: ['green', 'a', 'c'],
      code: 'InvalidParameterException',
      message: 'The parameter RemoveFromVersionId has version a. Staging label green is not attached to that version.',
    },
    {
      refuses: 'to take AWSCURRENT away',
      move: [CURRENT, 'b', undefined],
      code: 'InvalidParameterException',
      message:
        "You can only move staging label AWSCURRENT to a different secret version. It can't be completely removed.",
    },
    {
      refuses: 'AWSCURRENT on a version without a value',
      move: [CURRENT, 'b', 'd'],
      code: 'InvalidRequestException',
      message: "You can't move staging label AWSCURRENT to version d because it has no secret value.",
    },
  ]
  for (const { refuses, move, code, message } of refusals) {
    it(`refuses ${refuses}`, () => assert.throws(() => moveStage(versions, ...move), refusal(code, message)))
  }
})

describe('labels after any sequence of puts and moves', () => {
  /** One label, one holder: everything the rules say, said again with a map. */
  const naive = {
    put(holders: Map<string, string>, id: string, asked: readonly string[], first: boolean): Map<string, string> {
      const next = new Map(holders)
      const stages = first ? [...asked, CURRENT] : asked
      const current = holders.get(CURRENT)
      if (stages.includes(CURRENT) && current !== undefined && current !== id) next.set(PREVIOUS, current)
      for (const stage of stages) next.set(stage, id)
      return next.size > STAGES_MAX ? holders : next
    },
    move(holders: Map<string, string>, stage: string, from?: string, to?: string): Map<string, string> {
      const holder = holders.get(stage)
      const next = new Map(holders)
      if (from !== undefined && from !== holder) return holders
      if (to === undefined) {
        if (from !== undefined && stage !== CURRENT) next.delete(stage)
        return next
      }
      if (holder === to) return holders
      if (holder !== undefined && from === undefined) return holders
      next.set(stage, to)
      if (stage === CURRENT && holder !== undefined) next.set(PREVIOUS, holder)
      return next.size > STAGES_MAX ? holders : next
    },
  }

  const id = fc.constantFrom('v0', 'v1', 'v2', 'v3', 'v4')
  const stage = fc.oneof(
    { weight: 3, arbitrary: fc.constantFrom(CURRENT, PREVIOUS, PENDING) },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 25 }).map((n) => `custom-${n}`) },
  )
  const step = fc.oneof(
    fc.record({ put: id, stages: fc.array(stage, { minLength: 1, maxLength: 8 }) }),
    fc.record({ stage, from: fc.option(id, { nil: undefined }), to: fc.option(id, { nil: undefined }) }),
    fc.record({ moveFromHolder: stage, to: id }),
  )

  it('agree with a map of holders, and AWSCURRENT never gets lost', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let versions: readonly SecretVersion[] = [valued('v0', [CURRENT])]
        let holders = new Map([[CURRENT, 'v0']])
        const attempt = (change: () => readonly SecretVersion[]): void => {
          try {
            versions = change()
          } catch (error) {
            assert.equal((error as Error).name, 'ServiceError')
          }
        }
        for (const action of steps) {
          if ('put' in action) {
            const before = versions
            attempt(() =>
              attachStages(
                withVersion(before, before.find((version) => version.id === action.put) ?? valued(action.put)),
                action.put,
                stagesToAttach(before, action.stages),
              ),
            )
            holders = naive.put(holders, action.put, action.stages, false)
          } else {
            const label = 'stage' in action ? action.stage : action.moveFromHolder
            const from = 'stage' in action ? action.from : findHolder(versions, label)?.id
            const { to } = action
            if (to !== undefined && !versions.some((version) => version.id === to)) continue
            attempt(() => moveStage(versions, label, from, to))
            holders = naive.move(holders, label, from, to)
          }
          const all = versions.flatMap((version) => version.stages.map((held) => [held, version.id] as const))
          assert.equal(new Set(all.map(([held]) => held)).size, all.length, 'a label stands on two versions')
          assert.deepEqual(new Map(all.sort()), new Map([...holders].sort()))
          assert.ok(all.length <= STAGES_MAX)
          assert.equal(all.filter(([held]) => held === CURRENT).length, 1)
        }
      }),
      { numRuns: 300 },
    )
  })
})

describe('selectVersion', () => {
  const secret = secretWith(
    valued('old'),
    valued('before', [PREVIOUS]),
    valued('now', [CURRENT, 'blue']),
    placeholder('next', [PENDING]),
  )

  for (const [asked, id, stage, gives] of [
    ['neither', undefined, undefined, 'now'],
    ['a label', undefined, 'AWSPREVIOUS', 'before'],
    ['an id', 'before', undefined, 'before'],
    ['the id of a version without labels', 'old', undefined, 'old'],
    ['an id and a label that it has', 'now', 'blue', 'now'],
  ] as const) {
    it(`finds the version by ${asked}`, () => assert.equal(selectVersion(secret, id, stage).id, gives))
  }

  const notFound = 'ResourceNotFoundException'
  for (const [asked, id, stage, code, message] of [
    [
      'an unknown label',
      undefined,
      'x',
      notFound,
      "Secrets Manager can't find the specified secret value for staging label: x",
    ],
    [
      'the label of a placeholder',
      undefined,
      PENDING,
      notFound,
      "Secrets Manager can't find the specified secret value for staging label: AWSPENDING",
    ],
    [
      'a label in another case',
      undefined,
      'awscurrent',
      notFound,
      "Secrets Manager can't find the specified secret value for staging label: awscurrent",
    ],
    [
      'an unknown id',
      'none',
      undefined,
      notFound,
      "Secrets Manager can't find the specified secret value for VersionId: none",
    ],
    [
      'the id of a placeholder',
      'next',
      undefined,
      notFound,
      "Secrets Manager can't find the specified secret value for VersionId: next",
    ],
    [
      'id and label of a placeholder, as rotation functions do',
      'next',
      PENDING,
      notFound,
      "Secrets Manager can't find the specified secret value for VersionId: next",
    ],
    [
      'an id and a label of another version',
      'now',
      PREVIOUS,
      'InvalidRequestException',
      'You provided a VersionStage that is not associated to the provided VersionId.',
    ],
  ] as const) {
    it(`refuses ${asked}`, () => assert.throws(() => selectVersion(secret, id, stage), refusal(code, message)))
  }

  it('finds nothing in a secret without versions', () => {
    assert.throws(
      () => selectVersion(secretWith(), undefined, undefined),
      refusal(notFound, "Secrets Manager can't find the specified secret value for staging label: AWSCURRENT"),
    )
  })
})

describe('labelledVersions', () => {
  it('has placeholders with a label, not versions without, and is absent where there are none', () => {
    assert.deepEqual(labelledVersions(secretWith(valued('a'), valued('b', [CURRENT]), placeholder('c', [PENDING]))), {
      b: [CURRENT],
      c: [PENDING],
    })
    assert.equal(labelledVersions(secretWith(valued('a'))), undefined)
  })
})

describe('pruneVersions', () => {
  const now = 10 * DAY_MS
  const ids = (versions: readonly SecretVersion[]) => versions.map((version) => version.id)

  it('removes nothing up to the quota', () => {
    const versions = [valued('a'), valued('b', [CURRENT])]
    assert.deepEqual(pruneVersions(versions, 2, now), { kept: versions, pruned: [] })
  })

  it('removes the oldest without labels, no more than must go', () => {
    const versions = [valued('a', [], 2), valued('b', ['keep'], 0), valued('c', [], 1), valued('d', [CURRENT], 5)]
    const { kept, pruned } = pruneVersions(versions, 3, now)
    assert.deepEqual([ids(kept), ids(pruned)], [['a', 'b', 'd'], ['c']])
  })

  it('refuses where what is left over has labels or is younger than a day', () => {
    const versions = [valued('a', ['keep'], 0), valued('b', [], now - DAY_MS), valued('c', [CURRENT], now)]
    assert.throws(
      () => pruneVersions(versions, 2, now),
      refusal(
        'LimitExceededException',
        'The secret has reached the quota of 2 versions, and none is both without staging labels and older than 24 hours.',
      ),
    )
    assert.deepEqual(ids(pruneVersions(versions, 2, now + 1).pruned), ['b'])
  })
})

describe('plainOf', () => {
  it('keeps text and bytes as they are', () => {
    const text = ' "é€😀"\r\n\0\ufeff'
    const plain = plainOf({ SecretString: text })
    assert.equal(plain?.kind, 'string')
    assert.equal(Buffer.from(plain.bytes).toString(), text)
    const bytes = randomBytes(32)
    assert.deepEqual(plainOf({ SecretBinary: bytes }), { kind: 'binary', bytes })
    assert.equal(plainOf({}), undefined)
  })

  it('refuses two values, text beyond 65,536 bytes, and half of a surrogate pair', () => {
    assert.throws(
      () => plainOf({ SecretString: 'a', SecretBinary: randomBytes(1) }),
      refusal(
        'InvalidParameterException',
        "You can't specify both a binary secret value and a string secret value in the same secret.",
      ),
    )
    assert.ok(plainOf({ SecretString: 'é'.repeat(32_768) }))
    assert.throws(
      () => plainOf({ SecretString: `${'é'.repeat(32_768)}x` }),
      refusal('InvalidParameterException', "The secret value can't be longer than 65536 bytes."),
    )
    assert.throws(
      () => plainOf({ SecretString: 'a\ud83d' }),
      refusal('InvalidParameterException', 'The secret value contains an unpaired surrogate, which is not valid text.'),
    )
  })
})

describe('mustHaveToken', () => {
  it('refuses a missing token and one that is not text', () => {
    assert.throws(
      () => mustHaveToken(undefined),
      refusal(
        'InvalidRequestException',
        'You must provide a ClientRequestToken value. We recommend a UUID-type value.',
      ),
    )
    for (const token of ['\0', '\udc00']) {
      assert.throws(
        () => mustHaveToken(token.repeat(32)),
        refusal('InvalidParameterException', 'The ClientRequestToken contains characters that are not valid text.'),
      )
    }
    assert.equal(mustHaveToken('é'.repeat(32)), 'é'.repeat(32))
  })
})

describe('names', () => {
  it('end in a suffix where they end in a hyphen and six letters or digits', () => {
    assert.deepEqual(splitTail('prod/db-AbC123'), { name: 'prod/db', suffix: 'AbC123' })
    assert.deepEqual(splitTail('db-secret'), { name: 'db', suffix: 'secret' })
    assert.deepEqual(splitTail('a-b-AbC123'), { name: 'a-b', suffix: 'AbC123' })
    for (const name of ['prod/db', 'db-AbC12', 'db-AbC1234', 'db-AbC12_', 'db-AbC12!', '-AbC123']) {
      assert.deepEqual(splitTail(name), { name })
    }
  })

  it('get suffixes of six letters and digits, each equally likely', () => {
    const counts = new Map<string, number>()
    for (let index = 0; index < 5_000; index++) {
      const suffix = newSuffix(randomBytes)
      assert.match(suffix, /^[A-Za-z0-9]{6}$/)
      for (const character of suffix) counts.set(character, (counts.get(character) ?? 0) + 1)
    }
    // 30,000 characters over 62: 484 each, with a standard deviation of 22.
    assert.equal(counts.size, 62)
    for (const [character, count] of counts) assert.ok(Math.abs(count - 484) < 6 * 22, `${character}: ${count}`)
  })
})

describe('keptKeyId', () => {
  it('is absent for the managed key, however it was named', () => {
    assert.equal(keptKeyId(undefined), undefined)
    assert.equal(keptKeyId(''), undefined)
    assert.equal(keptKeyId('alias/aws/secretsmanager'), undefined)
    assert.equal(keptKeyId('alias/mine'), 'alias/mine')
  })
})

describe('withTags', () => {
  it('adds tags in order, and gives a known key its new value in its place', () => {
    const tags = withTags(
      [
        { key: 'a', value: '1' },
        { key: 'b', value: '2' },
      ],
      [{ Key: 'a', Value: '3' }, { Key: 'A' }],
    )
    assert.deepEqual(tags, [
      { key: 'a', value: '3' },
      { key: 'b', value: '2' },
      { key: 'A', value: '' },
    ])
  })

  const many = (count: number) => Array.from({ length: count }, (_, index) => ({ Key: `k${index}`, Value: '' }))
  for (const [what, given, message] of [
    ['a tag without a key', [{ Value: 'x' }], 'Every tag must have a Key.'],
    ['a key given twice', [{ Key: 'a' }, { Key: 'a' }], 'The tag key a is given more than once.'],
    ['a reserved key', [{ Key: 'AWS:x' }], 'Tag keys starting with aws: are reserved for system use.'],
    [
      'other characters in a key',
      [{ Key: 'a*' }],
      'The tag key a* is not valid. It can have letters, digits, spaces, and any of the following: + - = . _ : / @',
    ],
    [
      'other characters in a value',
      [{ Key: 'a', Value: '<b>' }],
      'The value of tag a is not valid. It can have letters, digits, spaces, and any of the following: + - = . _ : / @',
    ],
    ['a 51st tag', many(51), 'A secret can have at most 50 tags.'],
  ] as const) {
    it(`refuses ${what}`, () => assert.throws(() => withTags([], given), refusal('InvalidParameterException', message)))
  }

  it('takes 50 tags, and letters of every script', () => {
    assert.equal(withTags([], many(50)).length, 50)
    assert.equal(withTags([], [{ Key: 'équipe 团队', Value: 'a+b-c=d.e_f:g/h@i' }]).length, 1)
  })
})

describe('dayOf', () => {
  it('is midnight UTC', () => assert.equal(dayOf(Date.UTC(2026, 4, 3, 23, 59, 59, 999)), Date.UTC(2026, 4, 3)))
})
