// AssumeRoleWithWebIdentity against a real issuer: who gets credentials, what they may, and what a hostile token or issuer hears.

import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import {
  AssumeRoleWithWebIdentityCommand,
  type AssumeRoleWithWebIdentityCommandInput,
  GetCallerIdentityCommand,
  STSClient,
} from '@aws-sdk/client-sts'
import type { JWTPayload } from 'jose'
import { startTestServer, TEST_REGION, type TestServer } from '../../../testing.ts'
import { iamClient, policyDocument } from '../../iam/testing.ts'
import { services } from '../../index.ts'
import { credentialsOf, newAccount, newRole, readSecret, stsClient } from '../testing.ts'
import { AUDIENCE, startIssuer, type TestIssuer } from '../testing-issuer.ts'

const READ = { Effect: 'Allow', Action: 'secretsmanager:GetSecretValue', Resource: '*' }

async function start(t: TestContext) {
  const issuer = await startIssuer(t)
  const server = await startTestServer(t, { allowOutbound: [issuer.url] })
  const iam = iamClient(t, server)
  const { OpenIDConnectProviderArn: provider } = await iam.createOpenIDConnectProvider({
    Url: issuer.url,
    ClientIDList: [AUDIENCE, 'other'],
    ThumbprintList: [issuer.thumbprint.toUpperCase()],
  })
  const host = issuer.url.slice('https://'.length)
  const trust = (Condition?: object, Action: string | readonly string[] = 'sts:AssumeRoleWithWebIdentity') =>
    policyDocument({ Effect: 'Allow', Principal: { Federated: provider }, Action, ...(Condition && { Condition }) })
  const role = await newRole(server, 'Workload', {
    trustPolicy: trust({ StringEquals: { [`${host}:aud`]: AUDIENCE, [`${host}:sub`]: 'workload' } }),
    statements: [READ],
  })
  return { issuer, server, iam, provider: provider!, host, trust, role }
}

const assume = (
  t: TestContext,
  server: TestServer,
  RoleArn: string,
  WebIdentityToken: string,
  more: Partial<AssumeRoleWithWebIdentityCommandInput> = {},
) => {
  const client = new STSClient({ endpoint: server.url, region: TEST_REGION, maxAttempts: 1 })
  t.after(() => client.destroy())
  return client.send(
    new AssumeRoleWithWebIdentityCommand({ RoleArn, RoleSessionName: 'pod-1', WebIdentityToken, ...more }),
  )
}

const NOT_AUTHORIZED = {
  name: 'AccessDenied',
  message: 'Not authorized to perform sts:AssumeRoleWithWebIdentity',
}

