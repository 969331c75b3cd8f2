// The life of a device with its user: 'EnableMFADevice', 'ResyncMFADevice', 'DeactivateMFADevice', 'DeleteVirtualMFADevice', and what 'GetMFADevice'
// and 'ListMFADevices' tell of it.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { events } from '../../secretsmanager/testing.ts'
import { noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'
import { enabledAuthenticator, newAuthenticator } from '../testing-mfa.ts'

const badCode = refusal('InvalidAuthenticationCode', 403, 'Authentication code for device is not valid.')
const notHers = noSuchEntity('MFA Device invalid for user.')

test('a device is enabled by two codes in a row, told of, taken away and deleted', async (t) => {
  const { server, account, iam } = await startIam(t)
  const UserName = 'Alice'
  await iam.createUser({ UserName })
  const device = await newAuthenticator(iam, 'phone')
  const SerialNumber = device.serialNumber
  const [one, two] = [device.code(-1), device.code()]
  for (const [AuthenticationCode1, AuthenticationCode2] of [
    [two, one],
    [one, one],
    ['000000', two],
  ] as const) {
    const enable = iam.enableMFADevice({ UserName, SerialNumber, AuthenticationCode1, AuthenticationCode2 })
    await assert.rejects(enable, badCode)
  }
  assert.deepEqual((await iam.listMFADevices({ UserName })).MFADevices, [])
  await iam.enableMFADevice({ UserName: 'alice', SerialNumber, AuthenticationCode1: one, AuthenticationCode2: two })
  const again = iam.enableMFADevice({ UserName, SerialNumber, AuthenticationCode1: one, AuthenticationCode2: two })
  await assert.rejects(again, refusal('EntityAlreadyExists', 409, 'MFA Device is already in use.'))

  const { MFADevices } = await iam.listMFADevices({ UserName })
  assert.deepEqual(
    MFADevices!.map(({ EnableDate, ...shown }) => [shown, EnableDate instanceof Date]),
    [[{ UserName, SerialNumber }, true]],
  )
  const { $metadata: _, ...told } = await iam.getMFADevice({ UserName, SerialNumber })
  assert.deepEqual(told, { UserName, SerialNumber, EnableDate: MFADevices![0]!.EnableDate })

  const resync = iam.resyncMFADevice({ UserName, SerialNumber, AuthenticationCode1: one, AuthenticationCode2: two })
  await assert.rejects(resync, badCode, 'codes that were used')
  await iam.resyncMFADevice({
    UserName,
    SerialNumber,
    AuthenticationCode1: device.code(8),
    AuthenticationCode2: device.code(9),
  })

  await assert.rejects(
    iam.deleteVirtualMFADevice({ SerialNumber }),
    refusal('DeleteConflict', 409, 'MFA VirtualDevice in use. Must deactivate first.'),
  )
  await assert.rejects(
    iam.deleteUser({ UserName }),
    refusal('DeleteConflict', 409, 'Cannot delete entity, must delete MFA device first.'),
  )
  await iam.deactivateMFADevice({ UserName, SerialNumber })
  await assert.rejects(iam.deactivateMFADevice({ UserName, SerialNumber }), notHers)
  await assert.rejects(iam.getMFADevice({ UserName, SerialNumber }), notHers)
  await assert.rejects(iam.resyncMFADevice({ UserName, SerialNumber, ...device.lastTwo() }), notHers)
  await iam.deleteVirtualMFADevice({ SerialNumber })
  const none = noSuchEntity(`VirtualMFADevice with serial number ${SerialNumber} does not exist.`)
  await assert.rejects(iam.enableMFADevice({ UserName, SerialNumber, ...device.lastTwo() }), none)
  await iam.deleteUser({ UserName })
  await assert.rejects(iam.listMFADevices({ UserName }), noSuchEntity('The user with name Alice cannot be found.'))

  const told2 = await events(server, 'EnableMFADevice')
  assert.equal(told2.length, 6)
  for (const event of told2) {
    assert.deepEqual(Object.keys(JSON.parse(JSON.stringify(event.requestParameters))), ['userName', 'serialNumber'])
  }
  assert.equal(account, SerialNumber.split(':')[4])
})

test('without a name they are about whose request it is; a root user has no device and no other call', async (t) => {
  const { iam, clientOf } = await startIam(t)
  const alice = await clientOf('alice', { Effect: 'Allow', Action: 'iam:*', Resource: '*' })
  const { serialNumber: SerialNumber } = await enabledAuthenticator(iam, 'alice')
  assert.equal((await alice.listMFADevices({})).MFADevices!.length, 1)
  assert.equal((await alice.getMFADevice({ SerialNumber })).UserName, 'alice')
  await alice.deactivateMFADevice({ SerialNumber })
  assert.deepEqual((await alice.listMFADevices({})).MFADevices, [])
})

test('they ask on the user, and a device of another user is not found', async (t) => {
  const { account, iam, clientOf } = await startIam(t)
  const own = { Effect: 'Allow', Action: 'iam:*MFADevice*', Resource: `arn:aws:iam::${account}:user/\${aws:username}` }
  const alice = await clientOf('alice', own)
  await iam.createUser({ UserName: 'bob' })
  const bobs = await enabledAuthenticator(iam, 'bob')
  const SerialNumber = bobs.serialNumber
  const user = `arn:aws:iam::${account}:user/alice`
  for (const [action, call] of [
    ['EnableMFADevice', () => alice.enableMFADevice({ UserName: 'bob', SerialNumber, ...bobs.lastTwo() })],
    ['ResyncMFADevice', () => alice.resyncMFADevice({ UserName: 'bob', SerialNumber, ...bobs.lastTwo() })],
    ['DeactivateMFADevice', () => alice.deactivateMFADevice({ UserName: 'bob', SerialNumber })],
    ['GetMFADevice', () => alice.getMFADevice({ UserName: 'bob', SerialNumber })],
    ['ListMFADevices', () => alice.listMFADevices({ UserName: 'bob' })],
  ] as const) {
    await assert.rejects(call(), notAllowed(user, `iam:${action}`, 'user bob'))
  }
  await assert.rejects(alice.deactivateMFADevice({ SerialNumber }), notHers)
  await assert.rejects(alice.getMFADevice({ SerialNumber }), notHers)
})
