// Codes of MFA devices with GetSessionToken and AssumeRole, and what policies see of them.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { CreateSecretCommand } from '@aws-sdk/client-secrets-manager'
import { GetSessionTokenCommand } from '@aws-sdk/client-sts'
import { startTestServer, type TestCredentials, type TestServer } from '../../testing.ts'
import { iamClient, policyDocument, refusal } from '../iam/testing.ts'
import { type Authenticator, enabledAuthenticator, newAuthenticator } from '../iam/testing-mfa.ts'
import { events } from '../secretsmanager/testing.ts'
import {
  assume,
  credentialsOf,
  EVERYTHING,
  newRole,
  newUser,
  readSecret,
  sessionOf,
  stsClient,
  type TestUser,
} from './testing.ts'

const wrongCode = refusal('AccessDenied', 403, 'MultiFactorAuthentication failed with invalid MFA one time pass code. ')
const notValid = refusal(
  'AccessDenied',
  403,
  'MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user.',
)
const incomplete = refusal(
  'AccessDenied',
  403,
  'MultiFactorAuthentication failed, must provide both MFA serial number and one time pass code.',
)
const needs = (Condition: object) => ({ ...EVERYTHING, Condition })
const WITH_MFA = { Bool: { 'aws:MultiFactorAuthPresent': 'true' } }

async function startWorld(t: TestContext) {
  const server = await startTestServer(t)
  await server.secretsManager.send(new CreateSecretCommand({ Name: 'a', SecretString: 'x' }))
  return { server, iam: iamClient(t, server) }
}

const codeOf = ({ serialNumber: SerialNumber, code }: Authenticator, steps = 1) => ({
  SerialNumber,
  TokenCode: code(steps),
})

const sessionToken = (t: TestContext, server: TestServer, user: TestCredentials, input: object) =>
  stsClient(t, server, user).send(new GetSessionTokenCommand(input))

test('a code makes a session that policies know to be one with MFA, and that may call IAM; once', async (t) => {
  const { server, iam } = await startWorld(t)
  const statements = [needs({ ...WITH_MFA, NumericLessThan: { 'aws:MultiFactorAuthAge': '3600' } })]
  const alice = await newUser(server, 'alice', { statements })
  const phone = await enabledAuthenticator(iam, 'alice')
  const denied = { name: 'AccessDeniedException' }
  await assert.rejects(readSecret(t, server, alice, 'a'), denied)
  const plain = credentialsOf(await sessionToken(t, server, alice, {}))
  await assert.rejects(readSecret(t, server, plain, 'a'), denied)
  await assert.rejects(iamClient(t, server, plain).listUsers({}), { name: 'InvalidClientTokenId' })

  const shown = codeOf(phone)
  const session = credentialsOf(await sessionToken(t, server, alice, shown))
  assert.equal(await readSecret(t, server, session, 'a'), 'x')
  assert.ok((await iamClient(t, server, session).listUsers({})).Users!.length > 0)
  await assert.rejects(sessionToken(t, server, alice, shown), wrongCode)
  const again = await server.restart()
  await assert.rejects(sessionToken(t, again, alice, shown), wrongCode)
  assert.equal(await readSecret(t, again, session, 'a'), 'x')

  const told = await events(again, 'GetSessionToken')
  assert.deepEqual(
    told.map(({ errorCode, requestParameters }) => [errorCode, requestParameters]),
    [
      ['AccessDenied', { serialNumber: phone.serialNumber }],
      ['AccessDenied', { serialNumber: phone.serialNumber }],
      [undefined, { serialNumber: phone.serialNumber }],
      [undefined, null],
    ],
  )
  for (const event of told) assert.ok(!JSON.stringify(event).includes(shown.TokenCode))
  const attributes = (await events(again, 'ListUsers')).map(
    ({ userIdentity }) => JSON.parse(JSON.stringify(userIdentity)).sessionContext.attributes.mfaAuthenticated,
  )
  assert.deepEqual(attributes, ['true', 'false'])
})

test('serial number and code come together, and the device is one of the caller', async (t) => {
  const { server, iam } = await startWorld(t)
  const alice = await newUser(server, 'alice', { statements: [EVERYTHING] })
  await newUser(server, 'bob')
  const [hers, bobs] = [await newAuthenticator(iam, 'hers'), await enabledAuthenticator(iam, 'bob')]
  const { SerialNumber, TokenCode } = codeOf(bobs)
  await assert.rejects(sessionToken(t, server, alice, { SerialNumber }), incomplete)
  await assert.rejects(sessionToken(t, server, alice, { TokenCode }), incomplete)
  await assert.rejects(sessionToken(t, server, alice, { SerialNumber, TokenCode }), notValid)
  await assert.rejects(sessionToken(t, server, alice, codeOf(hers)), notValid, 'it is not enabled')
  await assert.rejects(sessionToken(t, server, alice, { SerialNumber: 'GAHT12345678', TokenCode }), notValid)
  const role = await newRole(server, 'Reader')
  const ofRole = await sessionOf(t, server, alice, role.arn)
  await assert.rejects(assume(t, server, ofRole, role.arn, { SerialNumber, TokenCode }), notValid)

  const wrong = TokenCode === '000000' ? '111111' : '000000'
  const bob: TestUser = await newUser(server, 'bob-key-holder')
  await assert.rejects(sessionToken(t, server, bob, { SerialNumber, TokenCode: wrong }), notValid)
})

