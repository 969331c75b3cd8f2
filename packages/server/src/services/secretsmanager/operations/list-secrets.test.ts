// ListSecrets through the server: equal to a naive look at all secrets, whatever the filters, the order and the size of pages.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import {
  CreateSecretCommand,
  DeleteSecretCommand,
  DescribeSecretCommand,
  type DescribeSecretResponse,
  GetSecretValueCommand,
  ListSecretsCommand,
  type ListSecretsRequest,
  type SecretListEntry,
  UpdateSecretCommand,
} from '@aws-sdk/client-secrets-manager'
import fc from 'fast-check'
import { startTestServer, type TestServer } from '../../../testing.ts'
import { sealNextToken } from '../list.ts'
import { insertSecret } from '../store.ts'
import { createCaller } from '../testing.ts'

const HOUR_MS = 3_600_000
const NAMES = [
  'prod/db-main',
  'prod/apiKey',
  'prod',
  'Prod/Db',
  'dev/db',
  'dev/apiKey2',
  'test_1',
  'a',
  'ab',
  'a/b',
  'z=+.@',
]
const DESCRIPTIONS = [undefined, 'The main database', 'API key of appUser', 'database of the API', 'temporary']
const TAGS = [
  [],
  [{ Key: 'Team', Value: 'Blue' }],
  [{ Key: 'team', Value: 'red one' }],
  [
    { Key: 'Team', Value: 'Green' },
    { Key: 'env', Value: 'prod' },
  ],
]

/** Secrets of many kinds: several made in the same millisecond, some changed, some read, some scheduled for deletion. */
async function makeSecrets(server: TestServer): Promise<readonly DescribeSecretResponse[]> {
  const client = server.secretsManager
  const described: DescribeSecretResponse[] = []
  let n = 0
  for (const Name of NAMES) {
    for (const suffix of ['', '-2', 'X']) {
      if (n % 2 === 0) await server.clock.advance(HOUR_MS)
      await client.send(
        new CreateSecretCommand({
          Name: Name + suffix,
          SecretString: 'x',
          Description: DESCRIPTIONS[n % DESCRIPTIONS.length],
          Tags: TAGS[n % TAGS.length],
        }),
      )
      n += 1
    }
  }
  for (let index = 0; index < n; index += 3) {
    const SecretId = NAMES[Math.floor(index / 3)] as string
    await server.clock.advance(7 * HOUR_MS)
    if (index % 2 === 0) await client.send(new GetSecretValueCommand({ SecretId }))
    else await client.send(new UpdateSecretCommand({ SecretId, Description: 'changed' }))
  }
  await server.app.accesses.flush()
  for (const SecretId of ['dev/db-2', 'a/bX', 'prod']) await client.send(new DeleteSecretCommand({ SecretId }))
  for (const Name of NAMES) {
    for (const suffix of ['', '-2', 'X']) {
      described.push(await client.send(new DescribeSecretCommand({ SecretId: Name + suffix })))
    }
  }
  return described
}

// The naive look, written anew: nothing of filters.ts or list.ts is used.

const isLetter = (c: string): boolean => /[A-Za-z]/.test(c)
const isDigit = (c: string): boolean => /[0-9]/.test(c)

function words(text: string, fine: boolean): string[] {
  const found: string[] = []
  let word = ''
  const end = (): void => {
    if (word !== '') found.push(word.toLowerCase())
    word = ''
  }
  for (const c of text) {
    const before = word.at(-1) ?? ''
    if (!isLetter(c) && !isDigit(c)) {
      end()
      continue
    }
    if (fine && word !== '') {
      const kindChanges = isLetter(before) !== isLetter(c)
      const rises = /[a-z]/.test(before) && /[A-Z]/.test(c)
      if (kindChanges || rises) end()
    }
    word += c
  }
  end()
  return found
}

