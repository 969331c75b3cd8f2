// The condition keys that every request has: from the connection, the caller and the clock, and not from what a client may send.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Identity, Principal } from './call.ts'
import { type ContextSource, globalContext, resourceContext } from './context.ts'
import type { Context } from './policy/engine.ts'

const identity: Identity = {
  accessKeyId: 'AKIA',
  account: '111122223333',
  kind: 'user',
  userId: 'AIDAEXAMPLE',
  arn: 'arn:aws:iam::111122223333:user/team/alice',
  userName: 'alice',
}
const user: Principal = { ...identity, kind: 'user', identity, policies: [], tags: { Team: 'red' } }
const source: ContextSource = {
  request: {
    method: 'POST',
    target: '/',
    rawHeaders: ['User-Agent', 'tool/1', 'X-Forwarded-For', '10.0.0.1', 'aws:SourceIp', '10.0.0.1', 'Referer', 'page'],
    body: new Uint8Array(),
    remoteAddress: '::ffff:192.0.2.7',
    secure: false,
  },
  principal: user,
  organization: { id: 'o-abcdefghij', rootId: 'r-ab12', managementAccount: '444455556666' },
  time: Date.UTC(2026, 0, 2, 3, 4, 5, 678),
  region: 'eu-west-1',
  global: false,
}

test('a user is told by its ARN, name, id and tags; the connection by its own address; the time by the clock of the wall', () => {
  assert.deepEqual(globalContext(source), {
    'aws:CurrentTime': '2026-01-02T03:04:05.678Z',
    'aws:EpochTime': '1767323045',
    'aws:SecureTransport': 'false',
    'aws:SourceIp': '192.0.2.7',
    'aws:UserAgent': 'tool/1',
    'aws:Referer': 'page',
    'aws:RequestedRegion': 'eu-west-1',
    'aws:PrincipalIsAWSService': 'false',
    'aws:ViaAWSService': 'false',
    'aws:PrincipalArn': identity.arn,
    'aws:PrincipalAccount': '111122223333',
    'aws:PrincipalType': 'User',
    'aws:userid': 'AIDAEXAMPLE',
    'aws:username': 'alice',
    'aws:PrincipalOrgID': 'o-abcdefghij',
    'aws:PrincipalOrgPaths': ['o-abcdefghij/r-ab12/'],
    'aws:PrincipalTag/Team': 'red',
  })
})

test('a global service is called in us-east-1, whatever Region the signature names', () => {
  assert.equal(globalContext({ ...source, global: true })['aws:RequestedRegion'], 'us-east-1')
})

test('a resource is told by its account, and its account by its place in the organization', () => {
  assert.deepEqual(resourceContext('111122223333', source.organization), {
    'aws:ResourceAccount': '111122223333',
    'aws:ResourceOrgID': 'o-abcdefghij',
    'aws:ResourceOrgPaths': ['o-abcdefghij/r-ab12/'],
  })
})

test('a session of a role is told by the ARN of the role, and gives the keys that its token has', () => {
  const context = { 'aws:TokenIssueTime': '2026-01-01T00:00:00Z', 'aws:SourceIdentity': 'alice' }
  const role = { arn: 'arn:aws:iam::111122223333:role/r', roleId: 'AROAEXAMPLE' }
  const session = {
    issuedAt: 0,
    expiresAt: 1,
    role: { ...role, roleName: 'r' },
    tags: {},
    transitiveTagKeys: [],
    chain: 1,
    context,
  }
  const arn = 'arn:aws:sts::111122223333:assumed-role/r/s'
  const { userName: _, ...nameless } = identity
  const kind = 'role-session'
  const principal: Principal = {
    ...user,
    kind,
    arn,
    userId: 'AROAEXAMPLE:s',
    role,
    identity: { ...nameless, kind, arn, session },
    tags: {},
  }
  const keys = globalContext({ ...source, principal })
  assert.deepEqual(
    ['aws:PrincipalArn', 'aws:PrincipalType', 'aws:userid', 'aws:username', ...Object.keys(context)].map(
      (k) => keys[k],
    ),
    [role.arn, 'AssumedRole', 'AROAEXAMPLE:s', undefined, ...Object.values(context)],
  )
})

test('of MFA a code shown with the call tells, or one shown for the session; of long-term keys nothing does', () => {
  const keys = (context: Context): readonly unknown[] => [
    context['aws:MultiFactorAuthPresent'],
    context['aws:MultiFactorAuthAge'],
  ]
  const time = source.time
  const session = (mfaAt?: number): Principal => ({
    ...user,
    identity: {
      ...identity,
      session: {
        issuedAt: 0,
        expiresAt: 1,
        tags: {},
        transitiveTagKeys: [],
        chain: 0,
        ...(mfaAt !== undefined && { mfaAt }),
        context: { 'aws:MultiFactorAuthPresent': String(mfaAt !== undefined) },
      },
    },
  })
  assert.deepEqual(keys(globalContext(source)), [undefined, undefined])
  assert.deepEqual(keys(globalContext({ ...source, mfaAt: time })), ['true', '0'])
  assert.deepEqual(keys(globalContext({ ...source, principal: session() })), ['false', undefined])
  assert.deepEqual(keys(globalContext({ ...source, principal: session(time - 90_999) })), ['true', '90'])
  const both = { ...source, principal: session(time - 90_999), mfaAt: time - 1_000 }
  assert.deepEqual(keys(globalContext(both)), ['true', '1'])
})
