// Decisions of the policy engine for a user with 20 attached policies: one that the last of them allows, and one whose Allow needs a variable
// in its resource and a condition with another. Usage: node bench/policy-decision.ts [seconds per turn]

import { compilePolicy } from '../packages/server/src/policy/compile.ts'
import type { AuthorizationRequest, Context, NamedPolicy } from '../packages/server/src/policy/engine.ts'
import { evaluate } from '../packages/server/src/policy/evaluate.ts'

const SECONDS = Number(process.argv[2] ?? 1)
const TURNS = 5
const ACCOUNT = '111122223333'

type Statement = { readonly [element: string]: unknown }

const allow = (Action: readonly string[], Resource: string | readonly string[], more: Statement = {}): Statement => ({
  Effect: 'Allow',
  Action,
  Resource,
  ...more,
})
const deny = (Action: readonly string[], Resource: string, Condition: Statement): Statement => ({
  Effect: 'Deny',
  Action,
  Resource,
  Condition,
})
const secrets = (name: string): string => `arn:aws:secretsmanager:*:${ACCOUNT}:secret:${name}`

/** Teams' policies as they are met in the field: reads of some paths, an area of one's own, guards, and what other services need. */
const documents: readonly (readonly Statement[])[] = [
  ...Array.from({ length: 12 }, (_, i) => [
    allow(
      ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'],
      [secrets(`team-${i}/app/*`), secrets(`team-${i}/shared-??????`)],
    ),
    allow(['secretsmanager:List*'], '*'),
    allow(['kms:Decrypt'], `arn:aws:kms:*:${ACCOUNT}:key/*`, {
      Condition: { StringEquals: { 'kms:ViaService': `secretsmanager.eu-west-${i}.amazonaws.com` } },
    }),
  ]),
  [allow(['kms:Describe*', 'kms:List*', 'kms:GetPublicKey'], '*')],
  [allow(['ssm:GetParameter*'], `arn:aws:ssm:*:${ACCOUNT}:parameter/app/*`)],
  [allow(['lambda:InvokeFunction'], `arn:aws:lambda:*:${ACCOUNT}:function:rotate-*`)],
  [
    deny(['secretsmanager:*'], '*', { Bool: { 'aws:SecureTransport': 'false' } }),
    deny(['secretsmanager:DeleteSecret', 'secretsmanager:PutResourcePolicy'], '*', {
      BoolIfExists: { 'aws:MultiFactorAuthPresent': 'false' },
    }),
  ],
  [
    deny(['*'], '*', {
      NotIpAddress: { 'aws:SourceIp': ['10.0.0.0/8', '192.0.2.0/24', '2001:db8::/32'] },
      Bool: { 'aws:ViaAWSService': 'false' },
    }),
  ],
  [
    allow(['secretsmanager:GetSecretValue', 'secretsmanager:PutSecretValue'], secrets(`home/$\{aws:username}/*`), {
      Condition: { StringEquals: { 'secretsmanager:ResourceTag/owner': `$\{aws:username}` } },
    }),
  ],
  [allow(['iam:GetUser', 'iam:ChangePassword'], `arn:aws:iam::${ACCOUNT}:user/$\{aws:username}`)],
  [allow(['secretsmanager:GetSecretValue'], secrets('prod/*'), { Sid: 'TheLast' })],
]

const identity: readonly NamedPolicy[] = documents.map((Statement, i) => ({
  name: `arn:aws:iam::${ACCOUNT}:policy/p${i}`,
  policy: compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement }), 'identity'),
}))

const requestContext: Context = {
  'aws:CurrentTime': '2026-09-01T12:00:00Z',
  'aws:EpochTime': '1788264000',
  'aws:PrincipalAccount': ACCOUNT,
  'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:user/alice`,
  'aws:PrincipalIsAWSService': 'false',
  'aws:PrincipalTag/team': 'payments',
  'aws:PrincipalType': 'User',
  'aws:RequestedRegion': 'eu-west-1',
  'aws:ResourceAccount': ACCOUNT,
  'aws:SecureTransport': 'true',
  'aws:SourceIp': '10.1.2.3',
  'aws:UserAgent': 'aws-sdk-js/3.1163.0 ua/2.1 os/linux',
  'aws:ViaAWSService': 'false',
  'aws:userid': 'AIDACKCEVSQ6C2EXAMPLE',
  'aws:username': 'alice',
}

const request = (name: string, owner: string): AuthorizationRequest => ({
  principal: {
    kind: 'user',
    arn: `arn:aws:iam::${ACCOUNT}:user/alice`,
    account: ACCOUNT,
    userId: 'AIDACKCEVSQ6C2EXAMPLE',
  },
  permission: {
    action: 'secretsmanager:GetSecretValue',
    resource: `arn:aws:secretsmanager:eu-west-1:${ACCOUNT}:secret:${name}-AbCdEf`,
    resourceAccount: ACCOUNT,
    context: { 'secretsmanager:SecretId': name, 'secretsmanager:ResourceTag/owner': owner },
  },
  context: () => ({ ...requestContext }),
  layers: { identity },
})

const unconditional: readonly NamedPolicy[] = identity.filter((_, i) => i !== 15 && i !== 16)

const cases: readonly (readonly [string, AuthorizationRequest])[] = [
  ['allowed by the 20th policy, past Denies with conditions', request('prod/db', 'dba')],
  ['allowed through a variable in the resource and one in a condition', request('home/alice/token', 'alice')],
  [
    'allowed by the last policy, no condition asked for',
    { ...request('prod/db', 'dba'), layers: { identity: unconditional } },
  ],
]

/** Microseconds of this thread for a decision: what else runs on the machine does not count. */
function turn(asked: AuthorizationRequest): number {
  const until = performance.now() + SECONDS * 1_000
  const started = process.threadCpuUsage()
  let decisions = 0
  while (performance.now() < until) {
    for (let i = 0; i < 1_000; i += 1) {
      if (!evaluate(asked).allow) throw new Error('the decision must be to allow')
    }
    decisions += 1_000
  }
  const { user, system } = process.threadCpuUsage(started)
  return (user + system) / decisions
}

const times = new Map<string, number[]>(cases.map(([name]) => [name, []]))
for (let i = 0; i < TURNS; i += 1) for (const [name, asked] of cases) times.get(name)!.push(turn(asked))

console.log(`${identity.length} policies attached, median of ${TURNS} turns of ${SECONDS} s`)
console.log('| decision | µs | decisions/s |')
console.log('| --- | --- | --- |')
for (const [name, all] of times) {
  const microseconds = [...all].sort((a, b) => a - b)[Math.floor(TURNS / 2)]!
  console.log(`| ${name} | ${microseconds.toFixed(2)} | ${Math.round(1_000_000 / microseconds)} |`)
}