function matches(secret: DescribeSecretResponse, key: string, value: string): boolean {
  const tags = secret.Tags ?? []
  switch (key) {
    case 'name':
      return secret.Name!.startsWith(value)
    case 'description':
      return (
        secret.Description !== undefined &&
        words(value, false).every((w) => words(secret.Description!, false).some((x) => x.startsWith(w)))
      )
    case 'tag-key':
      return tags.some((tag) => tag.Key!.startsWith(value))
    case 'tag-value':
      return tags.some((tag) => tag.Value!.startsWith(value))
    case 'all': {
      const texts = [secret.Name!, secret.Description ?? '', ...tags.flatMap((tag) => [tag.Key!, tag.Value!])]
      const all = texts.flatMap((text) => [...words(text, true), ...words(text, false)])
      return words(value, true).every((w) => all.some((x) => x.startsWith(w)))
    }
    default:
      return false
  }
}

type Query = Pick<ListSecretsRequest, 'Filters' | 'SortBy' | 'SortOrder' | 'IncludePlannedDeletion'>

function naive(secrets: readonly DescribeSecretResponse[], query: Query): string[] {
  const listed = secrets.filter((secret) => {
    if (secret.DeletedDate !== undefined && query.IncludePlannedDeletion !== true) return false
    for (const { Key, Values } of query.Filters ?? []) {
      const wanted = Values!.filter((value) => value[0] !== '!')
      const unwanted = Values!.filter((value) => value[0] === '!').map((value) => value.substring(1))
      if (wanted.length > 0 && !wanted.some((value) => matches(secret, Key!, value))) return false
      if (unwanted.some((value) => matches(secret, Key!, value))) return false
    }
    return true
  })
  const by = query.SortBy ?? 'created-date'
  const descending = (query.SortOrder ?? (by === 'name' ? 'asc' : 'desc')) === 'desc'
  const dateOf = (secret: DescribeSecretResponse): number | undefined =>
    ({
      'created-date': secret.CreatedDate,
      'last-changed-date': secret.LastChangedDate,
      'last-accessed-date': secret.LastAccessedDate,
      name: new Date(0),
    })[by]?.getTime()
  const neverLast = (a: DescribeSecretResponse): number => (dateOf(a) === undefined ? 1 : 0)
  const way = descending ? -1 : 1
  return listed
    .sort(
      (a, b) =>
        neverLast(a) - neverLast(b) ||
        way * ((dateOf(a) ?? 0) - (dateOf(b) ?? 0)) ||
        way * Buffer.compare(Buffer.from(a.Name!), Buffer.from(b.Name!)),
    )
    .map((secret) => secret.Name!)
}

async function listAll(server: TestServer, query: ListSecretsRequest): Promise<readonly SecretListEntry[]> {
  const entries: SecretListEntry[] = []
  let NextToken: string | undefined
  let pages = 0
  do {
    const page = await server.secretsManager.send(new ListSecretsCommand({ ...query, NextToken }))
    entries.push(...page.SecretList!)
    assert.ok(page.SecretList!.length <= (query.MaxResults ?? 100))
    NextToken = page.NextToken
    pages += 1
    assert.ok(pages < 200, 'pages end')
  } while (NextToken !== undefined)
  return entries
}

const values = fc.constantFrom(
  '',
  'prod',
  'prod/',
  'Prod',
  'a',
  'ab',
  'dev/api',
  'db',
  'api key',
  'Main',
  'Team',
  'te',
  'Blue',
  'red',
  'appUser',
  'apikey',
  'user',
  '2',
  'x',
  'zzz',
)
const filter = fc.record({
  Key: fc.constantFrom(
    'name',
    'name',
    'description',
    'tag-key',
    'tag-value',
    'all',
    'primary-region',
    'owning-service',
  ),
  Values: fc.array(
    fc.tuple(fc.constantFrom('', '', '!'), values).map(([negation, value]) => negation + value),
    { minLength: 1, maxLength: 3 },
  ),
})
const query = fc.record(
  {
    Filters: fc.array(filter, { maxLength: 2 }),
    SortBy: fc.constantFrom('created-date', 'last-accessed-date', 'last-changed-date', 'name'),
    SortOrder: fc.constantFrom('asc', 'desc'),
    IncludePlannedDeletion: fc.boolean(),
    MaxResults: fc.constantFrom(1, 2, 5, 7, 33, 100),
  },
  { requiredKeys: [] },
)

