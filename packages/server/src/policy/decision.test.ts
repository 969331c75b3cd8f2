// How the layers decide together. Each line of the tables is a case of docs/policies.md, "How a decision is made".

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePolicy } from './compile.ts'
import type {
  AuthorizationRequest,
  Decision,
  NamedPolicy,
  PolicyGrammar,
  PolicyPrincipal,
  ResourcePolicy,
} from './engine.ts'
import { evaluate } from './evaluate.ts'

const account = '111122223333'
const elsewhere = '444455556666'
const roleArn = `arn:aws:iam::${account}:role/Reader`

const PRINCIPALS: { readonly [kind: string]: PolicyPrincipal } = {
  root: { kind: 'root', arn: `arn:aws:iam::${account}:root`, account, userId: account },
  user: { kind: 'user', arn: `arn:aws:iam::${account}:user/alice`, account, userId: 'AIDA1' },
  session: {
    kind: 'role-session',
    arn: `arn:aws:sts::${account}:assumed-role/Reader/s1`,
    account,
    userId: 'AROA1:s1',
    role: { arn: roleArn, roleId: 'AROA1' },
  },
  federatedUser: {
    kind: 'federated-user',
    arn: `arn:aws:sts::${account}:federated-user/fay`,
    account,
    userId: `${account}:fay`,
  },
  service: { kind: 'service', arn: 'secretsmanager.amazonaws.com', account: '', userId: '' },
  federated: { kind: 'federated', arn: 'accounts.google.com', account: '', userId: 'sub' },
}

const ACTION = 'sts:AssumeRole'

const compile = (name: string, grammar: PolicyGrammar, ...Statement: readonly object[]): NamedPolicy => ({
  name,
  policy: compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement }), grammar),
})

/** Speaks of another action, allows, denies, or both. */
function layerPolicy(name: string, grammar: PolicyGrammar, says: string): NamedPolicy {
  const Resource = '*'
  const statements = {
    silent: [{ Effect: 'Allow', Action: 'iam:PassRole', Resource }],
    allow: [{ Effect: 'Allow', Action: ACTION, Resource }],
    deny: [{ Effect: 'Deny', Action: ACTION, Resource }],
    both: [
      { Effect: 'Allow', Action: ACTION, Resource },
      { Effect: 'Deny', Action: ACTION, Resource },
    ],
  }[says]
  return compile(name, grammar, ...statements!)
}

/** Names the principal itself, the role behind it, its account, everyone, or another; `+deny` denies besides. */
function resourcePolicy(who: string, kind: ResourcePolicy['kind'], says: string): ResourcePolicy {
  const { arn } = PRINCIPALS[who]!
  const itself =
    who === 'root'
      ? { AWS: account }
      : who === 'service'
        ? { Service: arn }
        : who === 'federated'
          ? { Federated: arn }
          : { AWS: arn }
  const named: { readonly [word: string]: unknown } = {
    direct: itself,
    role: { AWS: roleArn },
    account: { AWS: account },
    everyone: '*',
    silent: { AWS: elsewhere },
  }
  const grammar = kind === 'normal' ? 'resource' : kind
  const resource = kind === 'trust' ? {} : { Resource: '*' }
  const statements = says
    .split('+')
    .map((word) =>
      word === 'deny'
        ? { Effect: 'Deny', Principal: '*', Action: ACTION, ...resource }
        : { Effect: 'Allow', Principal: named[word], Action: ACTION, ...resource },
    )
  return { kind, policy: compile('resource', grammar, ...statements) }
}