test('who guesses codes is made to wait, and is told so', async (t) => {
  const { server, iam } = await startWorld(t)
  const alice = await newUser(server, 'alice')
  const phone = await enabledAuthenticator(iam, 'alice')
  const near = new Set([-2, -1, 0, 1, 2, 3].map((steps) => phone.code(steps)))
  const TokenCode = ['000000', '111111', '222222'].find((code) => !near.has(code))!
  const guess = () => sessionToken(t, server, alice, { SerialNumber: phone.serialNumber, TokenCode })
  const verdicts = await Promise.allSettled(Array.from({ length: 20 }, guess))
  const reasons = verdicts.map((verdict) => (verdict.status === 'rejected' ? verdict.reason.message : ''))
  assert.equal(reasons.filter((reason) => /with invalid MFA one time pass code\. $/.test(reason)).length, 5)
  assert.equal(reasons.filter((reason) => /, too many invalid MFA one time pass codes\./.test(reason)).length, 15)
  const throttled = refusal(
    'AccessDenied',
    403,
    'MultiFactorAuthentication failed, too many invalid MFA one time pass codes. Try again later.',
  )
  await assert.rejects(sessionToken(t, server, alice, codeOf(phone)), throttled)
})

test('a trust policy may ask for a code, shown with the call or before; the session of the role knows nothing of it', async (t) => {
  const { server, iam } = await startWorld(t)
  const alice = await newUser(server, 'alice', { statements: [EVERYTHING] })
  const trust = (Condition: object) =>
    policyDocument({ Effect: 'Allow', Principal: { AWS: alice.arn }, Action: 'sts:AssumeRole', Condition })
  const fresh = { NumericLessThan: { 'aws:MultiFactorAuthAge': '300' } }
  const role = await newRole(server, 'Careful', {
    statements: [EVERYTHING],
    trustPolicy: trust({ ...WITH_MFA, ...fresh }),
  })
  const phone = await enabledAuthenticator(iam, 'alice')
  const refused = { name: 'AccessDenied', message: /is not authorized to perform: sts:AssumeRole/ }
  await assert.rejects(assume(t, server, alice, role.arn), refused)
  const first = codeOf(phone)
  const direct = await sessionOf(t, server, alice, role.arn, first)
  assert.equal(await readSecret(t, server, direct, 'a'), 'x')
  await assert.rejects(assume(t, server, alice, role.arn, first), wrongCode)
  const [event] = await events(server, 'AssumeRole')
  assert.ok(!JSON.stringify(event).includes(first.TokenCode))

  const tablet = await enabledAuthenticator(iam, 'alice', 'tablet')
  const mfa = credentialsOf(await sessionToken(t, server, alice, codeOf(tablet)))
  const through = await sessionOf(t, server, mfa, role.arn)
  for (const session of [direct, through]) {
    const withMfa = await newRole(server, session === direct ? 'One' : 'Two', {
      trustPolicy: policyDocument({
        Effect: 'Allow',
        Principal: { AWS: role.arn },
        Action: 'sts:AssumeRole',
        Condition: { BoolIfExists: { 'aws:MultiFactorAuthPresent': 'true' } },
      }),
    })
    await assert.rejects(assume(t, server, session, withMfa.arn), refused)
  }
})

test('the policy by which AWS has users manage their own MFA device does what it says', async (t) => {
  const { server } = await startWorld(t)
  const own = `arn:aws:iam::*:user/\${aws:username}`
  const alice = await newUser(server, 'alice', {
    statements: [
      { Effect: 'Allow', Action: 'iam:ListVirtualMFADevices', Resource: '*' },
      { Effect: 'Allow', Action: 'iam:CreateVirtualMFADevice', Resource: 'arn:aws:iam::*:mfa/*' },
      {
        Effect: 'Allow',
        Action: ['iam:EnableMFADevice', 'iam:GetMFADevice', 'iam:ListMFADevices', 'iam:ResyncMFADevice'],
        Resource: own,
      },
      { Effect: 'Allow', Action: 'iam:DeactivateMFADevice', Resource: own, Condition: WITH_MFA },
      { Effect: 'Allow', Action: 'secretsmanager:*', Resource: '*' },
      {
        Effect: 'Deny',
        NotAction: [
          'iam:CreateVirtualMFADevice',
          'iam:EnableMFADevice',
          'iam:GetMFADevice',
          'iam:ListMFADevices',
          'iam:ListVirtualMFADevices',
          'iam:ResyncMFADevice',
          'sts:GetSessionToken',
        ],
        Resource: '*',
        Condition: { BoolIfExists: { 'aws:MultiFactorAuthPresent': 'false' } },
      },
    ],
  })
  const denied = { name: 'AccessDeniedException', message: /with an explicit deny in an identity-based policy$/ }
  await assert.rejects(readSecret(t, server, alice, 'a'), denied)
  const iam = iamClient(t, server, alice)
  const phone = await enabledAuthenticator(iam, 'alice')
  const SerialNumber = phone.serialNumber
  await assert.rejects(readSecret(t, server, alice, 'a'), denied, 'a device alone is no code')
  await assert.rejects(iam.deactivateMFADevice({ SerialNumber }), { name: 'AccessDenied' })
  const session = credentialsOf(await sessionToken(t, server, alice, codeOf(phone)))
  assert.equal(await readSecret(t, server, session, 'a'), 'x')
  await iamClient(t, server, session).deactivateMFADevice({ SerialNumber })
  await assert.rejects(sessionToken(t, server, alice, codeOf(phone, 2)), notValid)
})
