// biome-ignore-all lint/suspicious/noTemplateCurlyInString: variables of policies

import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Context, PolicyPrincipal } from './engine.ts'
import { decide } from './testing-engine.ts'
import {
  type ConditionValue,
  naiveDecision,
  type PolicyRequest,
  type PrincipalElement,
  type Statement,
} from './testing-oracle.ts'

const HERE = '111122223333'
const THERE = '444455556666'
const SECRET = `arn:aws:secretsmanager:eu-west-1:${HERE}:secret:alice/db-AbCdEf`
const READER_ROLE = 'arn:aws:iam::111122223333:role/reader'

const ALICE: PolicyPrincipal = {
  kind: 'user',
  arn: `arn:aws:iam::${HERE}:user/alice`,
  account: HERE,
  userId: 'AIDAALICE',
}
const READER: PolicyPrincipal = {
  kind: 'role-session',
  arn: `arn:aws:sts::${HERE}:assumed-role/reader/one`,
  account: HERE,
  userId: 'AROAREADER:one',
  role: { arn: READER_ROLE, roleId: 'AROAREADER' },
}
const ROOT: PolicyPrincipal = { kind: 'root', arn: `arn:aws:iam::${HERE}:root`, account: HERE, userId: HERE }
const FRAN: PolicyPrincipal = {
  kind: 'federated-user',
  arn: `arn:aws:sts::${HERE}:federated-user/fran`,
  account: HERE,
  userId: `${HERE}:fran`,
}
const ROTATION: PolicyPrincipal = { kind: 'service', arn: 'secretsmanager.amazonaws.com', account: '', userId: '' }
const TOKEN: PolicyPrincipal = {
  kind: 'federated',
  arn: `arn:aws:iam::${HERE}:oidc-provider/issuer.example`,
  account: '',
  userId: '',
}

type Row = readonly [sentence: string, decision: string, fields: Partial<PolicyRequest>]

/**
 * What docs/policies.md says, of which the naive evaluator and the engine must both be true. Without more, alice asks for a secret of her
 * own account, and no policy says anything.
 */
function rows(of: string, table: readonly Row[]): void {
  describe(of, () => {
    for (const [sentence, decision, fields] of table) {
      test(sentence, () => {
        const request = {
          principal: ALICE,
          action: 'secretsmanager:GetSecretValue',
          resource: SECRET,
          resourceAccount: HERE,
          context: {},
          identity: [],
          ...fields,
        }
        const [reason, layer] = decision.split(' ')
        assert.deepEqual(naiveDecision(request), { reason, layer })
        assert.deepEqual(decide(request), { reason, layer })
      })
    }
  })
}

const YES = 'allow identity'
const NO = 'implicit-deny identity'

const policy = (...statements: readonly Statement[]) => JSON.stringify({ Version: '2012-10-17', Statement: statements })
const old = (...statements: readonly Statement[]) => JSON.stringify({ Version: '2008-10-17', Statement: statements })
const may = (fields: Partial<Statement> = {}): Statement => ({
  Effect: 'Allow',
  ...('NotAction' in fields ? {} : { Action: '*' }),
  ...('NotResource' in fields ? {} : { Resource: '*' }),
  ...fields,
})
const mayNot = (fields: Partial<Statement> = {}): Statement => ({ ...may(fields), Effect: 'Deny' })
const ALL = policy(may())
const NONE = policy(mayNot())
const NOTHING = policy(may({ Action: 'iam:GetUser' }))

const on = (kind: 'normal' | 'trust' | 'key', ...statements: readonly Statement[]) => ({
  resourcePolicy: { kind, document: policy(...statements) },
})
const to = (Principal: PrincipalElement) => may({ Principal })
const aws = (...AWS: readonly string[]) => may({ Principal: { AWS } })

