import assert from 'node:assert/strict'
import { test } from 'node:test'
import { judgeBy } from './judge.ts'

const ARN = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:app/db-AbCdEf'
const OTHER = 'arn:aws:secretsmanager:eu-central-1:111122223333:secret:app/db-XyXyXy'

const slot = (name: string, held?: string, stages: readonly string[] = [name], id = 'app/db', arn = ARN) => ({
  id,
  name,
  about: held === undefined ? undefined : { ARN: arn, VersionId: held, VersionStages: stages },
})
const current = (versionId: string) => ({ detail: { name: 'app/db', labelUpdated: 'AWSCURRENT', versionId } })
const label = (label: string, versionId?: string) => ({ detail: { name: 'app/db', label, versionId } })
const named = { detail: { name: 'app/db' } }

test('what an event says of what is held', () => {
  for (const [type, event, judged, verdict, arn] of [
    ['Secret Label Updated', current('v2'), slot('AWSCURRENT', 'v1'), 'expire'],
    ['Secret Label Updated', current('v2'), slot('AWSCURRENT', 'v2'), 'keep'],
    ['Secret Label Updated', current('v2'), slot('AWSCURRENT'), 'expire'],
    ['Secret Label Updated', current('v2'), slot('AWSPREVIOUS', 'v1'), 'keep'],
    ['Secret Label Updated', current('v2'), slot('AWSPENDING', 'v2'), 'revalidate'],
    ['Secret Label Updated', current('v2'), slot('AWSCURRENT', 'v1', undefined, 'other', OTHER), 'keep'],
    ['Secret Label Updated', current('v2'), slot('AWSCURRENT', 'v1', undefined, 'app/db', OTHER), 'keep'],
    ['Secret Label Updated', current('v2'), slot('AWSCURRENT', undefined, [], 'other'), 'keep'],
    ['Secret Label Updated', current('v2'), slot('AWSCURRENT', undefined, [], ARN), 'expire'],
    ['Secret Label Updated', current('v2'), slot('AWSCURRENT', undefined, [], ARN.slice(0, -7)), 'expire'],
    ['Secret Label Updated', current('v2'), slot('["v1",null]', 'v1', ['AWSCURRENT']), 'revalidate'],
    ['Secret Label Changed', label('AWSPREVIOUS', 'v1'), slot('AWSPREVIOUS', 'v0'), 'expire'],
    ['Secret Label Changed', label('AWSPREVIOUS', 'v1'), slot('AWSPREVIOUS'), 'expire'],
    ['Secret Label Changed', label('AWSPENDING'), slot('AWSPENDING', 'v2'), 'drop'],
    ['Secret Label Changed', label('AWSPENDING'), slot('AWSPENDING'), 'drop'],
    ['Secret Label Changed', label('AWSPENDING'), slot('AWSCURRENT', 'v1'), 'keep'],
    ['Secret Created', named, slot('AWSCURRENT'), 'expire'],
    ['Secret Created', named, slot('AWSCURRENT', 'v1'), 'expire', OTHER],
    ['Secret Deletion Cancelled', named, slot('AWSCURRENT'), 'expire'],
    ['Secret Deletion Scheduled', named, slot('AWSCURRENT', 'v1'), 'drop'],
    ['Secret Deletion Scheduled', named, slot('["v1",null]', 'v1'), 'drop'],
    ['Secret Deleted', named, slot('AWSCURRENT', 'v1'), 'drop'],
    ['Secret Deleted', named, slot('AWSCURRENT', 'v1', undefined, 'app/db', OTHER), 'keep'],
    ['AWS Service Event via CloudTrail', named, slot('AWSCURRENT', 'v1'), 'keep'],
    ['Something New', {}, slot('AWSCURRENT', 'v1'), 'keep'],
  ] as const) {
    const judge = judgeBy({ 'detail-type': type, resources: [arn ?? ARN], ...event })
    assert.equal(judge(judged), verdict, JSON.stringify([type, event, judged]))
  }
})

test('an event that tells of no secret changes nothing', () => {
  assert.equal(judgeBy({})(slot('AWSCURRENT', 'v1')), 'keep')
  assert.equal(judgeBy({ 'detail-type': 'Secret Created', resources: [] })(slot('AWSCURRENT', 'v1')), 'keep')
})