/** `identity:allow boundary:silent session:empty normal:account grant:role scp:allow,silent`. What is not said is absent. */
function decide(who: string, where: 'same' | 'across', parts: string): Decision {
  const said = Object.fromEntries(parts.split(' ').map((part) => part.split(':') as [string, string]))
  const levels = (text: string | undefined, layer: string) =>
    text?.split(',').map((says) => (says === 'none' ? [] : [layerPolicy(layer, 'identity', says)]))
  const kind = (['normal', 'trust', 'key'] as const).find((kind) => said[kind] !== undefined)
  const request: AuthorizationRequest = {
    principal: PRINCIPALS[who]!,
    permission: {
      action: ACTION,
      resource: 'arn:aws:iam::111122223333:role/x',
      resourceAccount: where === 'same' ? account : elsewhere,
      ...(kind && { resourcePolicy: resourcePolicy(who, kind, said[kind]!) }),
      ...(said.grant && { grant: { name: 'g', to: said.grant as 'direct' | 'role' | 'account' } }),
    },
    context: () => assert.fail('nothing needs the context'),
    layers: {
      identity: said.identity ? [layerPolicy('identity', 'identity', said.identity)] : [],
      ...(said.boundary && { boundary: layerPolicy('boundary', 'identity', said.boundary) }),
      ...(said.session && {
        session: said.session === 'empty' ? [] : [layerPolicy('session', 'session', said.session)],
      }),
      ...(said.scp !== undefined && { scp: said.scp === '' ? [] : levels(said.scp, 'scp')! }),
      ...(said.rcp !== undefined && { rcp: said.rcp === '' ? [] : levels(said.rcp, 'rcp')! }),
    },
  }
  return evaluate(request)
}

function decides(
  cases: readonly (readonly [who: string, where: 'same' | 'across', parts: string, expected: string])[],
) {
  for (const [who, where, parts, expected] of cases) {
    const { allow, reason, layer, statements } = decide(who, where, parts)
    assert.equal(`${reason} ${layer}`, expected, `${who} ${where} ${parts}`)
    assert.equal(allow, reason === 'allow')
    for (const { policy } of statements) assert.equal(policy, layer, `${who} ${where} ${parts}`)
    if (reason !== 'allow') assert.equal(statements.length > 0, reason === 'explicit-deny')
  }
}

test('an explicit Deny of any layer wins, and the first layer that has one is reported', () => {
  const all = 'identity:both boundary:both session:both normal:direct+deny scp:both rcp:both grant:direct'
  decides([
    ['user', 'same', all, 'explicit-deny identity'],
    ['user', 'same', all.replace('identity:both', 'identity:allow'), 'explicit-deny boundary'],
    ['user', 'same', all.replace('identity:both boundary:both', 'identity:allow'), 'explicit-deny session'],
    ['user', 'same', 'identity:allow normal:direct+deny scp:both rcp:both grant:direct', 'explicit-deny resource'],
    ['user', 'same', 'identity:allow scp:allow,both rcp:both grant:direct', 'explicit-deny scp'],
    ['user', 'same', 'identity:allow rcp:allow,both,allow grant:direct', 'explicit-deny rcp'],
    ['user', 'same', 'identity:allow scp:silent rcp:both', 'explicit-deny rcp'],
    ['user', 'across', 'identity:allow normal:direct+deny', 'explicit-deny resource'],
    ['user', 'across', 'identity:allow session:deny normal:direct', 'explicit-deny session'],
    ['session', 'same', 'trust:direct+deny', 'explicit-deny resource'],
    ['session', 'same', 'normal:direct boundary:deny', 'explicit-deny boundary'],
    ['root', 'same', 'identity:deny', 'explicit-deny identity'],
    ['root', 'same', 'normal:deny', 'explicit-deny resource'],
    ['root', 'same', 'scp:both', 'explicit-deny scp'],
    ['service', 'same', 'key:direct+deny', 'explicit-deny resource'],
    ['service', 'same', 'key:direct scp:both', 'explicit-deny scp'],
    ['federated', 'same', 'trust:direct+deny', 'explicit-deny resource'],
  ])
})