const actions = (fields: Partial<Statement>) => ({ identity: [policy(may(fields))] })
const resources = (Resource: string | readonly string[], resource = SECRET, context: Context = {}) => ({
  identity: [policy(may({ Resource }))],
  resource,
  context,
})
const when = (Condition: Statement['Condition'] & {}, context: Context) => ({
  identity: [policy(may({ Condition }))],
  context,
})

rows('actions', [
  ['nobody is allowed anything without a policy', NO, {}],
  ['an action is compared without regard to case', YES, actions({ Action: 'SecretsManager:getsecretVALUE' })],
  ['* in an action is any text', YES, actions({ Action: 'secretsmanager:Get*Value' })],
  ['? in an action is one character', YES, actions({ Action: 'secretsmanager:GetSecretValu?' })],
  ['? in an action is not none', NO, actions({ Action: 'secretsmanager:GetSecretValue?' })],
  ['one of the actions listed is enough', YES, actions({ Action: ['iam:GetUser', 'secretsmanager:*'] })],
  ['NotAction covers what it does not list', YES, actions({ NotAction: ['iam:*', 'kms:*'] })],
  ['NotAction does not cover what it lists', NO, actions({ NotAction: ['iam:*', 'secretsmanager:get*'] })],
])

rows('resources', [
  ['* covers every resource', YES, resources('*')],
  ['* covers a request that has no resource', YES, resources('*', '*')],
  ['* covers a name that nothing has', YES, resources('*', 'no/such')],
  ['a pattern of an ARN does not cover a request that has no resource', NO, resources('arn:aws:secretsmanager:*', '*')],
  ['a resource is compared with regard to case', NO, resources(SECRET.replace('alice', 'Alice'))],
  ['* crosses a slash', YES, resources(SECRET.replace('alice/db', '*'))],
  ['* stays in its segment', NO, resources('arn:aws:secretsmanager:*3333:*:alice/db-AbCdEf')],
  ['the sixth segment keeps its colons', YES, resources(`arn:aws:secretsmanager:*:*:*AbCdEf`)],
  ['a pattern that ends early in * covers the rest', YES, resources('arn:aws:secretsmanager:*')],
  ['a pattern that ends early in * is held to its own segments', NO, resources('arn:aws:secretsmanager:eu-west-1:4*')],
  ['? in a resource is one character', YES, resources(SECRET.replace('AbCdEf', '??????'))],
  ['NotResource covers what it does not list', YES, { identity: [policy(may({ NotResource: `${SECRET}x` }))] }],
  ['NotResource does not cover what it lists', NO, { identity: [policy(may({ NotResource: SECRET }))] }],
  [
    'NotResource of an ARN covers a request that has no resource',
    YES,
    { identity: [policy(may({ NotResource: SECRET }))], resource: '*' },
  ],
])

const OWN = SECRET.replace('alice', '${aws:username}')
const NOT_OWN = may({ NotResource: [OWN, 'arn:aws:kms:*'] })

