import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePolicy } from './compile.ts'
import type { PolicyPrincipal, PrincipalIds } from './engine.ts'
import { MalformedPolicyError } from './errors.ts'
import { compilePrincipals, matchPrincipal, namedPrincipals } from './principal.ts'

const account = '111122223333'
const other = '444455556666'
const userArn = `arn:aws:iam::${account}:user/team/alice`
const roleArn = `arn:aws:iam::${account}:role/app/Reader`
const sessionArn = `arn:aws:sts::${account}:assumed-role/Reader/s1`
const federatedArn = `arn:aws:sts::${account}:federated-user/fay`
const rootArn = `arn:aws:iam::${account}:root`
const service = 'secretsmanager.amazonaws.com'
const provider = `arn:aws:iam::${account}:oidc-provider/token.actions.githubusercontent.com`

const root: PolicyPrincipal = { kind: 'root', arn: rootArn, account, userId: account }
const user: PolicyPrincipal = { kind: 'user', arn: userArn, account, userId: 'AIDAALICE' }
const session: PolicyPrincipal = {
  kind: 'role-session',
  arn: sessionArn,
  account,
  userId: 'AROAREADER:s1',
  role: { arn: roleArn, roleId: 'AROAREADER' },
}
const federatedUser: PolicyPrincipal = { kind: 'federated-user', arn: federatedArn, account, userId: `${account}:fay` }
const ofService: PolicyPrincipal = { kind: 'service', arn: service, account: '', userId: service }
const ofProvider: PolicyPrincipal = { kind: 'federated', arn: provider, account: '', userId: 'sub' }
const everybody = [root, user, session, federatedUser, ofService, ofProvider]

const matches = (principal: unknown, ids?: PrincipalIds, inverted = false) => {
  const set = compilePrincipals(principal, 'P', inverted, ids)
  return everybody.map((one) => matchPrincipal(set, one) ?? 'no').join(' ')
}

test('a principal element covers exactly whom it names, and says how', () => {
  //                                             root    user    session  federated user  service  provider
  const cases: readonly (readonly [unknown, string])[] = [
    ['*', 'direct direct direct direct direct direct'],
    [{ AWS: '*' }, 'direct direct direct direct direct direct'],
    [{ AWS: [other, '*'] }, 'direct direct direct direct direct direct'],
    [{ AWS: account }, 'direct account account account no no'],
    [{ AWS: rootArn }, 'direct account account account no no'],
    [{ AWS: other }, 'no no no no no no'],
    [{ AWS: `arn:aws:iam::${other}:root` }, 'no no no no no no'],
    [{ AWS: `arn:aws-cn:iam::${account}:root` }, 'direct account account account no no'],
    [{ AWS: userArn }, 'no direct no no no no'],
    [{ AWS: [userArn] }, 'no direct no no no no'],
    [{ AWS: `arn:aws:iam::${account}:user/alice` }, 'no no no no no no'],
    [{ AWS: `arn:aws:iam::${account}:user/team/Alice` }, 'no no no no no no'],
    [{ AWS: 'AIDAALICE' }, 'no direct no no no no'],
    [{ AWS: 'AIDAALIC' }, 'no no no no no no'],
    [{ AWS: roleArn }, 'no no role no no no'],
    [{ AWS: `arn:aws:iam::${account}:role/Reader` }, 'no no no no no no'],
    [{ AWS: 'AROAREADER' }, 'no no role no no no'],
    [{ AWS: sessionArn }, 'no no direct no no no'],
    [{ AWS: `arn:aws:sts::${account}:assumed-role/Reader/s2` }, 'no no no no no no'],
    [{ AWS: federatedArn }, 'no no no direct no no'],
    [{ AWS: [account, roleArn] }, 'direct account role account no no'],
    [{ AWS: [account, roleArn, sessionArn, userArn] }, 'direct direct direct account no no'],
    [{ Service: service }, 'no no no no direct no'],
    [{ Service: ['kms.amazonaws.com'] }, 'no no no no no no'],
    [{ Federated: provider }, 'no no no no no direct'],
    [{ Federated: 'accounts.google.com' }, 'no no no no no no'],
    [{ AWS: userArn, Service: service, Federated: [provider] }, 'no direct no no direct direct'],
  ]
  for (const [principal, expected] of cases) assert.equal(matches(principal), expected, JSON.stringify(principal))
})