test('ListSecrets finds, in order, exactly what a naive look at all secrets finds', async (t) => {
  const server = await startTestServer(t)
  const secrets = await makeSecrets(server)
  await fc.assert(
    fc.asyncProperty(query, async (asked) => {
      const listed = await listAll(server, asked as ListSecretsRequest)
      assert.deepEqual(
        listed.map((entry) => entry.Name),
        naive(secrets, asked as Query),
      )
    }),
    { numRuns: 80 },
  )
})

test('an entry tells what DescribeSecret tells, and names the labels of versions SecretVersionsToStages', async (t) => {
  const server = await startTestServer(t)
  const secrets = await makeSecrets(server)
  const listed = await listAll(server, { IncludePlannedDeletion: true, SortBy: 'name' })
  assert.equal(listed.length, secrets.length)
  for (const entry of listed) {
    const {
      $metadata: _,
      VersionIdsToStages,
      ...described
    } = secrets.find(({ Name }) => Name === entry.Name) as DescribeSecretResponse & { $metadata?: unknown }
    assert.deepEqual(entry, { ...described, SecretVersionsToStages: VersionIdsToStages })
  }
  assert.equal(listed.filter((entry) => entry.DeletedDate !== undefined).length, 3)
})

test('another account and another region have lists of their own, and tokens of theirs', async (t) => {
  const server = await startTestServer(t)
  for (const Name of ['a', 'b']) await server.secretsManager.send(new CreateSecretCommand({ Name }))
  const stranger = await createCaller(server, 'stranger', [{ Effect: 'Allow', Action: '*', Resource: '*' }], 'new')
  const list = (input: object, options: object) => server.call('secretsmanager', 'ListSecrets', input, options)
  const { NextToken } = await page(server, { MaxResults: 1 })
  for (const elsewhere of [{ credentials: stranger.credentials }, { region: 'us-west-2' }]) {
    assert.deepEqual((await list({}, elsewhere)).body, { SecretList: [] })
    assert.equal((await list({ NextToken }, elsewhere)).body.__type, 'InvalidNextTokenException')
  }
  assert.equal((await list({ NextToken }, {})).body.SecretList.length, 1)
})

test('a caller without the permission is told so, and no resource is named', async (t) => {
  const server = await startTestServer(t)
  const { arn, credentials } = await createCaller(server, 'reader', [
    { Effect: 'Allow', Action: 'secretsmanager:DescribeSecret', Resource: '*' },
  ])
  const { status, body } = await server.call('secretsmanager', 'ListSecrets', {}, { credentials })
  assert.equal(status, 400)
  assert.deepEqual(body, {
    __type: 'AccessDeniedException',
    Message: `User: ${arn} is not authorized to perform: secretsmanager:ListSecrets because no identity-based policy allows the secretsmanager:ListSecrets action`,
  })
})

test('a page without filters has as many secrets as were asked for, and the last one has no token', async (t) => {
  const server = await startTestServer(t)
  for (const Name of ['a', 'b', 'c', 'd']) await server.secretsManager.send(new CreateSecretCommand({ Name }))
  const first = await server.secretsManager.send(new ListSecretsCommand({ MaxResults: 2, SortBy: 'name' }))
  assert.deepEqual(
    first.SecretList?.map(({ Name }) => Name),
    ['a', 'b'],
  )
  const second = await server.secretsManager.send(
    new ListSecretsCommand({ MaxResults: 2, SortBy: 'name', NextToken: first.NextToken }),
  )
  assert.deepEqual(
    second.SecretList?.map(({ Name }) => Name),
    ['c', 'd'],
  )
  assert.equal(second.NextToken, undefined)
})