rows('variables', [
  ['a variable is replaced by the value of its key', YES, resources(OWN, SECRET, { 'aws:username': 'alice' })],
  ['the key of a variable has no case', YES, resources(OWN, SECRET, { 'AWS:UserName': 'alice' })],
  ['a list of one is single-valued', YES, resources(OWN, SECRET, { 'aws:username': ['alice'] })],
  ['a pattern whose variable is absent covers nothing', NO, resources(OWN, SECRET.replace('alice', ''))],
  [
    'a pattern whose variable has two values covers nothing',
    NO,
    resources(OWN, SECRET, { 'aws:username': ['alice', 'bob'] }),
  ],
  ['a wildcard that comes from a variable is literal', NO, resources(OWN, SECRET, { 'aws:username': '*' })],
  [
    'a default stands for an absent key',
    YES,
    resources(SECRET.replace('alice', "${aws:PrincipalTag/Team, 'alice'}"), SECRET),
  ],
  [
    'a default does not stand for a present key',
    NO,
    resources(SECRET.replace('alice', "${aws:username, 'alice'}"), SECRET, { 'aws:username': 'bob' }),
  ],
  ['a wildcard of a default is literal', NO, resources(SECRET.replace('alice', "${aws:username, '*'}"), SECRET)],
  ['${*} is a literal asterisk', YES, resources(SECRET.replace('alice', '${*}'), SECRET.replace('alice', '*'))],
  ['${*} is no wildcard', NO, resources(SECRET.replace('alice', '${*}'))],
  ['${$} is a dollar', YES, resources(SECRET.replace('alice', '${$}{x}'), SECRET.replace('alice', '${x}'))],
  [
    'before Version 2012-10-17 a variable is its own text',
    NO,
    { identity: [old(may({ Resource: OWN }))], context: { 'aws:username': 'alice' } },
  ],
  [
    'before Version 2012-10-17 the text of a variable matches itself',
    YES,
    { identity: [old(may({ Resource: OWN }))], resource: OWN },
  ],
  ['an Allow whose NotResource has an unresolvable pattern does not apply', NO, { identity: [policy(NOT_OWN)] }],
  [
    'a Deny whose NotResource has an unresolvable pattern covers what the others do not',
    'explicit-deny identity',
    { identity: [ALL, policy({ ...NOT_OWN, Effect: 'Deny' })] },
  ],
  [
    'an Allow whose negated condition has an unresolvable value does not apply',
    NO,
    when({ StringNotEquals: { 'aws:a': ['x', '${aws:b}'] } }, { 'aws:a': 'y' }),
  ],
  [
    'a Deny whose negated condition has an unresolvable value is held to the other values',
    'explicit-deny identity',
    {
      identity: [policy(may(), mayNot({ Condition: { StringNotEquals: { 'aws:a': ['x', '${aws:b}'] } } }))],
      context: { 'aws:a': 'y' },
    },
  ],
  [
    'an unresolvable value of a positive operator matches nothing',
    NO,
    when({ StringEquals: { 'aws:a': '${aws:b}' } }, { 'aws:a': '${aws:b}' }),
  ],
  [
    'a condition on strings resolves its variables',
    YES,
    when({ StringEquals: { 'aws:a': 'x-${aws:b}' } }, { 'aws:a': 'x-1', 'aws:b': '1' }),
  ],
])

const TEAM = 'aws:PrincipalTag/Team'