test('every level of the control policies must allow, but for a service', () => {
  decides([
    ['user', 'same', 'identity:allow scp:allow rcp:allow', 'allow identity'],
    ['user', 'same', 'identity:allow scp:allow,allow rcp:allow,allow', 'allow identity'],
    ['user', 'same', 'identity:allow scp: rcp:', 'allow identity'],
    ['user', 'same', 'identity:allow scp:silent', 'implicit-deny scp'],
    ['user', 'same', 'identity:allow scp:none', 'implicit-deny scp'],
    ['user', 'same', 'identity:allow scp:allow,silent', 'implicit-deny scp'],
    ['user', 'same', 'identity:allow scp:silent,allow', 'implicit-deny scp'],
    ['user', 'same', 'identity:allow scp:allow rcp:allow,silent', 'implicit-deny rcp'],
    ['user', 'same', 'identity:allow rcp:none', 'implicit-deny rcp'],
    ['user', 'same', 'identity:silent scp:silent rcp:silent', 'implicit-deny scp'],
    ['user', 'same', 'identity:silent rcp:silent', 'implicit-deny rcp'],
    ['user', 'same', 'normal:direct scp:silent', 'implicit-deny scp'],
    ['user', 'same', 'grant:direct rcp:silent', 'implicit-deny rcp'],
    ['root', 'same', 'scp:silent', 'implicit-deny scp'],
    ['root', 'across', 'rcp:silent normal:everyone', 'implicit-deny rcp'],
    ['federated', 'same', 'trust:direct rcp:silent', 'implicit-deny rcp'],
    ['service', 'same', 'key:direct scp:silent rcp:silent', 'allow resource'],
  ])
})

test('in one account an identity policy is enough, within the boundary and the session policies', () => {
  decides([
    ['user', 'same', 'identity:allow', 'allow identity'],
    ['user', 'same', 'identity:silent', 'implicit-deny identity'],
    ['user', 'same', 'boundary:allow session:allow', 'implicit-deny identity'],
    ['user', 'same', 'identity:allow boundary:allow', 'allow identity'],
    ['user', 'same', 'identity:allow boundary:silent', 'implicit-deny boundary'],
    ['user', 'same', 'identity:allow session:allow', 'allow identity'],
    ['user', 'same', 'identity:allow session:silent', 'implicit-deny session'],
    ['user', 'same', 'identity:allow session:empty', 'implicit-deny session'],
    ['user', 'same', 'identity:allow boundary:silent session:silent', 'implicit-deny boundary'],
    ['user', 'same', 'identity:silent boundary:silent session:silent', 'implicit-deny identity'],
    ['session', 'same', 'identity:allow boundary:allow session:allow', 'allow identity'],
    ['session', 'same', 'identity:allow boundary:allow session:silent', 'implicit-deny session'],
    ['federatedUser', 'same', 'identity:allow session:allow', 'allow identity'],
    ['federatedUser', 'same', 'identity:allow session:empty', 'implicit-deny session'],
  ])
})

test('in one account a resource policy that names the principal itself is enough, whatever other policies leave out', () => {
  decides([
    ['user', 'same', 'normal:direct', 'allow resource'],
    ['user', 'same', 'normal:everyone', 'allow resource'],
    ['user', 'same', 'identity:allow normal:direct', 'allow resource'],
    ['user', 'same', 'normal:direct boundary:silent session:empty', 'allow resource'],
    ['session', 'same', 'normal:direct boundary:silent session:silent', 'allow resource'],
    ['federatedUser', 'same', 'normal:direct session:empty', 'allow resource'],
    ['root', 'same', 'normal:direct', 'allow resource'],
    ['root', 'same', 'normal:everyone', 'allow resource'],
  ])
})

test('in one account a resource policy that names the role counts as an Allow of the role', () => {
  decides([
    ['session', 'same', 'normal:role', 'allow resource'],
    ['session', 'same', 'identity:silent normal:role', 'allow resource'],
    ['session', 'same', 'identity:allow normal:role', 'allow identity'],
    ['session', 'same', 'normal:role boundary:allow session:allow', 'allow resource'],
    ['session', 'same', 'normal:role boundary:silent', 'implicit-deny boundary'],
    ['session', 'same', 'normal:role session:silent', 'implicit-deny session'],
    ['session', 'same', 'normal:role session:empty', 'implicit-deny session'],
    ['session', 'same', 'normal:role+account', 'allow resource'],
    ['session', 'same', 'normal:account+role', 'allow resource'],
    ['session', 'same', 'normal:role+direct session:empty', 'allow resource'],
    ['session', 'same', 'normal:direct+role session:empty', 'allow resource'],
    ['user', 'same', 'normal:role', 'implicit-deny identity'],
  ])
})