test('a secret made or removed between two pages moves nothing else', async (t) => {
  const server = await startTestServer(t)
  const client = server.secretsManager
  for (const Name of ['b', 'd', 'f', 'h']) await client.send(new CreateSecretCommand({ Name }))
  const first = await client.send(new ListSecretsCommand({ MaxResults: 2, SortBy: 'name' }))
  await client.send(new DeleteSecretCommand({ SecretId: 'd', ForceDeleteWithoutRecovery: true }))
  await client.send(new CreateSecretCommand({ Name: 'a' }))
  await client.send(new CreateSecretCommand({ Name: 'e' }))
  const rest = await client.send(new ListSecretsCommand({ SortBy: 'name', NextToken: first.NextToken }))
  assert.deepEqual(
    rest.SecretList?.map(({ Name }) => Name),
    ['e', 'f', 'h'],
  )
})

test('a token that was altered, made up, or given for another account, region, operation or order is refused', async (t) => {
  const server = await startTestServer(t)
  const client = server.secretsManager
  for (const Name of ['a', 'b', 'c']) await client.send(new CreateSecretCommand({ Name }))
  const sorted = { SortBy: 'name', SortOrder: 'asc', MaxResults: 1 } as const
  const { NextToken } = await client.send(new ListSecretsCommand(sorted))
  const place = { name: 'a' }
  const order = { by: 'name', descending: false } as const
  const scope = { app: server.app, account: server.accountId, region: server.region }
  assert.equal(
    (
      await client.send(
        new ListSecretsCommand({ ...sorted, NextToken: sealNextToken(scope, 'ListSecrets', order, place) }),
      )
    ).SecretList?.[0]?.Name,
    'b',
    'the token of the test is as good as the server’s own',
  )
  const middle = Math.floor(NextToken!.length / 2)
  const flipped = NextToken![middle] === 'A' ? 'B' : 'A'
  for (const token of [
    'x',
    'bm90IGEgdG9rZW4',
    `${NextToken}A`,
    NextToken!.slice(0, -4),
    NextToken!.slice(0, middle) + flipped + NextToken!.slice(middle + 1),
    sealNextToken({ ...scope, account: '999999999999' }, 'ListSecrets', order, place),
    sealNextToken({ ...scope, region: 'xx-other-9' }, 'ListSecrets', order, place),
    sealNextToken(scope, 'BatchGetSecretValue', order, place),
    sealNextToken(scope, 'ListSecrets', { by: 'name', descending: true }, place),
    sealNextToken(scope, 'ListSecrets', { by: 'created', descending: false }, { key: 0, name: 'a' }),
  ]) {
    await assert.rejects(client.send(new ListSecretsCommand({ ...sorted, NextToken: token })), {
      name: 'InvalidNextTokenException',
      message: `Invalid token: ${token}`,
    })
  }
})

