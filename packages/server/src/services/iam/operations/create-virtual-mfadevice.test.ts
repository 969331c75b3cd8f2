import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inflateSync } from 'node:zlib'
import jsQR from 'jsqr'
import { events } from '../../secretsmanager/testing.ts'
import { noSuchEntity, notAllowed, refusal, startIam } from '../testing.ts'

/** The pixels of a PNG of one bit each without filters, as RGBA. */
function pixelsOf(png: Buffer): { readonly data: Uint8ClampedArray; readonly width: number } {
  assert.equal(png.subarray(1, 4).toString(), 'PNG')
  const width = png.readUInt32BE(16)
  const length = png.readUInt32BE(33)
  const lines = inflateSync(png.subarray(41, 41 + length))
  const data = new Uint8ClampedArray(width * width * 4).fill(255)
  for (let y = 0; y < width; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const byte = lines[y * (1 + Math.ceil(width / 8)) + 1 + (x >> 3)]!
      if ((byte & (0x80 >> (x & 7))) === 0) data.fill(0, (y * width + x) * 4, (y * width + x) * 4 + 3)
    }
  }
  return { data, width }
}

test('the seed is in the answer, as text and as QR code, and in no event and no other answer', async (t) => {
  const { server, account, iam } = await startIam(t)
  const { VirtualMFADevice: device } = await iam.createVirtualMFADevice({
    VirtualMFADeviceName: 'alice@work',
    Path: '/phones/',
    Tags: [{ Key: 'Team', Value: 'blue' }],
  })
  const SerialNumber = `arn:aws:iam::${account}:mfa/phones/alice@work`
  assert.equal(device!.SerialNumber, SerialNumber)
  assert.deepEqual(device!.Tags, [{ Key: 'Team', Value: 'blue' }])
  const seed = Buffer.from(device!.Base32StringSeed!).toString()
  assert.match(seed, /^[A-Z2-7]{32}$/)

  const { data, width } = pixelsOf(Buffer.from(device!.QRCodePNG!))
  const read = jsQR.default(data, width, width)
  assert.equal(read?.data, `otpauth://totp/alice%40work@${account}?secret=${seed}&issuer=Strongroom`)

  const { VirtualMFADevices } = await iam.listVirtualMFADevices({})
  assert.deepEqual(VirtualMFADevices, [{ SerialNumber }])
  const [event] = await events(server, 'CreateVirtualMFADevice')
  const { virtualMFADevice: told } = JSON.parse(JSON.stringify(event?.responseElements))
  assert.deepEqual(Object.keys(told), ['serialNumber', 'tags'])
  assert.ok(!JSON.stringify(event).includes(seed))

  const { VirtualMFADevice: other } = await iam.createVirtualMFADevice({ VirtualMFADeviceName: 'other' })
  assert.notDeepEqual(other!.Base32StringSeed, device!.Base32StringSeed)
})

test('a device has a path and a name that no other of the account has', async (t) => {
  const { account, iam } = await startIam(t)
  const VirtualMFADeviceName = 'phone'
  await iam.createVirtualMFADevice({ VirtualMFADeviceName })
  const taken = refusal('EntityAlreadyExists', 409, 'MFADevice entity at the same path and name already exists.')
  await assert.rejects(iam.createVirtualMFADevice({ VirtualMFADeviceName }), taken)
  await iam.createVirtualMFADevice({ VirtualMFADeviceName, Path: '/other/' })
  await assert.rejects(iam.createVirtualMFADevice({ VirtualMFADeviceName: 'a b' }), { name: 'ValidationError' })
  const long = refusal('InvalidInput', 400, 'The serial number of an MFA device must have at most 256 characters.')
  await assert.rejects(iam.createVirtualMFADevice({ VirtualMFADeviceName: 'n'.repeat(226), Path: '/p/' }), long)
  await iam.createVirtualMFADevice({ VirtualMFADeviceName: 'n'.repeat(226) })

  await iam.deleteVirtualMFADevice({ SerialNumber: `arn:aws:iam::${account}:mfa/phone` })
  const none = noSuchEntity(`VirtualMFADevice with serial number arn:aws:iam::${account}:mfa/phone does not exist.`)
  await assert.rejects(iam.deleteVirtualMFADevice({ SerialNumber: `arn:aws:iam::${account}:mfa/phone` }), none)
})

test('it asks for iam:CreateVirtualMFADevice, with tags for iam:TagMFADevice, on the device to be', async (t) => {
  const { account, clientOf } = await startIam(t)
  const own = `arn:aws:iam::${account}:mfa/\${aws:username}`
  const alice = await clientOf('alice', {
    Effect: 'Allow',
    Action: ['iam:CreateVirtualMFADevice', 'iam:DeleteVirtualMFADevice'],
    Resource: own,
  })
  const user = `arn:aws:iam::${account}:user/alice`
  const [hers, bobs] = [`arn:aws:iam::${account}:mfa/alice`, `arn:aws:iam::${account}:mfa/bob`]
  const create = (VirtualMFADeviceName: string, Tags?: { Key: string; Value: string }[]) =>
    alice.createVirtualMFADevice({ VirtualMFADeviceName, ...(Tags && { Tags }) })
  await assert.rejects(create('bob'), notAllowed(user, 'iam:CreateVirtualMFADevice', bobs))
  await assert.rejects(create('alice', [{ Key: 'a', Value: 'b' }]), notAllowed(user, 'iam:TagMFADevice', hers))
  await create('alice')
  const deleteBobs = alice.deleteVirtualMFADevice({ SerialNumber: bobs })
  await assert.rejects(deleteBobs, notAllowed(user, 'iam:DeleteVirtualMFADevice', bobs))
  await alice.deleteVirtualMFADevice({ SerialNumber: hers })
})
