import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, refusal, startIam, TRUSTS_LAMBDA, trusting } from '../testing.ts'

test('the trust policy is replaced, and checked as that of a new role is', async (t) => {
  const { iam, account } = await startIam(t)
  const RoleName = 'r'
  await iam.createRole({ RoleName, AssumeRolePolicyDocument: TRUSTS_LAMBDA, Description: 'kept' })
  const own = `arn:aws:iam::${account}:role/r`
  // A role may trust itself once it is there.
  const PolicyDocument = trusting({ AWS: own })
  await iam.updateAssumeRolePolicy({ RoleName, PolicyDocument })
  const { Role } = await iam.getRole({ RoleName })
  assert.equal(decodeURIComponent(Role!.AssumeRolePolicyDocument!), PolicyDocument)
  assert.equal(Role!.Description, 'kept')

  const put = (document: string) => iam.updateAssumeRolePolicy({ RoleName, PolicyDocument: document })
  await assert.rejects(
    put(trusting({ AWS: `arn:aws:iam::${account}:user/none` })),
    refusal('MalformedPolicyDocument', 400, `Invalid principal in policy: "AWS":"arn:aws:iam::${account}:user/none"`),
  )
  await assert.rejects(put('[]'), { name: 'MalformedPolicyDocumentException' })
  const white = `${PolicyDocument}${' '.repeat(5_000)}`
  await put(white)
  const none = noSuchEntity('The role with name none cannot be found.')
  await assert.rejects(iam.updateAssumeRolePolicy({ RoleName: 'none', PolicyDocument }), none)
})

test('it asks for iam:UpdateAssumeRolePolicy', async (t) => {
  const { iam, account, clientOf } = await startIam(t)
  await iam.createRole({ RoleName: 'r', AssumeRolePolicyDocument: TRUSTS_LAMBDA })
  const other = await clientOf('other', { Effect: 'Allow', Action: 'iam:UpdateRole', Resource: '*' })
  const refused = notAllowed(`arn:aws:iam::${account}:user/other`, 'iam:UpdateAssumeRolePolicy', 'role r')
  await assert.rejects(other.updateAssumeRolePolicy({ RoleName: 'r', PolicyDocument: TRUSTS_LAMBDA }), refused)
})