test('in one account a resource policy that names the account changes nothing', () => {
  decides([
    ['user', 'same', 'normal:account', 'implicit-deny identity'],
    ['session', 'same', 'normal:account', 'implicit-deny identity'],
    ['federatedUser', 'same', 'normal:account', 'implicit-deny identity'],
    ['user', 'same', 'identity:allow normal:account', 'allow identity'],
    ['user', 'same', 'identity:allow normal:silent', 'allow identity'],
    ['user', 'same', 'identity:allow normal:account boundary:silent', 'implicit-deny boundary'],
    ['root', 'same', 'normal:silent', 'allow identity'],
  ])
})

test('a trust policy and a key policy let nobody through whom they do not name', () => {
  for (const kind of ['trust', 'key']) {
    decides([
      ['user', 'same', `identity:allow ${kind}:silent`, 'implicit-deny resource'],
      ['root', 'same', `${kind}:silent`, 'implicit-deny resource'],
      ['root', 'same', `${kind}:account`, 'allow resource'],
      ['user', 'same', `identity:silent ${kind}:direct`, 'allow resource'],
      ['user', 'same', `${kind}:everyone boundary:silent session:empty`, 'allow resource'],
      ['user', 'same', `identity:allow ${kind}:account`, 'allow identity'],
      ['user', 'same', `identity:silent ${kind}:account`, 'implicit-deny identity'],
      ['user', 'same', `identity:allow ${kind}:account boundary:silent`, 'implicit-deny boundary'],
      ['user', 'same', `identity:allow ${kind}:account session:silent`, 'implicit-deny session'],
      ['session', 'same', `identity:silent ${kind}:role`, 'allow resource'],
      ['session', 'same', `identity:allow ${kind}:role`, 'allow identity'],
      ['session', 'same', `${kind}:role session:silent`, 'implicit-deny session'],
      ['session', 'same', `${kind}:role boundary:silent`, 'implicit-deny boundary'],
      ['session', 'same', `identity:silent ${kind}:silent boundary:silent`, 'implicit-deny resource'],
    ])
  }
})

test('across accounts both sides must allow, the caller’s first', () => {
  for (const kind of ['normal', 'trust', 'key']) {
    decides([
      ['user', 'across', `identity:allow ${kind}:direct`, 'allow resource'],
      ['user', 'across', `identity:allow ${kind}:account`, 'allow resource'],
      ['user', 'across', `identity:allow ${kind}:everyone`, 'allow resource'],
      ['user', 'across', `identity:allow ${kind}:silent`, 'implicit-deny resource'],
      ['user', 'across', `identity:silent ${kind}:direct`, 'implicit-deny identity'],
      ['user', 'across', `identity:silent ${kind}:silent`, 'implicit-deny identity'],
      ['user', 'across', `identity:allow boundary:silent ${kind}:direct`, 'implicit-deny boundary'],
      ['user', 'across', `identity:allow session:silent ${kind}:direct`, 'implicit-deny session'],
      ['user', 'across', `identity:allow session:empty ${kind}:silent`, 'implicit-deny session'],
      ['session', 'across', `identity:silent ${kind}:role`, 'implicit-deny identity'],
      ['session', 'across', `identity:allow ${kind}:role`, 'allow resource'],
      ['session', 'across', `identity:allow ${kind}:role session:silent`, 'implicit-deny session'],
      ['session', 'across', `identity:allow ${kind}:role boundary:silent`, 'implicit-deny boundary'],
      ['root', 'across', `${kind}:account`, 'allow resource'],
      ['root', 'across', `${kind}:silent`, 'implicit-deny resource'],
    ])
  }
  decides([
    ['user', 'across', 'identity:allow', 'implicit-deny resource'],
    ['user', 'across', 'identity:silent', 'implicit-deny identity'],
    ['root', 'across', 'identity:allow', 'implicit-deny resource'],
  ])
})

