// CreateVirtualMFADevice makes an MFA device of which there is nothing but a seed, for an authenticator app. The seed, as text and as QR code,
// is in this answer and nowhere else. Until it is enabled the device is nobody's.
// https://docs.aws.amazon.com/IAM/latest/APIReference/API_CreateVirtualMFADevice.html

import { base32 } from '../../../crypto/totp.ts'
import { operation } from '../../../operation.ts'
import { redact } from '../../../shape/redact.ts'
import { optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { createMfaDevice } from '../mfa-devices.ts'
import { mfaDeviceArn } from '../model.ts'
import { otpauthUri, qrCodePng } from '../qr-code.ts'
import { Path, SerialNumber, Tags, VirtualMFADevice, VirtualMFADeviceName } from '../shapes.ts'
import { requestTagContext, shownTags, withTags } from '../tags.ts'
import { newTarget, permissionsOn } from '../target.ts'

const output = { VirtualMFADevice }

export const createVirtualMFADevice = operation({
  name: 'CreateVirtualMFADevice',
  readOnly: false,

  input: { Path: optional(Path), VirtualMFADeviceName, Tags: optional(Tags) },

  output,

  target: async ({ partition, account, input }) =>
    newTarget(account, 'mfa', mfaDeviceArn(partition, account, input.Path ?? '/', input.VirtualMFADeviceName)),

  conditions: ({ Tags }) => requestTagContext(Tags),

  permissions: ({ Tags }, target) =>
    permissionsOn(target, 'iam:CreateVirtualMFADevice', ...(Tags?.length ? ['iam:TagMFADevice'] : [])),

  responseElements: (result) => redact(output, result),

  async run({ app, tx, account, input, target }) {
    const { Path: path = '/', VirtualMFADeviceName: name } = input
    if (target.resource.length > SerialNumber.max!) throw errors.mfaDeviceNameTooLong(SerialNumber.max!)
    const tags = withTags([], input.Tags, 'TagsPerMFADevice')
    const { serialNumber, seed } = await createMfaDevice(app, tx, account, { path, name, tags })
    const text = base32(seed)
    seed.fill(0)
    return {
      VirtualMFADevice: {
        SerialNumber: serialNumber,
        Base32StringSeed: Buffer.from(text),
        QRCodePNG: qrCodePng(otpauthUri(name, account, text)),
        ...(tags.length > 0 && { Tags: shownTags(tags) }),
      },
    }
  },
})
