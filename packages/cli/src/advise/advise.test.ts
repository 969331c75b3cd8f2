// `strongroom advise` as docs/advise.md shows it, on a server as a process: what it prints in each form, and its exit codes.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import {
  CreateSecretCommand,
  GetSecretValueCommand,
  SecretsManagerClient,
  TagResourceCommand,
} from '@aws-sdk/client-secrets-manager'
import { assertRefused, clientOptions, run, serve } from '../testing.ts'
import { printReport, type Report } from './report.ts'

const PAGE = readFileSync(new URL('../../../../docs/advise.md', import.meta.url), 'utf8')
/** What the page shows after a command. */
const shown = (command: string): string =>
  new RegExp(`^\\$ ${command.replaceAll(/[.*+?^$()|[\]\\]/g, '\\$&')}\\n([\\s\\S]*?)^\`\`\`$`, 'm').exec(PAGE)?.[1] ??
  ''
/** What differs from day to day and machine to machine. */
const alike = (text: string): string =>
  text
    .replaceAll(/arn:aws:iam::\d{12}:user\/\S+/g, 'arn:aws:iam::111122223333:user/administrator')
    .replaceAll(/\d{4}-\d\d-\d\d/g, '2026-11-27')
    .replaceAll(/[\d,]+ calls [\d.]+ \(from \d+ in/g, '210 calls 0.00 (from 7 in')

test('advice is printed as a table, as lines and as JSON, and fails a build where it should', async (t) => {
  const server = await serve(t)
  const client = new SecretsManagerClient(clientOptions(server))
  t.after(() => client.destroy())
  const create = (Name: string, value: string | object) =>
    client.send(
      new CreateSecretCommand({ Name, SecretString: typeof value === 'string' ? value : JSON.stringify(value) }),
    )
  const advise = (...args: readonly string[]) =>
    run(['advise', '--endpoint-url', server.url, '--data-dir', server.dataDir, ...args])

  await create('prod/orders', { engine: 'postgres', host: 'db', username: 'orders', password: 'canary-Zq81' })
  await create('mail/smtp', 'canary-Wx04-same')
  await create('billing/smtp', 'canary-Wx04-same')
  await create('app/log-level', 'debug')
  for (let read = 0; read < 3; read++) await client.send(new GetSecretValueCommand({ SecretId: 'mail/smtp' }))

  const table = await advise('--reads-per-day', '3', '--output', 'table')
  assert.deepEqual([table.code, table.stderr], [0, ''])
  assert.equal(alike(table.stdout), alike(shown('strongroom advise --reads-per-day 3 --output table')))
  const text = await advise(
    '--finding',
    'copied-value',
    'plain-configuration',
    '--fail-on',
    'medium',
    '--output',
    'text',
  )
  assert.equal(text.code, 1)
  assert.equal(
    text.stdout,
    shown('strongroom advise --finding copied-value plain-configuration --fail-on medium --output text'),
  )
  const [, SecretId, Key, Value] = /tag-resource --secret-id (\S+) --tags Key=(\S+),Value="([^"]+)"/.exec(PAGE)!
  await client.send(new TagResourceCommand({ SecretId, Tags: [{ Key, Value }] }))
  const json = await advise('--finding', 'no-rotation', '--fail-on', 'low', '--output', 'json')
  assert.equal(json.code, 0)
  const { Findings, Summary, SecretCount } = JSON.parse(json.stdout)
  assert.deepEqual(
    [Findings, Summary, SecretCount],
    [[], [{ Finding: 'no-rotation', Severity: 'high', Count: 0, Dismissed: 1 }], 4],
  )
  for (const { stdout } of [table, text, json]) assert.doesNotMatch(stdout, /canary|debug\b/)

  assertRefused(await advise('--finding', 'none'), /--finding <NAME\.\.\.>' argument 'none' is invalid/)
  assertRefused(await advise('--unread-days', '0'), /Give a whole number above 0/)
})

test('a report moves no cursor, whatever a server says', (t) => {
  let printed = ''
  t.mock.method(process.stdout, 'write', (text: string) => {
    printed += text
    return true
  })
  const clear = '\u001b[2J'
  const evil = `a${clear}b\r\nc`
  const report: Report = {
    Findings: [
      {
        Finding: `unread${clear}`,
        Severity: 'low',
        Secrets: [1, 2].map((account) => ({ ARN: `arn:aws:secretsmanager:r:${account}:secret:x`, Name: evil })),
        SecretCount: 12,
        Evidence: evil,
        Mend: evil,
        Command: evil,
      },
    ],
    Summary: [{ Finding: `unread${clear}`, Severity: 'low', Count: 2_000, Dismissed: 1 }],
    Date: 0,
    SecretCount: 12,
    Incomplete: true,
    NotLookedInto: { Secrets: 1, Values: 2, Rotations: 0, Policies: 3, Calls: true },
    OtherAccounts: { LookedInto: 1, NotLookedInto: 2 },
    CostOnAws: { Secrets: 12, SecretsUsd: `4.80${clear}`, Usd: `4.80${clear}` },
  }
  let beside = ''
  t.mock.method(process.stderr, 'write', (text: string) => {
    beside += text
    return true
  })
  for (const format of ['table', 'text', 'json'] as const) printReport(report, format)
  t.mock.restoreAll()
  assert.doesNotMatch(printed, /[\u001b\r]/)
  assert.match(printed, /^low {7}unread {3}1:ab c, 2:ab c and 10 more {2}ab c$/m)
  assert.match(printed, /^2,000 findings in 12 secrets; 1 dismissed by a tag\.\n1 of 2,000 findings are shown\.\n/m)
  assert.match(printed, /^Not looked into, since you may not: 1 secret, 2 values, 3 resource policies, who calls\.$/m)
  assert.match(printed, /^Other accounts: 1 looked into, 2 not\.\nThere are more secrets than one report looks at\.$/m)
  assert.match(printed, /^On AWS this would cost 4\.80 USD a month: 12 secrets 4\.80, calls not counted in\.$/m)
  // Text is findings alone: what it lacks is told beside it, once.
  assert.match(beside, /^strongroom: 1 of 2,000 findings are shown\.\nstrongroom: Not looked into, since you may not: /)
  assert.equal(beside.split('\n').length, 5)
})
