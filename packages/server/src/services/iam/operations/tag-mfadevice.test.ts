// 'TagMFADevice', 'UntagMFADevice' and 'ListMFADeviceTags': tags come on and off, and policies see them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { noSuchEntity, notAllowed, startIam } from '../testing.ts'
import { newAuthenticator } from '../testing-mfa.ts'

test('tags come on and off, and conditions see those of the device', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const { serialNumber: SerialNumber } = await newAuthenticator(iam, 'phone')
  await iam.tagMFADevice({ SerialNumber, Tags: [{ Key: 'Team', Value: 'blue' }] })
  const tagger = await clientOf('tagger', {
    Effect: 'Allow',
    Action: ['iam:TagMFADevice', 'iam:UntagMFADevice', 'iam:ListMFADeviceTags'],
    Resource: SerialNumber,
    Condition: { StringEquals: { 'aws:ResourceTag/Team': 'blue' } },
  })
  await tagger.tagMFADevice({ SerialNumber, Tags: [{ Key: 'A', Value: '1' }] })
  await tagger.tagMFADevice({ SerialNumber, Tags: [{ Key: 'a', Value: '2' }] })
  const page = await tagger.listMFADeviceTags({ SerialNumber, MaxItems: 1 })
  assert.deepEqual([page.Tags, page.IsTruncated], [[{ Key: 'Team', Value: 'blue' }], true])
  const rest = await tagger.listMFADeviceTags({ SerialNumber, Marker: page.Marker! })
  assert.deepEqual(rest.Tags, [{ Key: 'a', Value: '2' }])
  await tagger.untagMFADevice({ SerialNumber, TagKeys: ['A', 'Team', 'absent'] })
  assert.deepEqual((await iam.listMFADeviceTags({ SerialNumber })).Tags, [])
  const user = `arn:aws:iam::${account}:user/tagger`
  const refused = notAllowed(user, 'iam:ListMFADeviceTags', SerialNumber)
  await assert.rejects(tagger.listMFADeviceTags({ SerialNumber }), refused)

  const absent = `${SerialNumber}s`
  const none = noSuchEntity(`VirtualMFADevice with serial number ${absent} does not exist.`)
  await assert.rejects(iam.tagMFADevice({ SerialNumber: absent, Tags: [] }), none)
  await assert.rejects(iam.untagMFADevice({ SerialNumber: absent, TagKeys: [] }), none)
  await assert.rejects(iam.listMFADeviceTags({ SerialNumber: absent }), none)
})