test('parameters beyond their limits are refused by the model', async (t) => {
  const server = await startTestServer(t)
  const refused: readonly [object, RegExp][] = [
    [{ MaxResults: 0 }, /'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1/],
    [
      { MaxResults: 101 },
      /'maxResults' failed to satisfy constraint: Member must have value less than or equal to 100/,
    ],
    [{ SortBy: 'size' }, /'sortBy' failed to satisfy constraint: Member must satisfy enum value set/],
    [{ SortOrder: 'up' }, /'sortOrder' failed to satisfy constraint: Member must satisfy enum value set/],
    [{ Filters: [{ Key: 'colour', Values: ['x'] }] }, /Member must satisfy enum value set/],
    [{ Filters: [{ Key: 'name', Values: ['a*'] }] }, /Member must satisfy regular expression pattern/],
    [{ Filters: [{ Key: 'name', Values: [] }] }, /Member must have length greater than or equal to 1/],
    [{ Filters: Array(11).fill({ Key: 'name', Values: ['a'] }) }, /Member must have length less than or equal to 10/],
    [{ NextToken: '' }, /'nextToken' failed to satisfy constraint: Member must have length greater than or equal to 1/],
  ]
  for (const [input, message] of refused) {
    await assert.rejects(server.secretsManager.send(new ListSecretsCommand(input)), {
      name: 'ValidationException',
      message,
    })
  }
  for (const Filters of [[{ Key: 'name' }], [{ Values: ['a'] }]]) {
    await assert.rejects(server.secretsManager.send(new ListSecretsCommand({ Filters } as ListSecretsRequest)), {
      name: 'InvalidParameterException',
    })
  }
})

/** Secrets as rows, without a call for each. */
async function insertMany(server: TestServer, count: number, nameOf: (n: number) => string): Promise<void> {
  const { app, accountId, region } = server
  await app.database.transaction('write', async (tx) => {
    for (let n = 0; n < count; n++) {
      const name = nameOf(n)
      await insertSecret({ app, tx }, accountId, region, {
        arn: `arn:aws:secretsmanager:${region}:${accountId}:secret:${name}-AbCdEf`,
        name,
        suffix: 'AbCdEf',
        tags: [],
        versions: [],
        createdAt: 1_000_000 + n,
        changedAt: 1_000_000 + n,
      })
    }
  })
}

const page = (server: TestServer, input: ListSecretsRequest) =>
  server.secretsManager.send(new ListSecretsCommand(input))

test('a page examines 2,000 secrets at most: it may be empty and go on', async (t: TestContext) => {
  const server = await startTestServer(t)
  await insertMany(server, 4_100, (n) => `s/${String(n).padStart(5, '0')}`)
  const asked = { Filters: [{ Key: 'tag-key' as const, Values: ['nobody'] }] }
  const sizes: number[] = []
  let NextToken: string | undefined
  do {
    const answer = await page(server, { ...asked, NextToken })
    assert.deepEqual(answer.SecretList, [])
    NextToken = answer.NextToken
    sizes.push(answer.SecretList!.length)
  } while (NextToken !== undefined)
  assert.equal(sizes.length, 3, '2,000, 2,000 and 100')

  // The range of names that a plain name filter allows is all that is looked at, in every order.
  for (const SortBy of ['name', 'created-date', 'last-changed-date', 'last-accessed-date'] as const) {
    const answer = await page(server, {
      Filters: [{ Key: 'name', Values: ['s/03'] }],
      SortBy,
      SortOrder: 'asc',
      MaxResults: 3,
    })
    assert.deepEqual(
      answer.SecretList?.map(({ Name }) => Name),
      ['s/03000', 's/03001', 's/03002'],
      SortBy,
    )
  }
  // A range too large for that is walked in the order asked for.
  const large = await page(server, { Filters: [{ Key: 'name', Values: ['s/', '!s/04'] }], SortBy: 'created-date' })
  assert.equal(large.SecretList?.length, 100)
  assert.equal(large.SecretList?.[0]?.Name, 's/03999')
})

test('a list with a row that was altered in the database fails rather than show it', async (t) => {
  const server = await startTestServer(t)
  const { database } = server.app
  for (const Name of ['a', 'b', 'c']) await server.secretsManager.send(new CreateSecretCommand({ Name }))
  const alter = (sql: string) => database.transaction('write', (tx) => tx.run(sql))
  for (const [sql, undo] of [
    [
      "UPDATE secret SET created_at = created_at + 1 WHERE name = 'b'",
      "UPDATE secret SET created_at = created_at - 1 WHERE name = 'b'",
    ],
    [
      "UPDATE secret SET changed_at = changed_at + 1 WHERE name = 'b'",
      "UPDATE secret SET changed_at = changed_at - 1 WHERE name = 'b'",
    ],
    ["UPDATE secret SET name = 'bb' WHERE name = 'b'", "UPDATE secret SET name = 'b' WHERE name = 'bb'"],
    ["UPDATE secret SET rev = rev + 1 WHERE name = 'b'", "UPDATE secret SET rev = rev - 1 WHERE name = 'b'"],
  ] as const) {
    await alter(sql)
    await assert.rejects(page(server, {}), { name: 'InternalServiceError' }, sql)
    await assert.rejects(
      page(server, { Filters: [{ Key: 'name', Values: ['b'] }] }),
      { name: 'InternalServiceError' },
      sql,
    )
    await alter(undo)
    assert.equal((await page(server, {})).SecretList?.length, 3)
  }
})
