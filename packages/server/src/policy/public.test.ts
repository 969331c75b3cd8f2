import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePolicy } from './compile.ts'
import { publicGrants } from './public.ts'

const account = '111122223333'
const allow = { Effect: 'Allow', Principal: '*', Action: 'secretsmanager:GetSecretValue', Resource: '*' }
const compile = (Statement: unknown) => compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement }), 'resource')
const isPublic = (changes: object) => publicGrants(compile({ ...allow, ...changes })).length > 0

test('a statement is public by whom it names', () => {
  const cases: readonly (readonly [object, boolean])[] = [
    [{}, true],
    [{ Principal: { AWS: '*' } }, true],
    [{ Principal: { AWS: [account, '*'] } }, true],
    [{ Principal: { AWS: '*', Service: 'lambda.amazonaws.com' } }, true],
    [{ Action: 'secretsmanager:DescribeSecret' }, true],
    [{ Action: undefined, NotAction: 'secretsmanager:*' }, true],
    [{ Resource: 'arn:aws:secretsmanager:*:*:secret:a-??????' }, true],
    [{ Principal: { AWS: account } }, false],
    [{ Principal: { AWS: `arn:aws:iam::${account}:root` } }, false],
    [{ Principal: { AWS: `arn:aws:iam::${account}:role/r` } }, false],
    [{ Principal: { AWS: 'AIDAALICE' } }, false],
    [{ Principal: { Service: 'lambda.amazonaws.com' } }, false],
    [{ Principal: { Federated: 'accounts.google.com' } }, false],
    [{ Effect: 'Deny' }, false],
    [{ Effect: 'Deny', Principal: undefined, NotPrincipal: { AWS: '*' } }, false],
  ]
  for (const [changes, expected] of cases) assert.equal(isPublic(changes), expected, JSON.stringify(changes))
})