test('with unique ids, users, roles and role sessions match by them only', () => {
  const ids: PrincipalIds = { [userArn]: 'AIDAALICE', [roleArn]: 'AROAREADER', [sessionArn]: 'AROAREADER:s1' }
  const stale: PrincipalIds = { [userArn]: 'AIDAOLD', [roleArn]: 'AROAOLD', [sessionArn]: 'AROAOLD:s1' }
  const cases: readonly (readonly [unknown, PrincipalIds, string])[] = [
    [{ AWS: userArn }, ids, 'no direct no no no no'],
    [{ AWS: roleArn }, ids, 'no no role no no no'],
    [{ AWS: sessionArn }, ids, 'no no direct no no no'],
    [{ AWS: userArn }, stale, 'no no no no no no'],
    [{ AWS: roleArn }, stale, 'no no no no no no'],
    [{ AWS: sessionArn }, stale, 'no no no no no no'],
    [{ AWS: [userArn, roleArn, sessionArn] }, {}, 'no no no no no no'],
    [{ AWS: federatedArn }, {}, 'no no no direct no no'],
    [{ AWS: ['AIDAALICE', 'AROAREADER'] }, {}, 'no direct role no no no'],
    [{ AWS: account }, {}, 'direct account account account no no'],
    ['*', {}, 'direct direct direct direct direct direct'],
    [{ Service: service, Federated: provider }, {}, 'no no no no direct direct'],
    [{ AWS: sessionArn }, { [sessionArn]: 'AROAREADER:s2' }, 'no no no no no no'],
    // Ids of what the policy does not name give nothing.
    [{ AWS: other }, ids, 'no no no no no no'],
  ]
  for (const [principal, given, expected] of cases) {
    assert.equal(matches(principal, given), expected, JSON.stringify([principal, given]))
  }
  const given = { [userArn]: 'AIDAALICE', [federatedArn]: 'x', [provider]: 'y' }
  const set = compilePrincipals({ AWS: [userArn, roleArn, federatedArn, 'AIDAX'] }, 'P', false, given)
  assert.deepEqual([...set.ids], ['AIDAX', 'AIDAALICE'])
})

test('a role session without its role is nobody but itself', () => {
  const bare: PolicyPrincipal = { kind: 'role-session', arn: sessionArn, account, userId: 'AROAREADER:s1' }
  const match = (principal: unknown) => matchPrincipal(compilePrincipals(principal, 'P', false, undefined), bare)
  assert.equal(match({ AWS: roleArn }), undefined)
  assert.equal(match({ AWS: 'AROAREADER' }), undefined)
  assert.equal(match({ AWS: sessionArn }), 'direct')
})

test('NotPrincipal exempts who is listed with everything that it is', () => {
  //                                             root   user   session  federated user  service  provider
  const cases: readonly (readonly [unknown, string])[] = [
    ['*', 'no no no no no no'],
    [{ AWS: '*' }, 'no no no no no no'],
    [{ AWS: [account] }, 'no direct direct direct direct direct'],
    [{ AWS: [rootArn] }, 'no direct direct direct direct direct'],
    [{ AWS: [userArn] }, 'direct direct direct direct direct direct'],
    [{ AWS: [account, userArn] }, 'no no direct direct direct direct'],
    [{ AWS: [other, userArn] }, 'direct direct direct direct direct direct'],
    [{ AWS: [account, 'AIDAALICE'] }, 'no no direct direct direct direct'],
    [{ AWS: [account, roleArn] }, 'no direct direct direct direct direct'],
    [{ AWS: [account, sessionArn] }, 'no direct direct direct direct direct'],
    [{ AWS: [roleArn, sessionArn] }, 'direct direct direct direct direct direct'],
    [{ AWS: [account, roleArn, sessionArn] }, 'no direct no direct direct direct'],
    [{ AWS: [rootArn, 'AROAREADER', sessionArn] }, 'no direct no direct direct direct'],
    [{ AWS: [account, federatedArn] }, 'no direct direct no direct direct'],
    [{ AWS: federatedArn }, 'direct direct direct direct direct direct'],
    [{ Service: service }, 'direct direct direct direct no direct'],
    [{ Federated: provider }, 'direct direct direct direct direct no'],
  ]
  for (const [principal, expected] of cases) {
    assert.equal(matches(principal, undefined, true), expected, JSON.stringify(principal))
  }
  const list = { AWS: [account, userArn, roleArn, sessionArn] }
  const ids = { [userArn]: 'AIDAALICE', [roleArn]: 'AROAREADER', [sessionArn]: 'AROAREADER:s1' }
  assert.equal(matches(list, ids, true), 'no no no direct direct direct')
  assert.equal(matches(list, {}, true), 'no direct direct direct direct direct')
})

