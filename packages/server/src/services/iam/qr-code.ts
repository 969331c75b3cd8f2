// The seed of a virtual MFA device as a picture that authenticator apps read: a QR code of an otpauth URI, as PNG.
// https://github.com/google/google-authenticator/wiki/Key-Uri-Format, https://www.w3.org/TR/png-3/

import { crc32, deflateSync } from 'node:zlib'
import { encode } from 'uqr'

export const otpauthUri = (deviceName: string, account: string, base32Seed: string): string =>
  `otpauth://totp/${encodeURIComponent(deviceName)}@${account}?secret=${base32Seed}&issuer=Strongroom`

/** Pixels of a module, and modules of white around the code. */
const SCALE = 4
const BORDER = 4

/** Black on white, one bit a pixel. */
export function qrCodePng(text: string): Uint8Array {
  const { data: modules, size } = encode(text, { ecc: 'M', border: BORDER })
  const pixels = size * SCALE
  const lineBytes = 1 + Math.ceil(pixels / 8)
  const image = Buffer.alloc(lineBytes * pixels)
  for (let y = 0; y < pixels; y += 1) {
    // The first byte of a line says that it is not filtered.
    for (let x = 0; x < pixels; x += 1) {
      const isWhite = !modules[Math.floor(y / SCALE)]![Math.floor(x / SCALE)]
      if (isWhite) image[y * lineBytes + 1 + (x >> 3)]! |= 0x80 >> (x & 7)
    }
  }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(pixels, 0)
  header.writeUInt32BE(pixels, 4)
  header[8] = 1 // bits a pixel; the rest is 0: greyscale, deflate, not interlaced
  // Not compressed: the length of what is would tell something of the seed.
  const data = deflateSync(image, { level: 0 })
  const png = [SIGNATURE, chunk('IHDR', header), chunk('IDAT', data), chunk('IEND', Buffer.alloc(0))]
  image.fill(0)
  return Buffer.concat(png)
}

const SIGNATURE = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])

function chunk(type: string, data: Uint8Array): Buffer {
  const named = Buffer.concat([Buffer.from(type), data])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  check.writeUInt32BE(crc32(named))
  return Buffer.concat([length, named, check])
}
