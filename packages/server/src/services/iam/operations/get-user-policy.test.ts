import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, startIam } from '../testing.ts'

test('a document is told as it was put, percent-encoded as RFC 3986 has it', async (t) => {
  const { iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  const PolicyName = 'p'
  const document = `{ "Version": "2012-10-17",\n\t"Statement": {
    "Sid": "", "Effect": "Allow", "Action": "s3:*", "Resource": "arn:aws:s3:::ü!'(~)_*-/%2F+&<>" } }`
  await iam.putUserPolicy({ UserName: 'alice', PolicyName, PolicyDocument: document })
  const { $metadata, ...told } = await iam.getUserPolicy({ UserName: 'ALICE', PolicyName })
  const { PolicyDocument, ...rest } = told
  assert.deepEqual(rest, { UserName: 'alice', PolicyName })
  assert.match(PolicyDocument!, /^[A-Za-z0-9._~%-]+$/)
  assert.equal(decodeURIComponent(PolicyDocument!), document)
})

test('a policy or a user that is not there is not found', async (t) => {
  const { iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice' })
  const noPolicy = noSuchEntity('The user policy with name p cannot be found.')
  await assert.rejects(iam.getUserPolicy({ UserName: 'alice', PolicyName: 'p' }), noPolicy)
  const none = noSuchEntity('The user with name absent cannot be found.')
  await assert.rejects(iam.getUserPolicy({ UserName: 'absent', PolicyName: 'p' }), none)
})
