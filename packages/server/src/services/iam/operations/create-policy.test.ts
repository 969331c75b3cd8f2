import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notAllowed, policyDocument, refusal, startIam, TRUSTS_LAMBDA } from '../testing.ts'

const PolicyDocument = policyDocument({ Effect: 'Allow', Action: 's3:*', Resource: '*' })

test('a policy is made in its first version', async (t) => {
  const { iam, account } = await startIam(t)
  const Tags = [
    { Key: 'Team', Value: 'blue' },
    { Key: 'team', Value: 'red' },
  ]
  const { Policy } = await iam.createPolicy({ PolicyName: 'P', Path: '/team/', PolicyDocument, Description: 'ß', Tags })
  assert.match(Policy!.PolicyId!, /^ANPA[A-Z2-7]{17}$/)
  assert.ok(Math.abs(Policy!.CreateDate!.getTime() - Date.now()) < 60_000)
  assert.deepEqual(Policy, {
    PolicyName: 'P',
    PolicyId: Policy!.PolicyId,
    Arn: `arn:aws:iam::${account}:policy/team/P`,
    Path: '/team/',
    DefaultVersionId: 'v1',
    AttachmentCount: 0,
    PermissionsBoundaryUsageCount: 0,
    IsAttachable: true,
    Description: 'ß',
    CreateDate: Policy!.CreateDate,
    UpdateDate: Policy!.CreateDate,
    Tags,
  })
  assert.deepEqual((await iam.getPolicy({ PolicyArn: Policy!.Arn })).Policy, Policy)
})

test('what IAM refuses is refused in its codes and words', async (t) => {
  const { iam } = await startIam(t)
  await iam.createPolicy({ PolicyName: 'taken', Path: '/team/', PolicyDocument })
  const create = (PolicyName: string, document: string) => iam.createPolicy({ PolicyName, PolicyDocument: document })
  await assert.rejects(
    create('Taken', PolicyDocument),
    refusal('EntityAlreadyExists', 409, 'A policy called Taken already exists. Duplicate names are not allowed.'),
  )
  await assert.rejects(create('p', TRUSTS_LAMBDA), (error: Error) =>
    error.message.startsWith('Policy document should not specify a principal.'),
  )
  await assert.rejects(create('p', '{}'), { name: 'MalformedPolicyDocumentException' })
  const long = (Sid: string) => policyDocument({ Sid, Effect: 'Allow', Action: 's3:*', Resource: '*' })
  const room = 6_144 - long('').length
  await create('long', `${long('x'.repeat(room))}${' '.repeat(6_000)}`)
  await assert.rejects(
    create('longer', long('x'.repeat(room + 1))),
    refusal('LimitExceeded', 409, 'Cannot exceed quota for PolicySize: 6144'),
  )
  for (const Path of ['team', '/te*m/', '/te am/']) {
    await assert.rejects(iam.createPolicy({ PolicyName: 'p', Path, PolicyDocument }), { name: 'ValidationError' })
  }
  const Tags = [
    { Key: 'a', Value: '' },
    { Key: 'a', Value: '' },
  ]
  await assert.rejects(iam.createPolicy({ PolicyName: 'p', PolicyDocument, Tags }), { name: 'InvalidInputException' })
})

test('it asks for iam:CreatePolicy on the policy to be, and for iam:TagPolicy where there are tags', async (t) => {
  const { account, clientOf } = await startIam(t)
  const arn = (rest: string) => `arn:aws:iam::${account}:${rest}`
  const creator = await clientOf('creator', { Effect: 'Allow', Action: 'iam:CreatePolicy', Resource: arn('policy/a*') })
  const refused = (action: string, shown: string) => notAllowed(arn('user/creator'), action, shown)
  await creator.createPolicy({ PolicyName: 'a', PolicyDocument })
  await assert.rejects(
    creator.createPolicy({ PolicyName: 'b', PolicyDocument }),
    refused('iam:CreatePolicy', arn('policy/b')),
  )
  const Tags = [{ Key: 'k', Value: '' }]
  await assert.rejects(
    creator.createPolicy({ PolicyName: 'a2', PolicyDocument, Tags }),
    refused('iam:TagPolicy', arn('policy/a2')),
  )
})
