import assert from 'node:assert/strict'
import { test } from 'node:test'
import { notAllowed, startIam } from '../testing.ts'
import { enabledAuthenticator, newAuthenticator } from '../testing-mfa.ts'

test('it lists devices with their users, those that are enabled, the others, or all, in pages', async (t) => {
  const { account, iam } = await startIam(t)
  await iam.createUser({ UserName: 'alice', Tags: [{ Key: 'a', Value: 'b' }] })
  const { serialNumber: assigned } = await enabledAuthenticator(iam, 'alice', 'b')
  for (const name of ['a', 'c']) await newAuthenticator(iam, name)
  const arn = (name: string) => `arn:aws:iam::${account}:mfa/${name}`

  const { VirtualMFADevices: used } = await iam.listVirtualMFADevices({ AssignmentStatus: 'Assigned' })
  const [{ User, EnableDate, ...device }, ...more] = used! as [NonNullable<typeof used>[0]]
  assert.deepEqual([device, more], [{ SerialNumber: assigned }, []])
  assert.equal(User!.UserName, 'alice')
  assert.equal(User!.Tags, undefined)
  assert.ok(EnableDate instanceof Date)

  const { VirtualMFADevices: unused } = await iam.listVirtualMFADevices({ AssignmentStatus: 'Unassigned' })
  assert.deepEqual(unused, [{ SerialNumber: arn('a') }, { SerialNumber: arn('c') }])

  const first = await iam.listVirtualMFADevices({ MaxItems: 2 })
  assert.deepEqual(
    first.VirtualMFADevices!.map(({ SerialNumber }) => SerialNumber),
    [arn('a'), arn('b')],
  )
  assert.equal(first.IsTruncated, true)
  const second = await iam.listVirtualMFADevices({ MaxItems: 2, Marker: first.Marker! })
  assert.deepEqual(second.VirtualMFADevices, [{ SerialNumber: arn('c') }])
  assert.equal(second.IsTruncated, false)
})

test('it asks for iam:ListVirtualMFADevices', async (t) => {
  const { account, clientOf } = await startIam(t)
  const alice = await clientOf('alice')
  const refused = notAllowed(`arn:aws:iam::${account}:user/alice`, 'iam:ListVirtualMFADevices', '*')
  await assert.rejects(alice.listVirtualMFADevices({}), refused)
})
