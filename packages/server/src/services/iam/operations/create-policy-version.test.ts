import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, policyDocument, refusal, startIam } from '../testing.ts'

const allow = (Action: string) => policyDocument({ Effect: 'Allow', Action, Resource: '*' })

test('the default version is what is in effect, at the very next request', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const PolicyArn = (await iam.createPolicy({ PolicyName: 'p', PolicyDocument: allow('iam:GetUser') })).Policy!.Arn!
  const user = await clientOf('u', { Effect: 'Allow', Action: 'iam:ListUsers', Resource: '*' })
  await iam.attachUserPolicy({ UserName: 'u', PolicyArn })
  const may = async () => {
    const tries = [user.getUser({}), user.listRoles({})].map((one) =>
      one.then(
        () => true,
        () => false,
      ),
    )
    return Promise.all(tries)
  }
  assert.deepEqual(await may(), [true, false])
  const { PolicyVersion } = await iam.createPolicyVersion({ PolicyArn, PolicyDocument: allow('iam:ListRoles') })
  const { CreateDate } = PolicyVersion!
  assert.deepEqual(PolicyVersion, { VersionId: 'v2', IsDefaultVersion: false, CreateDate })
  assert.deepEqual(await may(), [true, false])
  await iam.setDefaultPolicyVersion({ PolicyArn, VersionId: 'v2' })
  assert.deepEqual(await may(), [false, true])
  const PolicyDocument = allow('iam:Get*')
  const third = await iam.createPolicyVersion({ PolicyArn, PolicyDocument, SetAsDefault: true })
  assert.deepEqual([third.PolicyVersion!.VersionId, third.PolicyVersion!.IsDefaultVersion], ['v3', true])
  assert.deepEqual(await may(), [true, false])
})

test('a policy has five versions at most, and no number is used twice', async (t) => {
  const { server, iam, account } = await startIam(t)
  const PolicyDocument = allow('s3:*')
  const { Policy } = await iam.createPolicy({ PolicyName: 'p', PolicyDocument })
  const PolicyArn = Policy!.Arn!
  const create = (document = PolicyDocument) => iam.createPolicyVersion({ PolicyArn, PolicyDocument: document })
  server.clock.advance(60_000)
  for (const version of ['v2', 'v3', 'v4', 'v5']) assert.equal((await create()).PolicyVersion!.VersionId, version)
  await assert.rejects(
    create(),
    refusal(
      'LimitExceeded',
      409,
      'A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.',
    ),
  )
  await iam.deletePolicyVersion({ PolicyArn, VersionId: 'v5' })
  const { PolicyVersion } = await create()
  assert.equal(PolicyVersion!.VersionId, 'v6')
  const { Policy: after } = await iam.getPolicy({ PolicyArn })
  assert.deepEqual(after!.UpdateDate, PolicyVersion!.CreateDate)
  assert.deepEqual([after!.CreateDate, after!.DefaultVersionId], [Policy!.CreateDate, 'v1'])

  await iam.deletePolicyVersion({ PolicyArn, VersionId: 'v6' })
  await assert.rejects(create('{'), refusal('MalformedPolicyDocument', 400, 'Syntax errors in policy.'))
  await assert.rejects(create(allow('x:'.padEnd(6_200, 'x'))), { name: 'LimitExceededException' })
  const missing = `arn:aws:iam::${account}:policy/none`
  await assert.rejects(
    iam.createPolicyVersion({ PolicyArn: missing, PolicyDocument }),
    noSuchEntity(`Policy ${missing} does not exist or is not attachable.`),
  )
})