rows('conditions', [
  ['the name of a key has no case', YES, when({ StringEquals: { 'AWS:principaltag/TEAM': 'a' } }, { [TEAM]: 'a' })],
  ['one value of several is enough', YES, when({ StringEquals: { [TEAM]: ['b', 'a'] } }, { [TEAM]: 'a' })],
  ['every key must hold', NO, when({ StringEquals: { [TEAM]: 'a', 'aws:x': 'a' } }, { [TEAM]: 'a' })],
  [
    'every operator must hold',
    NO,
    when({ StringEquals: { [TEAM]: 'a' }, StringLike: { [TEAM]: 'b*' } }, { [TEAM]: 'a' }),
  ],
  ['the empty string is a value', YES, when({ StringEquals: { [TEAM]: '' } }, { [TEAM]: '' })],
  ['an empty list is an absent key', YES, when({ Null: { [TEAM]: 'true' } }, { [TEAM]: [] })],
  ['Null false asks that the key is present', NO, when({ Null: { [TEAM]: 'false' } }, {})],
  ['Null takes a boolean of JSON', YES, when({ Null: { [TEAM]: false } }, { [TEAM]: 'a' })],
  ['a positive operator does not hold of an absent key', NO, when({ StringLike: { [TEAM]: '*' } }, {})],
  ['a negated operator holds of an absent key', YES, when({ StringNotEquals: { [TEAM]: 'a' } }, {})],
  ['IfExists holds of an absent key', YES, when({ StringEqualsIfExists: { [TEAM]: 'a' } }, {})],
  ['IfExists asks of a present key', NO, when({ StringEqualsIfExists: { [TEAM]: 'a' } }, { [TEAM]: 'b' })],
  ['ForAllValues holds of an absent key', YES, when({ 'ForAllValues:StringEquals': { [TEAM]: 'a' } }, {})],
  [
    'ForAnyValue does not hold of an absent key, negated or not',
    NO,
    when({ 'ForAnyValue:StringNotEquals': { [TEAM]: 'a' } }, {}),
  ],
  [
    'ForAnyValue with IfExists holds of an absent key',
    YES,
    when({ 'ForAnyValue:StringEqualsIfExists': { [TEAM]: 'a' } }, {}),
  ],
  [
    'without a prefix, one of several values is enough',
    YES,
    when({ StringEquals: { [TEAM]: 'a' } }, { [TEAM]: ['a', 'b'] }),
  ],
  [
    'without a prefix, a negated operator asks that no value matches',
    NO,
    when({ StringNotEquals: { [TEAM]: 'a' } }, { [TEAM]: ['a', 'b'] }),
  ],
  ['ForAllValues asks every value', NO, when({ 'ForAllValues:StringEquals': { [TEAM]: 'a' } }, { [TEAM]: ['a', 'b'] })],
  [
    'ForAllValues takes different matches of different values',
    YES,
    when({ 'ForAllValues:StringEquals': { [TEAM]: ['a', 'b', 'c'] } }, { [TEAM]: ['a', 'b'] }),
  ],
  [
    'ForAnyValue negated asks for one value that does not match',
    YES,
    when({ 'ForAnyValue:StringNotEquals': { [TEAM]: 'a' } }, { [TEAM]: ['a', 'b'] }),
  ],
  [
    'entries whose names differ in case are one key of several values',
    NO,
    when({ 'ForAllValues:StringEquals': { [TEAM]: 'a' } }, { [TEAM]: 'a', 'AWS:principaltag/team': 'b' }),
  ],
])