test('a grant to the caller is enough, one to its role leaves boundary and session policies their say', () => {
  for (const where of ['same', 'across'] as const) {
    decides([
      ['user', where, 'grant:direct', 'allow grant'],
      ['user', where, 'grant:direct key:silent boundary:silent session:empty', 'allow grant'],
      ['session', where, 'grant:direct key:direct', 'allow grant'],
      ['service', where, 'grant:direct', 'allow grant'],
      ['session', where, 'grant:role key:silent boundary:silent', 'implicit-deny boundary'],
      ['session', where, 'grant:role key:silent session:silent', 'implicit-deny session'],
      ['session', where, 'grant:role identity:deny', 'explicit-deny identity'],
      ['service', where, 'grant:role key:silent', 'implicit-deny resource'],
    ])
  }
  decides([
    ['user', 'same', 'grant:account key:silent', 'implicit-deny identity'],
    ['user', 'same', 'grant:account key:silent identity:allow', 'allow identity'],
    ['user', 'same', 'grant:account key:silent identity:allow boundary:silent', 'implicit-deny boundary'],
    ['session', 'same', 'grant:role key:silent', 'allow identity'],
    ['session', 'same', 'grant:role key:role', 'allow identity'],
    ['session', 'same', 'grant:role key:silent boundary:allow session:allow', 'allow identity'],
    ['session', 'same', 'grant:role key:direct session:silent', 'allow resource'],
    ['session', 'across', 'grant:role key:silent', 'allow resource'],
    ['session', 'across', 'grant:role', 'allow resource'],
  ])
})

test('a root user needs no identity policy', () => {
  decides([
    ['root', 'same', 'identity:silent', 'allow identity'],
    ['root', 'same', 'boundary:silent', 'implicit-deny boundary'],
    ['root', 'same', 'session:silent', 'implicit-deny session'],
    ['root', 'same', 'session:allow', 'allow identity'],
  ])
})

test('a service and a federated caller need a resource policy that names themselves', () => {
  for (const who of ['service', 'federated']) {
    for (const where of ['same', 'across'] as const) {
      for (const kind of ['normal', 'trust', 'key']) {
        decides([
          [who, where, `${kind}:direct`, 'allow resource'],
          [who, where, `${kind}:everyone`, 'allow resource'],
          [who, where, `${kind}:silent`, 'implicit-deny resource'],
          [who, where, `${kind}:account`, 'implicit-deny resource'],
          [who, where, `identity:allow ${kind}:account`, 'implicit-deny resource'],
          [who, where, `${kind}:direct boundary:silent session:empty`, 'allow resource'],
        ])
      }
      decides([[who, where, 'identity:allow', 'implicit-deny resource']])
    }
  }
})

test('a decision names the statements of the layer that decided, all of them', () => {
  const user = PRINCIPALS.user!
  const allow = (Sid: string, Principal?: unknown) => ({
    Sid,
    Effect: 'Allow',
    Action: ACTION,
    Resource: '*',
    ...(Principal !== undefined && { Principal }),
  })
  const deny = (Sid: string, Principal?: unknown) => ({ ...allow(Sid, Principal), Effect: 'Deny' })
  const ask = (layers: Partial<AuthorizationRequest['layers']>, policy?: NamedPolicy) =>
    evaluate({
      principal: user,
      permission: {
        action: ACTION,
        resource: '*',
        resourceAccount: account,
        ...(policy && { resourcePolicy: { kind: 'normal', policy } }),
      },
      context: () => ({}),
      layers: { identity: [], ...layers },
    }).statements
  const two = compile('two', 'identity', allow('A'), { ...allow('Other'), Action: 'a:B' }, allow('C'))
  const three = compile('three', 'identity', allow('D'))
  assert.deepEqual(ask({ identity: [two, three], boundary: three }), [
    { policy: 'two', index: 0, sid: 'A' },
    { policy: 'two', index: 2, sid: 'C' },
    { policy: 'three', index: 0, sid: 'D' },
  ])
  const resource = compile('r', 'resource', allow('ofAccount', { AWS: account }), allow('direct', { AWS: user.arn }))
  assert.deepEqual(ask({ identity: [two] }, resource), [
    { policy: 'r', index: 0, sid: 'ofAccount' },
    { policy: 'r', index: 1, sid: 'direct' },
  ])
  const denies = compile('denies', 'identity', deny('X'), allow('Y'), deny('Z'))
  assert.deepEqual(ask({ identity: [two, denies], boundary: denies }), [
    { policy: 'denies', index: 0, sid: 'X' },
    { policy: 'denies', index: 2, sid: 'Z' },
  ])
  assert.deepEqual(ask({ identity: [two], scp: [[two], [denies], [denies]] }), [
    { policy: 'denies', index: 0, sid: 'X' },
    { policy: 'denies', index: 2, sid: 'Z' },
    { policy: 'denies', index: 0, sid: 'X' },
    { policy: 'denies', index: 2, sid: 'Z' },
  ])
})

