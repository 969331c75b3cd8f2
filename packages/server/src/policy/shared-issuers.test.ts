import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePolicy } from './compile.ts'
import { findOpenIssuer } from './shared-issuers.ts'

const provider = (issuer: string) => `arn:aws:iam::111122223333:oidc-provider/${issuer}`
const GITHUB = 'token.actions.githubusercontent.com'
const allow = { Effect: 'Allow', Principal: { Federated: provider(GITHUB) }, Action: 'sts:AssumeRoleWithWebIdentity' }
const find = (...Statement: readonly object[]) =>
  findOpenIssuer(compilePolicy(JSON.stringify({ Version: '2012-10-17', Statement }), 'trust'))?.issuer

test('a shared issuer is open unless one of its claims is asked for', () => {
  const sub = `${GITHUB}:sub`
  const repository = 'repo:example/app:*'
  const open: readonly object[] = [
    {},
    { Action: 'sts:*' },
    { Action: ['sts:TagSession', 'sts:AssumeRoleWithWebIdentity'] },
    { Principal: { Federated: [provider('idp.example.com'), provider(GITHUB)] } },
    { Condition: { StringEquals: { [`${GITHUB}:aud`]: 'sts.amazonaws.com' } } },
    { Condition: { StringEquals: { [`${GITHUB}:repository`]: 'example/app' } } },
    { Condition: { StringEquals: { 'gitlab.com:sub': 'project_path:example/app' } } },
    { Condition: { StringLike: { [sub]: '*' } } },
    { Condition: { StringLike: { [sub]: '??*' } } },
    { Condition: { StringLike: { [sub]: [repository, '*'] } } },
    { Condition: { StringLike: { [sub]: `\${${sub}}` } } },
    { Condition: { StringNotLike: { [sub]: repository } } },
    { Condition: { StringLikeIfExists: { [sub]: repository } } },
    { Condition: { 'ForAllValues:StringLike': { [sub]: repository } } },
    { Condition: { Null: { [sub]: 'false' } } },
  ]
  for (const changes of open) assert.equal(find({ ...allow, ...changes }), GITHUB, JSON.stringify(changes))

  const narrow: readonly object[] = [
    { Condition: { StringLike: { [sub]: repository } } },
    { Condition: { StringEquals: { [sub.toUpperCase()]: ['repo:example/app:ref:refs/heads/main'] } } },
    { Condition: { 'ForAnyValue:StringEqualsIgnoreCase': { [sub]: repository } } },
    { Condition: { StringLike: { [`${GITHUB}:job_workflow_ref`]: 'example/app/.github/workflows/*' } } },
    { Action: 'sts:TagSession' },
    { Principal: { Federated: provider(`${GITHUB}/example`) } },
    { Principal: { Federated: provider('gitlab.example.com') } },
    { Principal: { Service: 'pods.eks.amazonaws.com' } },
    { Effect: 'Deny' },
  ]
  for (const changes of narrow) assert.equal(find({ ...allow, ...changes }), undefined, JSON.stringify(changes))
})

test('every Allow must ask, and what tells tenants apart is not sub everywhere', () => {
  const narrow = { ...allow, Condition: { StringLike: { [`${GITHUB}:sub`]: 'repo:example/app:*' } } }
  assert.equal(find(narrow, allow), GITHUB)
  const of = (issuer: string, Condition: object) =>
    find({ ...allow, Principal: { Federated: provider(issuer) }, Condition })
  assert.equal(of('gitlab.com', { StringEquals: { 'gitlab.com:aud': 'x' } }), 'gitlab.com')
  assert.equal(of('oidc.vercel.com', { StringEquals: { 'oidc.vercel.com:aud': 'https://vercel.com/x' } }), undefined)
  const sentinel = 'sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d'
  assert.equal(of(sentinel, { StringEquals: { [`${sentinel}:sub`]: 'x' } }), sentinel)
  assert.equal(of(sentinel, { StringEquals: { 'sts:RoleSessionName': 'MicrosoftSentinel_x' } }), undefined)
  const cognito = { ...allow, Principal: { Federated: 'cognito-identity.amazonaws.com' } }
  assert.equal(find(cognito), 'cognito-identity.amazonaws.com')
})