rows('operators', [
  ['StringEquals has no wildcards', NO, when({ StringEquals: { [TEAM]: 'a*' } }, { [TEAM]: 'ab' })],
  ['StringEquals is held to case', NO, when({ StringEquals: { [TEAM]: 'A' } }, { [TEAM]: 'a' })],
  ['StringEqualsIgnoreCase is not', YES, when({ StringEqualsIgnoreCase: { [TEAM]: 'AbC' } }, { [TEAM]: 'aBc' })],
  ['StringNotEqualsIgnoreCase is not', NO, when({ StringNotEqualsIgnoreCase: { [TEAM]: 'A' } }, { [TEAM]: 'a' })],
  ['StringLike has wildcards', YES, when({ StringLike: { [TEAM]: 'a?c*' } }, { [TEAM]: 'abc' })],
  ['StringNotLike has them too', NO, when({ StringNotLike: { [TEAM]: 'a?c*' } }, { [TEAM]: 'abc' })],
  ['numbers are equal however they are written', YES, when({ NumericEquals: { 'a:n': 7 } }, { 'a:n': '+07.0' })],
  ['numbers have an order', YES, when({ NumericLessThan: { 'a:n': '10' } }, { 'a:n': '9' })],
  ['a number is at least itself', YES, when({ NumericGreaterThanEquals: { 'a:n': '10' } }, { 'a:n': '10' })],
  ['what is no number equals none', NO, when({ NumericEquals: { 'a:n': '7' } }, { 'a:n': '7x' })],
  ['what is no number differs from every one', YES, when({ NumericNotEquals: { 'a:n': '7' } }, { 'a:n': '7x' })],
  [
    'a time is the same in every zone',
    YES,
    when({ DateEquals: { 'a:t': '2026-03-01T12:00:00Z' } }, { 'a:t': '2026-03-01T13:30+01:30' }),
  ],
  ['a time may be seconds since 1970', YES, when({ DateEquals: { 'a:t': '1970-01-02' } }, { 'a:t': '86400' })],
  ['four digits are a year', YES, when({ DateEquals: { 'a:t': '2026-01-01T00:00Z' } }, { 'a:t': '2026' })],
  [
    'a later time is greater',
    YES,
    when({ DateGreaterThan: { 'a:t': '2026-02' } }, { 'a:t': '2026-02-01T00:00:00.001Z' }),
  ],
  ['what is no time is before none', NO, when({ DateLessThan: { 'a:t': '2026' } }, { 'a:t': 'yesterday' })],
  ['a boolean has no case', YES, when({ Bool: { 'a:b': 'true' } }, { 'a:b': 'TRUE' })],
  ['what is no boolean is neither', NO, when({ Bool: { 'a:b': ['true', 'false'] } }, { 'a:b': 'yes' })],
  ['bytes are compared as bytes', NO, when({ BinaryEquals: { 'a:d': 'AQID' } }, { 'a:d': 'aqid' })],
  ['an address is in its block', YES, when({ IpAddress: { 'a:i': '192.0.2.0/24' } }, { 'a:i': '192.0.2.77' })],
  ['an address is not in the next block', NO, when({ IpAddress: { 'a:i': '192.0.2.0/25' } }, { 'a:i': '192.0.2.128' })],
  ['a block may be of IPv6', YES, when({ IpAddress: { 'a:i': '2001:db8::/33' } }, { 'a:i': '2001:db8:7fff::1' })],
  ['a mapped address is the IPv4 one', YES, when({ IpAddress: { 'a:i': '192.0.2.1' } }, { 'a:i': '::ffff:c000:201' })],
  ['what is no address is in no block', YES, when({ NotIpAddress: { 'a:i': '0.0.0.0/0' } }, { 'a:i': '1.2.3' })],
  ['ArnEquals has wildcards', YES, when({ ArnEquals: { 'a:r': 'arn:aws:iam::*:role/r*' } }, { 'a:r': READER_ROLE })],
  [
    'ArnLike keeps to segments',
    NO,
    when({ ArnLike: { 'a:r': `arn:aws:*:${HERE}:*:role/reader` } }, { 'a:r': READER_ROLE }),
  ],
  ['* is any ARN', YES, when({ ArnLike: { 'a:r': '*' } }, { 'a:r': READER_ROLE })],
  ['what is no ARN is like none', YES, when({ ArnNotLike: { 'a:r': 'arn:*:*:*:*:*' } }, { 'a:r': 'reader' })],
])

/** An operator, the value of a policy, that of the request, and whether the one holds of the other. */
const CORNERS: readonly (readonly [operator: string, policyValue: ConditionValue, value: string, holds: boolean])[] = [
  ['StringEquals', '${a:Other}', 'other', true],
  ['StringEquals', "${a:None,'x'}", 'x', true],
  ['StringEquals', "${a:None, '}'}", '}', true],
  ['StringEquals', '${ test:Other }', 'other', false],
  ['StringEquals', 1e21, '1e+21', true],
  ['StringEqualsIgnoreCase', 'ẞ', 'ß', true],
  ['StringLike', '?', 'é', true],
  ['StringLike', '*${?}*', 'a?b', true],
  ['ArnLike', '${a:Arn}', 'arn:aws:iam::111122223333:user/alice', true],
  ['ArnLike', 'arn:aws:iam::${a:Account}:user/alice', 'arn:aws:iam::111122223333:user/alice', true],
  ['ArnLike', 'arn:aws:iam::${a:Split}:*', 'arn:aws:iam::111122223333:user/alice', false],
  ['ArnLike', 'arn:aws:iam::*', 'arn:aws:iam::111122223333', false],
  ['NumericEquals', '-0', '0', true],
  ['NumericEquals', '7', '7.', false],
  ['DateEquals', '2026-03-01T12:00:00.1Z', '2026-03-01T12:00:00.100Z', true],
  ['NumericGreaterThan', '7', '7'.repeat(33), false],
  ['DateEquals', '2026-03-02', '2026-03-01T24:00Z', false],
  ['DateLessThan', '2027', '2026-02-30', false],
  ['DateEquals', '2026-03-01T00:00Z', '2026-03-01T00:00+0000', false],
  ['DateLessThan', '2027', '2026-01-01T00:00+24:00', false],
  ['DateLessThan', '2027', '00099', true],
  ['Null', 'FALSE', '', true],
  ['BinaryEquals', '', '', true],
  ['BinaryEquals', 'AQ==', 'AQ', false],
  ['IpAddress', '192.0.2.77/24', '192.0.2.1', true],
  ['IpAddress', '192.0.2.77/0', '10.0.0.1', true],
  ['IpAddress', '192.0.2.0/24', '192.0.2.0/24', false],
  ['IpAddress', '::ffff:192.0.2.0/120', '192.0.2.1', true],
  ['IpAddress', '::ffff:0:0/90', '192.0.2.1', false],
  ['IpAddress', '::192.0.2.1', '192.0.2.1', false],
  ['IpAddress', '::/0', '192.0.2.1', false],
  ['IpAddress', 'fe80::1', 'fe80::1%eth0', false],
  ['IpAddress', '1::', '1:0:0:0:0:0:0:0', true],
]

