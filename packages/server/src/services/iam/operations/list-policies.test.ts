import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ListPoliciesCommandInput } from '@aws-sdk/client-iam'
import { managedPolicyNames } from '../managed-policies.ts'
import { notAllowed, policyDocument, startIam, TRUSTS_LAMBDA } from '../testing.ts'

const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })

test('policies are listed by scope, path and use, and by pages', async (t) => {
  const { iam } = await startIam(t)
  const arns: Record<string, string> = {}
  for (const [PolicyName, Path] of [
    ['b', '/'],
    ['a', '/'],
    ['c', '/team/'],
    ['d', '/team/blue/'],
  ] as const) {
    const policy = await iam.createPolicy({
      PolicyName,
      Path,
      PolicyDocument,
      Description: 'd',
      Tags: [{ Key: 'k', Value: '' }],
    })
    arns[PolicyName] = policy.Policy!.Arn!
  }
  await iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument: TRUSTS_LAMBDA, PermissionsBoundary: arns.c! })
  await iam.attachRolePolicy({ RoleName: 'r', PolicyArn: arns.a! })
  await iam.attachRolePolicy({ RoleName: 'r', PolicyArn: 'arn:aws:iam::aws:policy/ReadOnlyAccess' })

  const names = async (input: ListPoliciesCommandInput) => {
    const found: string[] = []
    for (let Marker: string | undefined; ; ) {
      const page = await iam.listPolicies({ ...input, MaxItems: 3, ...(Marker && { Marker }) })
      found.push(...page.Policies!.map(({ PolicyName }) => PolicyName!))
      if (!page.IsTruncated) return found
      Marker = page.Marker
    }
  }
  const ofAws = [...managedPolicyNames].sort().map((name) => name.slice(name.lastIndexOf('/') + 1))
  assert.deepEqual(await names({}), [...ofAws, 'a', 'b', 'd', 'c'])
  assert.deepEqual(await names({ Scope: 'AWS' }), ofAws)
  assert.deepEqual(await names({ Scope: 'Local' }), ['a', 'b', 'd', 'c'])
  assert.deepEqual(await names({ PathPrefix: '/team/' }), ['d', 'c'])
  assert.deepEqual(await names({ OnlyAttached: true }), ['AdministratorAccess', 'ReadOnlyAccess', 'a', 'c'])
  assert.deepEqual(await names({ PolicyUsageFilter: 'PermissionsBoundary' }), ['c'])
  assert.deepEqual(await names({ PolicyUsageFilter: 'PermissionsPolicy', Scope: 'Local' }), ['a'])
  assert.deepEqual(await names({ OnlyAttached: true, PathPrefix: '/team/blue/' }), [])

  const { Policies } = await iam.listPolicies({ Scope: 'Local', OnlyAttached: true })
  assert.deepEqual(
    Policies!.map((policy) => [
      policy.AttachmentCount,
      policy.PermissionsBoundaryUsageCount,
      policy.Description,
      policy.Tags,
    ]),
    [
      [1, 0, undefined, undefined],
      [0, 1, undefined, undefined],
    ],
  )
})

test('who may not list is refused with the path that was asked for', async (t) => {
  const { account, clientOf } = await startIam(t)
  const nobody = await clientOf('nobody', { Effect: 'Allow', Action: 'iam:GetPolicy', Resource: '*' })
  const refused = notAllowed(`arn:aws:iam::${account}:user/nobody`, 'iam:ListPolicies', 'policy path /team/')
  await assert.rejects(nobody.listPolicies({ PathPrefix: '/team/' }), refused)
})