test('a condition that narrows everyone to fixed values makes a statement not public', () => {
  const role = `arn:aws:iam::${account}:role/r`
  const narrow: readonly (readonly [string, string, unknown])[] = [
    ['StringEquals', 'aws:PrincipalAccount', account],
    ['StringEquals', 'AWS:principalaccount', [account, '444455556666']],
    ['StringEqualsIgnoreCase', 'aws:PrincipalOrgID', 'o-a1b2c3d4e5'],
    ['ForAnyValue:StringEquals', 'aws:PrincipalOrgID', 'o-a1b2c3d4e5'],
    ['StringLike', 'aws:PrincipalOrgID', 'o-a1b2c3d4e5'],
    ['StringLike', 'aws:PrincipalAccount', account],
    ['StringEquals', 'aws:SourceAccount', account],
    ['StringEquals', 'aws:SourceOrgID', 'o-a1b2c3d4e5'],
    ['StringEquals', 'aws:SourceVpc', 'vpc-1'],
    ['StringLike', 'aws:SourceVpc', ['vpc-1']],
    ['StringEquals', 'aws:SourceVpce', ['vpce-1', 'vpce-2']],
    ['StringEquals', 'kms:CallerAccount', account],
    ['StringEquals', 'aws:PrincipalArn', role],
    ['StringEquals', 'aws:PrincipalArn', '*'],
    ['StringLike', 'aws:PrincipalArn', role],
    ['StringLike', 'aws:PrincipalArn', `arn:aws:iam::${account}:role/*`],
    ['StringLike', 'aws:PrincipalArn', `arn:aws:iam::${account}:*`],
    ['ArnEquals', 'aws:PrincipalArn', role],
    ['ArnLike', 'aws:PrincipalArn', `arn:aws:iam::${account}:*`],
    ['ArnLike', 'aws:PrincipalArn', `arn:*:*:*:${account}:*`],
    ['ArnLike', 'aws:SourceArn', `arn:aws:sns:*:${account}:topic`],
    ['ArnEquals', 'aws:SourceArn', 'arn:aws:s3:::bucket'],
    ['StringLike', 'aws:SourceArn', `arn:aws:sns:eu-west-1:${account}:*`],
    ['ForAnyValue:StringLike', 'aws:PrincipalOrgPaths', 'o-a1b2c3d4e5/*'],
    ['ForAnyValue:StringLike', 'aws:PrincipalOrgPaths', 'o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/'],
    ['ForAnyValue:StringLike', 'aws:SourceOrgPaths', 'o-a1b2c3d4e5/r-*/'],
    ['StringEquals', 'aws:userid', 'AIDAALICE'],
    ['StringLike', 'aws:userid', ['AROAREADER:*', 'AIDAALICE']],
    ['StringEquals', 'aws:SourceIp', '192.0.2.1'],
    ['IpAddress', 'aws:SourceIp', '192.0.2.1'],
    ['IpAddress', 'aws:SourceIp', '10.0.0.0/8'],
    ['IpAddress', 'aws:SourceIp', ['192.0.2.0/24', '2001:db8::/32']],
    ['IpAddress', 'aws:SourceIp', Array.from({ length: 16 }, (_, i) => `${i}.0.0.0/8`)],
  ]
  for (const [operator, key, values] of narrow) {
    const message = `${operator} ${key} ${values}`
    assert.equal(isPublic({ Condition: { [operator]: { [key]: values } } }), false, message)
    // Where the key may be absent, or the operator speaks of the others, nothing is narrowed.
    const base = operator.replace('ForAnyValue:', '')
    assert.equal(isPublic({ Condition: { [`${operator}IfExists`]: { [key]: values } } }), true, message)
    assert.equal(isPublic({ Condition: { [`ForAllValues:${base}`]: { [key]: values } } }), true, message)
    const negated = base === 'IpAddress' ? 'NotIpAddress' : base.replace(/^(String|Arn)/, '$1Not')
    assert.equal(isPublic({ Condition: { [negated]: { [key]: values } } }), true, message)
    assert.equal(isPublic({ Condition: { Null: { [key]: 'false' } } }), true, message)
    // One that narrows is enough beside others that do not.
    const beside = {
      Bool: { 'aws:SecureTransport': 'true' },
      [operator]: { 'aws:PrincipalType': 'User', [key]: values },
    }
    const typed = base.startsWith('String') ? beside : { ...beside, [operator]: { [key]: values } }
    assert.equal(isPublic({ Condition: typed }), false, message)
  }
})