const OTHERS = { 'a:Other': 'other', 'a:Arn': ALICE.arn, 'a:Account': HERE, 'a:Split': `${HERE}:user` }

rows(
  'corners of operators',
  CORNERS.map(([operator, policyValue, value, holds]) => [
    `${operator} of ${policyValue || 'nothing'} ${holds ? 'holds' : 'does not hold'} of ${value || 'nothing'}`,
    holds ? YES : NO,
    when({ [operator]: { 'a:key': policyValue } }, { ...OTHERS, 'a:key': value }),
  ]),
)

const NAMED = { [ALICE.arn]: 'AIDAALICE', [READER_ROLE]: 'AROAREADER', [READER.arn]: 'AROAREADER:one' }
const stored = (principalIds: { readonly [arn: string]: string }, ...statements: readonly Statement[]) => ({
  resourcePolicy: { kind: 'normal', document: policy(...statements), principalIds } as const,
})
const except = (NotPrincipal: PrincipalElement) => ({
  identity: [ALL],
  ...on('normal', mayNot({ NotPrincipal })),
})

rows('principals', [
  ['* is everyone', 'allow resource', on('normal', to('*'))],
  ['AWS * is everyone', 'allow resource', { principal: READER, ...on('normal', aws('*')) }],
  ['a user is named by its ARN', 'allow resource', on('normal', aws(ALICE.arn))],
  ['a user is named by its unique id', 'allow resource', on('normal', aws('AIDAALICE'))],
  ['a user is not another of the same name elsewhere', NO, on('normal', aws(ALICE.arn.replace(HERE, THERE)))],
  ['a session is named by its ARN', 'allow resource', { principal: READER, ...on('normal', aws(READER.arn)) }],
  [
    'a session is not another of the same role',
    NO,
    { principal: READER, ...on('normal', aws(READER.arn.replace('/one', '/two'))) },
  ],
  ['a federated user is named by its ARN', 'allow resource', { principal: FRAN, ...on('normal', aws(FRAN.arn)) }],
  ['an account only delegates', NO, on('normal', aws(HERE))],
  ['an account is its own root user', 'allow resource', { principal: ROOT, ...on('normal', aws(HERE)) }],
  ['a stored user is matched by unique id', 'allow resource', stored(NAMED, aws(ALICE.arn))],
  ['a user made again is not the stored one', NO, stored({ [ALICE.arn]: 'AIDAOLD' }, aws(ALICE.arn))],
  ['a user that was not there when the policy was stored is nobody', NO, stored({}, aws(ALICE.arn))],
  [
    'a stored session is matched by its role',
    'allow resource',
    { principal: READER, ...stored(NAMED, aws(READER.arn)) },
  ],
  [
    'a session of a role made again is not the stored one',
    NO,
    { principal: READER, ...stored({ [READER.arn]: 'AROAOLD:one' }, aws(READER.arn)) },
  ],
  ['NotPrincipal exempts a user who is listed with its account', YES, except({ AWS: [ALICE.arn, HERE] })],
  ['NotPrincipal denies a user whose account is not listed', 'explicit-deny resource', except({ AWS: ALICE.arn })],
  ['NotPrincipal denies a user of whom only the account is listed', 'explicit-deny resource', except({ AWS: HERE })],
  [
    'NotPrincipal exempts a session that is listed with its role and its account',
    YES,
    { ...except({ AWS: [READER.arn, 'AROAREADER', ROOT.arn] }), principal: READER },
  ],
  [
    'NotPrincipal denies a session that is not listed itself',
    'explicit-deny resource',
    { ...except({ AWS: [READER_ROLE, ROOT.arn] }), principal: READER },
  ],
  ['NotPrincipal exempts a root user by its account', YES, { ...except({ AWS: ROOT.arn }), principal: ROOT }],
  ['NotPrincipal of everyone denies nobody', YES, except('*')],
  [
    'NotPrincipal exempts a service that is listed',
    'implicit-deny resource',
    { ...except({ Service: ROTATION.arn }), principal: ROTATION },
  ],
])