test('what is not a principal is refused with its place', () => {
  const refused = (value: unknown, path: string, reason: string) =>
    assert.throws(
      () => compilePrincipals(value, 'P', false, undefined),
      (error) => {
        assert.ok(error instanceof MalformedPolicyError, String(error))
        assert.deepEqual({ path: error.path, reason: error.reason }, { path, reason })
        return true
      },
      JSON.stringify(value),
    )
  const syntax = 'Syntax errors in policy.'
  for (const value of [null, 1, '', 'x', account, userArn, [], ['*'], {}]) refused(value, 'P', syntax)
  for (const value of [null, 1, {}, []]) refused({ AWS: value }, 'P.AWS', syntax)
  refused({ AWS: ['*', 1] }, 'P.AWS[1]', syntax)
  refused({ Service: Number(account) }, 'P.Service', syntax)

  for (const text of [
    '',
    'alice',
    '**',
    '1111222233334',
    '11112222333',
    '11112222333*',
    'AIDA',
    'AIDA*',
    'AROA X',
    'AKIAX',
    'AROAREADER:s1',
    'aidaALICE',
    'arn:aws:iam::*:root',
    `arn:aws:iam::${account}:user/*`,
    `arn:aws:iam::${account}:user/a?`,
    `arn:aws:iam::${account}:role/*`,
    `arn:aws:iam::${account}:user`,
    `arn:aws:iam::${account}:user/`,
    `arn:aws:iam::${account}:user/a/`,
    `arn:aws:iam::${account}:user/a b`,
    `arn:aws:iam::${account}:user/é`,
    `arn:aws:iam::${account}:group/a`,
    `arn:aws:iam::${account}:policy/a`,
    `arn:aws:iam::${account}:assumed-role/a/b`,
    `arn:aws:iam::${account}:rootx`,
    `arn:aws:iam::${account}:`,
    `arn:aws:iam:us-east-1:${account}:user/a`,
    'arn:aws:iam::1:user/a',
    `arn:AWS:iam::${account}:user/a`,
    `arn:aws:sts::${account}:root`,
    `arn:aws:sts::${account}:user/a`,
    `arn:aws:sts::${account}:assumed-role/Reader`,
    `arn:aws:sts::${account}:assumed-role/Reader/`,
    `arn:aws:sts::${account}:assumed-role/Reader/*`,
    `arn:aws:sts::${account}:assumed-role/a/Reader/s`,
    `arn:aws:sts::${account}:federated-user/`,
    `arn:aws:sts::${account}:federated-user/a/b`,
    `arn:aws:s3::${account}:user/a`,
    `x${userArn}`,
    `${userArn}\n`,
    service,
    provider,
  ]) {
    const shown = `Invalid principal in policy: "AWS":${JSON.stringify(text)}`
    refused({ AWS: text }, 'P.AWS', shown)
    refused({ AWS: ['*', text] }, 'P.AWS[1]', shown)
  }
  for (const text of ['*', '', 'localhost', 'a..b', '*.amazonaws.com', 'a.b/c', `${service}.`]) {
    refused({ Service: text }, 'P.Service', `Invalid principal in policy: "Service":${JSON.stringify(text)}`)
  }
  for (const text of [
    '*',
    '',
    'x',
    `arn:aws:iam::${account}:oidc-provider/*`,
    `arn:aws:iam::${account}:user/a`,
    'arn:aws:iam::1:saml-provider/a',
    `${provider}?`,
    `${provider} x`,
    `x${provider}`,
  ]) {
    const reason = 'Federated principals must be valid domain names or SAML metadata ARNs'
    refused({ Federated: text }, 'P.Federated', reason)
  }
  for (const kind of ['CanonicalUser', 'aws', 'toString', '']) {
    const shown = `Invalid principal in policy: ${JSON.stringify(kind)}:"x"`
    refused({ AWS: '*', [kind]: 'x' }, `P.${kind}`, shown)
  }
  refused({ AWS: 'x'.repeat(300) }, 'P.AWS', `Invalid principal in policy: "AWS":"${'x'.repeat(256)}"`)
})

test('what policies name may have every form of AWS', () => {
  for (const value of [
    { AWS: `arn:aws-us-gov:iam::${account}:role/aws-service-role/x.amazonaws.com/A_+=,.@-Z` },
    { AWS: `arn:aws:sts::${account}:assumed-role/A_+=,.@-Z/a_+=,.@-z` },
    { Service: ['s3.amazonaws.com', 'logs.eu-west-1.amazonaws.com'] },
    { Federated: ['cognito-identity.amazonaws.com', `arn:aws:iam::${account}:saml-provider/My.Idp_1`] },
  ]) {
    assert.ok(compilePrincipals(value, 'P', false, undefined))
  }
})

test('a policy tells whom it names, each once', () => {
  const policy = compilePolicy(
    JSON.stringify({
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: [userArn, account, roleArn, federatedArn, 'AIDAX'], Service: service, Federated: provider },
          Action: 'a:B',
          Resource: '*',
        },
        { Effect: 'Deny', NotPrincipal: { AWS: [userArn, sessionArn, rootArn, other] }, Action: 'a:B', Resource: '*' },
        { Effect: 'Deny', Principal: '*', Action: 'a:B', Resource: '*' },
      ],
    }),
    'resource',
  )
  assert.deepEqual(namedPrincipals(policy), {
    arns: [userArn, roleArn, sessionArn],
    ids: ['AIDAX'],
    accounts: [account, other],
  })
  const identity = compilePolicy('{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}', 'identity')
  assert.deepEqual(namedPrincipals(identity), { arns: [], ids: [], accounts: [] })
})