test('a Deny of a resource policy applies to whomever its principal element covers, in any way', () => {
  const denies = (who: string, principal: object) => {
    const policy = compile(
      'r',
      'resource',
      { Effect: 'Allow', Principal: '*', Action: ACTION, Resource: '*' },
      { Effect: 'Deny', ...principal, Action: ACTION, Resource: '*' },
    )
    const { reason } = evaluate({
      principal: PRINCIPALS[who]!,
      permission: {
        action: ACTION,
        resource: '*',
        resourceAccount: account,
        resourcePolicy: { kind: 'normal', policy },
      },
      context: () => ({}),
      layers: { identity: [] },
    })
    return reason === 'explicit-deny'
  }
  const { arn } = PRINCIPALS.session!
  const cases: readonly (readonly [string, object, boolean])[] = [
    ['session', { Principal: { AWS: account } }, true],
    ['session', { Principal: { AWS: roleArn } }, true],
    ['session', { Principal: { AWS: arn } }, true],
    ['session', { Principal: { AWS: elsewhere } }, false],
    ['session', { NotPrincipal: { AWS: elsewhere } }, true],
    ['session', { NotPrincipal: { AWS: [account, roleArn] } }, true],
    ['session', { NotPrincipal: { AWS: [account, roleArn, arn] } }, false],
    ['root', { NotPrincipal: { AWS: account } }, false],
    ['user', { NotPrincipal: { AWS: account } }, true],
    ['service', { NotPrincipal: { Service: 'secretsmanager.amazonaws.com' } }, false],
  ]
  for (const [who, principal, expected] of cases)
    assert.equal(denies(who, principal), expected, JSON.stringify(principal))
})

test('a policy of another kind than its layer throws, which is a refusal', () => {
  const grammars: readonly PolicyGrammar[] = ['identity', 'session', 'resource', 'key', 'trust']
  const compiled = Object.fromEntries(
    grammars.map((grammar) => [
      grammar,
      {
        name: grammar,
        policy: compilePolicy(
          JSON.stringify({
            Statement: {
              Effect: 'Allow',
              Action: ACTION,
              ...(grammar !== 'trust' && { Resource: '*' }),
              ...(grammar !== 'identity' && grammar !== 'session' && { Principal: '*' }),
            },
          }),
          grammar,
        ),
      },
    ]),
  ) as { readonly [grammar in PolicyGrammar]: NamedPolicy }
  const ask = (layers: Partial<AuthorizationRequest['layers']>, policy?: ResourcePolicy) =>
    evaluate({
      principal: PRINCIPALS.user!,
      permission: {
        action: ACTION,
        resource: '*',
        resourceAccount: account,
        ...(policy && { resourcePolicy: policy }),
      },
      context: () => ({}),
      layers: { identity: [], ...layers },
    })
  const places: readonly (readonly [readonly PolicyGrammar[], (policy: NamedPolicy) => Decision])[] = [
    [['identity'], (policy) => ask({ identity: [policy] })],
    [['identity'], (policy) => ask({ boundary: policy })],
    [['session', 'identity'], (policy) => ask({ session: [policy] })],
    [['identity'], (policy) => ask({ scp: [[policy]] })],
    [['identity'], (policy) => ask({ rcp: [[policy]] })],
    [['resource'], (policy) => ask({}, { kind: 'normal', policy })],
    [['trust'], (policy) => ask({}, { kind: 'trust', policy })],
    [['key'], (policy) => ask({}, { kind: 'key', policy })],
  ]
  for (const [taken, place] of places) {
    for (const grammar of grammars) {
      if (taken.includes(grammar)) assert.ok(place(compiled[grammar]))
      else
        assert.throws(
          () => place(compiled[grammar]),
          new RegExp(`${grammar} is a policy of the kind ${grammar}, not ${taken[0]}`),
        )
    }
  }
})