const trusting = (Principal: PrincipalElement): Statement => ({ Effect: 'Allow', Principal, Action: 'sts:*' })
const asReader = { principal: READER, identity: [ALL] }
const away = { resourceAccount: THERE, resource: SECRET.replace(HERE, THERE) }

rows('the decision', [
  ['a Deny wins over an Allow', 'explicit-deny identity', { identity: [NONE, ALL] }],
  [
    'a Deny of the boundary is told as one',
    'explicit-deny boundary',
    { identity: [ALL], boundary: NONE, session: [NONE] },
  ],
  [
    'a Deny of the session policy wins over a direct match',
    'explicit-deny session',
    { session: [NONE], ...on('normal', to('*')) },
  ],
  [
    'a Deny of the resource policy wins',
    'explicit-deny resource',
    { identity: [ALL], ...on('normal', mayNot({ Principal: '*' })) },
  ],
  [
    'a Deny of the organization wins over a grant',
    'explicit-deny scp',
    { grant: { name: 'g', to: 'direct' }, scp: [[ALL, NONE]] },
  ],
  ['a Deny of the organization of the resource is told last', 'explicit-deny rcp', { identity: [ALL], rcp: [[NONE]] }],
  [
    'every level of the organization must allow',
    'implicit-deny scp',
    { identity: [ALL], scp: [[ALL], [NOTHING]], rcp: [[]] },
  ],
  ['one policy of a level is enough', YES, { identity: [ALL], scp: [[NOTHING, ALL], [ALL]], rcp: [[ALL]] }],
  ['every level above the resource must allow', 'implicit-deny rcp', { identity: [ALL], rcp: [[]] }],
  ['the organization limits a root user', 'implicit-deny scp', { principal: ROOT, scp: [[NOTHING]] }],
  ['a grant allows by itself', 'allow grant', { boundary: NOTHING, session: [], grant: { name: 'g', to: 'direct' } }],
  [
    'a grant to a role passes the gate',
    YES,
    { principal: READER, grant: { name: 'g', to: 'role' }, ...on('key', aws(THERE)) },
  ],
  [
    'a grant to a role is within the session policies',
    'implicit-deny session',
    { principal: READER, session: [], grant: { name: 'g', to: 'role' } },
  ],
  [
    'the organization need not allow a service',
    'allow resource',
    { principal: ROTATION, scp: [[NOTHING]], rcp: [[]], ...on('normal', to({ Service: ROTATION.arn })) },
  ],
  [
    'the organization may deny a service',
    'explicit-deny rcp',
    { principal: ROTATION, rcp: [[NONE]], ...on('normal', to({ Service: ROTATION.arn })) },
  ],
  ['a root user needs no policy', YES, { principal: ROOT }],
  [
    'a service is allowed by a policy that names it',
    'allow resource',
    { principal: ROTATION, ...on('normal', to({ Service: ROTATION.arn })) },
  ],
  ['a service has no identity side', 'implicit-deny resource', { principal: ROTATION, identity: [ALL] }],
  [
    'a provider is allowed by a role that trusts it',
    'allow resource',
    {
      principal: TOKEN,
      action: 'sts:AssumeRoleWithWebIdentity',
      resource: READER_ROLE,
      ...on('trust', trusting({ Federated: TOKEN.arn })),
    },
  ],
  ['an identity policy allows', YES, { identity: [NOTHING, ALL] }],
  [
    'a direct match is not limited by boundary and session',
    'allow resource',
    { boundary: NOTHING, session: [], ...on('normal', aws(ALICE.arn)) },
  ],
  ['a match of the role allows', 'allow resource', { principal: READER, ...on('normal', aws(READER_ROLE)) }],
  [
    'a match of the role is limited by the boundary',
    'implicit-deny boundary',
    { principal: READER, boundary: NOTHING, ...on('normal', aws(READER_ROLE)) },
  ],
  [
    'a match of the role is limited by the session policies',
    'implicit-deny session',
    { principal: READER, session: [NOTHING], ...on('normal', aws('AROAREADER')) },
  ],
  ['where identity and role allow, the identity is told', YES, { ...asReader, ...on('normal', aws(READER_ROLE)) }],
  ['a match of the account leaves it to the identity', YES, { ...asReader, ...on('normal', aws(HERE)) }],
  ['a boundary alone allows nothing', NO, { boundary: ALL }],
  ['a boundary limits the identity', 'implicit-deny boundary', { identity: [ALL], boundary: NOTHING, session: [] }],
  ['one session policy is enough', YES, { identity: [ALL], boundary: ALL, session: [NOTHING, ALL] }],
  [
    'no session policy of a session that was to have some allows nothing',
    'implicit-deny session',
    { identity: [ALL], session: [] },
  ],
  [
    'a key is a gate, whatever the identity allows',
    'implicit-deny resource',
    { identity: [ALL], ...on('key', aws(THERE)) },
  ],
  [
    'a key is a gate to the root user, too',
    'implicit-deny resource',
    { principal: ROOT, ...on('key', aws(ALICE.arn)) },
  ],
  ['a key that delegates leaves it to the identity', NO, on('key', aws(HERE))],
  ['a key that names the user needs no more', 'allow resource', on('key', aws(ALICE.arn))],
  [
    'a role that trusts the account leaves it to the identity',
    YES,
    { ...asReader, action: 'sts:AssumeRole', resource: READER_ROLE, ...on('trust', trusting({ AWS: ROOT.arn })) },
  ],
  ['a secret of another account asks the identity first', NO, { ...away, ...on('normal', aws(ALICE.arn)) }],
  [
    'a secret of another account asks the boundary, too',
    'implicit-deny boundary',
    { ...away, identity: [ALL], boundary: NOTHING, ...on('normal', to('*')) },
  ],
  ['a secret of another account must have a policy', 'implicit-deny resource', { ...away, identity: [ALL] }],
  [
    'a secret of another account must name the caller',
    'implicit-deny resource',
    { ...away, identity: [ALL], ...on('normal', aws(THERE)) },
  ],
  [
    'a secret of another account may name the account of the caller',
    'allow resource',
    { ...away, identity: [ALL], ...on('normal', aws(HERE)) },
  ],
  [
    'a match of the role across accounts is no Allow of the identity',
    NO,
    { ...away, principal: READER, ...on('normal', aws(READER_ROLE)) },
  ],
  ['a root user of another account must be named', 'implicit-deny resource', { ...away, principal: ROOT }],
])
