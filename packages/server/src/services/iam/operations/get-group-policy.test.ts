import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, startIam } from '../testing.ts'

test('a document is told as it was put, percent-encoded as RFC 3986 has it', async (t) => {
  const { iam } = await startIam(t)
  await iam.createGroup({ GroupName: 'team' })
  const PolicyName = 'p'
  const document = `{ "Version": "2012-10-17",\n\t"Statement": {
    "Sid": "", "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::ü!'(~)_*-/%2F+&<>" } }`
  await iam.putGroupPolicy({ GroupName: 'team', PolicyName, PolicyDocument: document })
  const { $metadata, ...told } = await iam.getGroupPolicy({ GroupName: 'TEAM', PolicyName })
  const { PolicyDocument, ...rest } = told
  assert.deepEqual(rest, { GroupName: 'team', PolicyName })
  assert.match(PolicyDocument!, /^[A-Za-z0-9._~%-]+$/)
  assert.equal(decodeURIComponent(PolicyDocument!), document)
})

test('a policy or a group that is not there is not found', async (t) => {
  const { iam } = await startIam(t)
  await iam.createGroup({ GroupName: 'team' })
  const noPolicy = noSuchEntity('The group policy with name p cannot be found.')
  await assert.rejects(iam.getGroupPolicy({ GroupName: 'team', PolicyName: 'p' }), noPolicy)
  const none = noSuchEntity('The group with name absent cannot be found.')
  await assert.rejects(iam.getGroupPolicy({ GroupName: 'absent', PolicyName: 'p' }), none)
})