test('a condition that leaves everyone in makes no statement private', () => {
  const wide: readonly (readonly [string, string, unknown])[] = [
    ['Bool', 'aws:SecureTransport', 'true'],
    ['Bool', 'aws:PrincipalIsAWSService', 'true'],
    ['StringEquals', 'aws:PrincipalType', 'User'],
    ['StringEquals', 'aws:PrincipalTag/team', 'payments'],
    ['StringEquals', 'aws:UserAgent', 'secret'],
    ['StringEquals', 'aws:Referer', 'https://example.com'],
    ['StringEquals', 'secretsmanager:VersionStage', 'AWSCURRENT'],
    ['StringEquals', 'kms:ViaService', 'secretsmanager.eu-west-1.amazonaws.com'],
    ['StringEquals', 'aws:PrincipalArnX', account],
    ['StringLike', 'aws:PrincipalAccount', '*'],
    ['StringLike', 'aws:PrincipalAccount', '1111*'],
    ['StringLike', 'aws:PrincipalAccount', [account, '?*']],
    ['StringLike', 'aws:PrincipalOrgID', 'o-*'],
    ['StringLike', 'aws:SourceVpce', 'vpce-*'],
    ['StringLike', 'aws:SourceVpc', 'vpc-?'],
    ['StringEquals', 'aws:PrincipalAccount', `$\{aws:ResourceAccount}`],
    ['StringEquals', 'aws:PrincipalOrgID', [`$\{aws:ResourceOrgID}`, 'o-a1b2c3d4e5']],
    ['StringLike', 'aws:PrincipalArn', '*'],
    ['StringLike', 'aws:PrincipalArn', 'arn:aws:iam::*:role/r'],
    ['StringLike', 'aws:PrincipalArn', `arn:aws:iam::${account.slice(0, 11)}?:role/r`],
    ['StringLike', 'aws:PrincipalArn', `arn:aws:*:*:${account}:role/r`],
    ['StringLike', 'aws:PrincipalArn', `*${account}:role/r`],
    ['StringLike', 'aws:SourceArn', `arn:aws:iam::${account}*`],
    ['StringLike', 'aws:SourceArn', 'arn:aws:s3:::bucket*'],
    ['ArnLike', 'aws:PrincipalArn', '*'],
    ['ArnLike', 'aws:PrincipalArn', 'arn:aws:iam::*'],
    ['ArnLike', 'aws:PrincipalArn', 'arn:aws:iam::*:role/r'],
    ['ArnEquals', 'aws:PrincipalArn', 'arn:aws:iam::1111????3333:role/r'],
    ['ArnLike', 'aws:PrincipalArn', `arn:aws:iam::${account}*:role/r`],
    ['ArnLike', 'aws:SourceArn', 'arn:aws:s3:::bucket*'],
    ['ArnLike', 'aws:SourceArn', [`arn:aws:sns:*:${account}:t`, 'arn:aws:sns:*:*:t']],
    ['ArnEquals', 'aws:PrincipalAccount', `arn:aws:iam::${account}:root`],
    ['ArnLike', 'aws:PrincipalArn', `arn:aws:iam::${account}:user/$\{aws:username}`],
    ['ForAnyValue:StringLike', 'aws:PrincipalOrgPaths', '*'],
    ['ForAnyValue:StringLike', 'aws:PrincipalOrgPaths', 'o-*/r-ab12/*'],
    ['ForAnyValue:StringLike', 'aws:PrincipalOrgPaths', 'o-a1b2*'],
    ['StringLike', 'aws:userid', '*'],
    ['StringLike', 'aws:userid', 'AROA*'],
    ['StringLike', 'aws:userid', ':*'],
    ['StringLike', 'aws:userid', '*:session'],
    ['StringLike', 'aws:SourceIp', '10.*'],
    ['StringLike', 'aws:SourceIp', '10.0.0.1'],
    ['IpAddress', 'aws:SourceIp', '0.0.0.0/0'],
    ['IpAddress', 'aws:SourceIp', ['0.0.0.0/1', '128.0.0.0/1']],
    ['IpAddress', 'aws:SourceIp', '10.0.0.0/7'],
    ['IpAddress', 'aws:SourceIp', ['192.0.2.1', '::/0']],
    ['IpAddress', 'aws:SourceIp', '2001:db8::/31'],
    ['IpAddress', 'aws:SourceIp', '::ffff:0.0.0.0/96'],
    ['IpAddress', 'aws:SourceIp', Array.from({ length: 17 }, (_, i) => `${i}.0.0.0/8`)],
    ['IpAddress', 'aws:VpcSourceIp', '10.0.0.1'],
    ['DateLessThan', 'aws:CurrentTime', '2030-01-01'],
    ['NumericLessThan', 'aws:MultiFactorAuthAge', '10'],
    ['Null', 'aws:PrincipalOrgID', 'false'],
  ]
  for (const [operator, key, values] of wide) {
    assert.equal(isPublic({ Condition: { [operator]: { [key]: values } } }), true, `${operator} ${key} ${values}`)
  }
  assert.equal(isPublic({ Condition: {} }), true)
})

test('what is public is told by its place and its Sid, and a Deny beside it does not matter', () => {
  const policy = compile([
    { ...allow, Sid: 'private', Principal: { AWS: account } },
    { ...allow, Sid: 'open' },
    { ...allow, Effect: 'Deny' },
    { ...allow, Condition: { Bool: { 'aws:SecureTransport': 'true' } } },
  ])
  assert.deepEqual(publicGrants(policy), [
    { index: 1, sid: 'open' },
    { index: 3, sid: undefined },
  ])
  const identity = compilePolicy('{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}', 'identity')
  assert.deepEqual(publicGrants(identity), [])
  const key = compilePolicy(JSON.stringify({ Statement: allow }), 'key')
  assert.equal(publicGrants(key).length, 1)
})