test('a token of a provider of the account is credentials of a role that trusts its claims', async (t) => {
  const { issuer, server, role, provider, host, trust } = await start(t)
  await server.secretsManager.send(new CreateSecretCommand({ Name: 'app/db', SecretString: 'x' }))
  const answer = await assume(t, server, role.arn, await issuer.sign())
  assert.equal(answer.SubjectFromWebIdentityToken, 'workload')
  assert.equal(answer.Provider, issuer.url)
  assert.equal(answer.Audience, AUDIENCE)
  const session = credentialsOf(answer)
  const { Arn } = await stsClient(t, server, session).send(new GetCallerIdentityCommand({}))
  assert.equal(Arn, `arn:aws:sts::${server.accountId}:assumed-role/Workload/pod-1`)
  assert.equal(await readSecret(t, server, session, 'app/db'), 'x')

  const refused = async (claims: JWTPayload, RoleArn = role.arn) =>
    assert.rejects(assume(t, server, RoleArn, await issuer.sign(claims)), NOT_AUTHORIZED)
  await refused({ sub: 'stranger' })
  await refused({ aud: 'other' })
  await refused({}, `arn:aws:iam::${server.accountId}:role/Absent`)
  const closed = await newRole(server, 'Closed')
  await refused({}, closed.arn)

  await t.test('azp decides where there is one, and amr has all its values', async () => {
    const byParty = await newRole(server, 'ByParty', {
      trustPolicy: trust({
        StringEquals: { [`${host}:aud`]: 'other', [`${host}:oaud`]: AUDIENCE },
        'ForAnyValue:StringEquals': { [`${host}:amr`]: 'mfa' },
      }),
    })
    await assert.rejects(assume(t, server, byParty.arn, await issuer.sign({ azp: 'other' })), NOT_AUTHORIZED)
    const { Audience } = await assume(t, server, byParty.arn, await issuer.sign({ azp: 'other', amr: ['pwd', 'mfa'] }))
    assert.equal(Audience, 'other')
  })

  await t.test('tags and the source identity of the token take permissions of their own', async () => {
    const claims = {
      'https://aws.amazon.com/tags': { principal_tags: { Team: ['blue'] }, transitive_tag_keys: ['Team'] },
      'https://aws.amazon.com/source_identity': 'alice',
    }
    const without = await newRole(server, 'Untagged', { trustPolicy: trust() })
    await assert.rejects(assume(t, server, without.arn, await issuer.sign(claims)), {
      message: 'Not authorized to perform sts:TagSession',
    })
    const tagged = await newRole(server, 'Tagged', {
      trustPolicy: trust({ StringEquals: { 'aws:RequestTag/Team': 'blue' } }, [
        'sts:AssumeRoleWithWebIdentity',
        'sts:TagSession',
        'sts:SetSourceIdentity',
      ]),
      statements: [
        {
          ...READ,
          Condition: {
            StringEquals: {
              'aws:PrincipalTag/Team': 'blue',
              'aws:SourceIdentity': 'alice',
              'aws:FederatedProvider': provider,
            },
          },
        },
      ],
    })
    const answer = await assume(t, server, tagged.arn, await issuer.sign(claims))
    assert.equal(answer.SourceIdentity, 'alice')
    assert.equal(await readSecret(t, server, credentialsOf(answer), 'app/db'), 'x')
    const malformed = await issuer.sign({ 'https://aws.amazon.com/tags': { principal_tags: { Team: [1] } } })
    await assert.rejects(assume(t, server, tagged.arn, malformed), { name: 'InvalidIdentityTokenException' })
  })

  await t.test('the provider of one account is nothing to the roles of another', async () => {
    const account = await newAccount(server, 'other')
    const elsewhere = await newRole(server, 'Elsewhere', { account, trustPolicy: trust() })
    await assert.rejects(assume(t, server, elsewhere.arn, await issuer.sign()), {
      name: 'InvalidIdentityTokenException',
      message: `No OpenIDConnect provider found in your account for ${issuer.url}`,
    })
  })

  await t.test('the trail has who called, and neither token nor keys', async () => {
    const { events } = await server.app.trail.lookup({
      account: server.accountId,
      region: 'us-east-1',
      filter: { key: 'EventName', value: 'AssumeRoleWithWebIdentity' },
      startTime: 0,
      endTime: Date.now() + 60_000,
      limit: 50,
    })
    const first = JSON.parse(events.at(-1)!.json)
    assert.deepEqual(first.userIdentity, {
      type: 'WebIdentityUser',
      principalId: `${provider}:${AUDIENCE}:workload`,
      userName: 'workload',
      identityProvider: provider,
    })
    assert.equal(first.responseElements.subjectFromWebIdentityToken, 'workload')
    assert.equal(first.requestParameters.roleArn, role.arn)
    const all = events.map(({ json }) => json).join()
    assert.ok(!all.includes('eyJ') && !all.includes(session.secretAccessKey) && !all.includes(session.sessionToken!))
    assert.ok(events.some(({ json }) => JSON.parse(json).errorCode === 'AccessDenied'))
  })

  await t.test('keys are fetched again for a key id that is new, at most once a minute', async () => {
    assert.equal(issuer.fetches(), 1)
    await issuer.rotate('ES256')
    const unknown = { message: /^Couldn't retrieve verification key from your identity provider/ }
    await assert.rejects(assume(t, server, role.arn, await issuer.sign()), unknown)
    assert.equal(issuer.fetches(), 1)
    // Another set of thumbprints is another trust: nothing that was fetched under the first counts.
    await iamClient(t, server).updateOpenIDConnectProviderThumbprint({
      OpenIDConnectProviderArn: provider,
      ThumbprintList: [issuer.thumbprint, '0'.repeat(40)],
    })
    assert.ok((await assume(t, server, role.arn, await issuer.sign())).Credentials)
    assert.equal(issuer.fetches(), 2)
  })
})

test('a hostile token is refused with the error that AWS has for it', async (t) => {
  const { issuer, server, role } = await start(t)
  const now = Math.floor(Date.now() / 1000)
  const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = { iss: issuer.url, sub: 'workload', aud: AUDIENCE, iat: now, exp: now + 600 }
  const hmac = (): string => {
    const signed = `${encode({ alg: 'HS256', kid: 'key-1' })}.${encode(claims)}`
    return `${signed}.${createHmac('sha256', 'public key').update(signed).digest('base64url')}`
  }
  const good = await issuer.sign()
  const [head = '', , signature = ''] = good.split('.')
  const invalid = 'InvalidIdentityTokenException'
  for (const [what, token, name, message] of [
    ['no token', 'none at all', invalid, /is not a valid JWT/],
    ['alg none', `${encode({ alg: 'none' })}.${encode(claims)}.`, invalid, /algorithm/],
    ['HS256 under a public key', hmac(), invalid, /algorithm/],
    [
      'other claims under the signature',
      `${head}.${encode({ ...claims, sub: 'x' })}.${signature}`,
      invalid,
      /signature/,
    ],
    ['another issuer', await issuer.sign({ iss: 'https://evil.example' }), invalid, /No OpenIDConnect provider found/],
    ['an issuer in plain http', await issuer.sign({ iss: issuer.url.replace('https', 'http') }), invalid, /No OpenID/],
    ['no issuer', await issuer.sign({ iss: undefined }), invalid, /^Missing a required claim: iss$/],
    ['another audience', await issuer.sign({ aud: 'evil' }), invalid, /^Incorrect token audience$/],
    ['two audiences and no party', await issuer.sign({ aud: [AUDIENCE, 'other'] }), invalid, /^Incorrect token aud/],
    ['another party', await issuer.sign({ azp: 'evil' }), invalid, /^Incorrect token audience$/],
    ['no audience', await issuer.sign({ aud: undefined }), invalid, /^Missing a required claim: aud$/],
    ['no subject', await issuer.sign({ sub: undefined }), invalid, /^Missing a required claim: sub$/],
    ['no expiry', await issuer.sign({ exp: undefined }), invalid, /^Missing a required claim: exp$/],
    ['expired', await issuer.sign({ exp: now - 120 }), 'ExpiredTokenException', /^Token expired: current date/],
    ['not yet', await issuer.sign({ nbf: now + 300 }), 'IDPRejectedClaimException', /nbf/],
    ['issued tomorrow', await issuer.sign({ iat: now + 86_400 }), 'IDPRejectedClaimException', /iat/],
    ['a key id that is a path', await issuer.sign({}, { kid: '../../dev/null' }), invalid, /verification key/],
    [
      'a key of its own',
      await issuer.sign({}, { kid: 'x', jku: 'https://evil.example/k' }),
      invalid,
      /verification key/,
    ],
    ['an extension that is critical', await issuer.sign({}, { crit: ['x'], x: 1 }).catch(() => 'a.b.c'), invalid, /./],
  ] as const) {
    await assert.rejects(assume(t, server, role.arn, token), { name, message }, what)
  }
  assert.equal(issuer.fetches(), 1)
  assert.ok((await assume(t, server, role.arn, await issuer.sign({ exp: now - 30 }))).Credentials, 'within the skew')
  await assert.rejects(assume(t, server, role.arn, good, { ProviderId: 'www.amazon.com' }), { name: 'ValidationError' })
  await assert.rejects(assume(t, server, 'arn:aws:iam::1:role/x-y', good), { message: 'Request ARN is invalid' })
  await assert.rejects(assume(t, server, role.arn, good, { DurationSeconds: 43_200 }), { name: 'ValidationError' })
})

test('a hostile issuer gets nothing and gives nothing', async (t) => {
  const hostile = async (what: string, prepare: (issuer: TestIssuer) => unknown, name: string, message: RegExp) => {
    const issuer = await startIssuer(t, `/${what.replaceAll(/\W/g, '-')}`)
    await prepare(issuer)
    return { what, issuer, name, message }
  }
  const pathOf = (issuer: TestIssuer): string => new URL(issuer.url).pathname
  const instead =
    (suffix: string, body: (issuer: TestIssuer) => string, status = 200) =>
    (issuer: TestIssuer) =>
      issuer.answers.set(pathOf(issuer) + suffix, { status, body: body(issuer) })
  const discovery = '/.well-known/openid-configuration'
  const key = /^Couldn't retrieve verification key from your identity provider/
  const cases = [
    await hostile(
      'another issuer',
      instead(discovery, (i) => JSON.stringify({ issuer: 'https://evil.example', jwks_uri: `${i.url}/keys` })),
      'InvalidIdentityTokenException',
      key,
    ),
    await hostile(
      'keys inside',
      instead(discovery, (i) => JSON.stringify({ issuer: i.url, jwks_uri: 'https://127.0.0.1:1/keys' })),
      'InvalidIdentityTokenException',
      key,
    ),
    await hostile(
      'keys in plain',
      instead(discovery, (i) => JSON.stringify({ issuer: i.url, jwks_uri: 'http://example.com/keys' })),
      'InvalidIdentityTokenException',
      key,
    ),
    await hostile(
      'no json',
      instead(discovery, () => '<html>'),
      'InvalidIdentityTokenException',
      key,
    ),
    await hostile(
      'huge keys',
      instead('/keys', () => JSON.stringify({ keys: ['x'.repeat(300_000)] })),
      'InvalidIdentityTokenException',
      key,
    ),
    await hostile(
      'many keys',
      instead('/keys', () => JSON.stringify({ keys: Array.from({ length: 201 }, () => ({})) })),
      'InvalidIdentityTokenException',
      key,
    ),
    await hostile(
      'a failure',
      instead('/keys', () => 'secret text', 500),
      'InvalidIdentityTokenException',
      key,
    ),
    await hostile(
      'a redirect',
      (i) => i.answers.set(`${pathOf(i)}/keys`, { status: 302, body: '', location: `${i.url}/keys2` }),
      'InvalidIdentityTokenException',
      key,
    ),
    await hostile(
      'a symmetric key',
      instead('/keys', () => JSON.stringify({ keys: [{ kty: 'oct', k: 'AAAA', kid: 'key-1', alg: 'RS256' }] })),
      'InvalidIdentityTokenException',
      key,
    ),
    await hostile('down', (i) => i.stop(), 'IDPCommunicationErrorException', /could not be reached/),
  ]
  const server = await startTestServer(t, { allowOutbound: cases.map(({ issuer }) => new URL(issuer.url).origin) })
  const iam = iamClient(t, server)
  const providerOf = async (issuer: TestIssuer, ThumbprintList: string[]) => {
    const given = { Url: issuer.url, ClientIDList: [AUDIENCE], ThumbprintList }
    return (await iam.createOpenIDConnectProvider(given)).OpenIDConnectProviderArn!
  }
  const Federated: string[] = []
  for (const { issuer } of cases) Federated.push(await providerOf(issuer, [issuer.thumbprint]))
  const untrusted = await startIssuer(t)
  Federated.push(await providerOf(untrusted, []))
  const trustPolicy = policyDocument({
    Effect: 'Allow',
    Principal: { Federated },
    Action: 'sts:AssumeRoleWithWebIdentity',
  })
  const role = await newRole(server, 'Workload', { trustPolicy })
  for (const { what, issuer, name, message } of cases) {
    await assert.rejects(assume(t, server, role.arn, await issuer.sign()), { name, message }, what)
  }
  // Its origin is not allowed, and nobody vouches for its certificate.
  await assert.rejects(assume(t, server, role.arn, await untrusted.sign()), { message: key })
  assert.equal(untrusted.fetches(), 0)
})

test('what takes no signature is in one table', () => {
  const unsigned = services.flatMap(({ name, operations }) =>
    operations.filter(({ identify }) => identify !== undefined).map((operation) => `${name}:${operation.name}`),
  )
  assert.deepEqual(unsigned, ['strongroom:AssumeRoleForPodIdentity', 'sts:AssumeRoleWithWebIdentity'])
})
