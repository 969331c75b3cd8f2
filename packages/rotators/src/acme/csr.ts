// A certificate request in DER: a key, and the names it is for. https://www.rfc-editor.org/rfc/rfc2986

import { createPublicKey, type KeyObject, sign } from 'node:crypto'

const SEQUENCE = 0x30
const SET = 0x31
const OID = 0x06
const INTEGER = 0x02
const BIT_STRING = 0x03
const OCTET_STRING = 0x04
const NULL = 0x05
const ATTRIBUTES = 0xa0
/** `dNSName` of GeneralName. https://www.rfc-editor.org/rfc/rfc5280#section-4.2.1.6 */
const DNS_NAME = 0x82

const EXTENSION_REQUEST = Buffer.from('2a864886f70d01090e', 'hex')
const SUBJECT_ALT_NAME = Buffer.from('551d11', 'hex')
const RSA_WITH_SHA256 = Buffer.from('2a864886f70d01010b', 'hex')
const ECDSA_WITH_SHA256 = Buffer.from('2a8648ce3d040302', 'hex')
const ECDSA_WITH_SHA384 = Buffer.from('2a8648ce3d040303', 'hex')

function der(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const { length } = content
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff]
  return Buffer.concat([Buffer.of(tag, ...size), content])
}

/**
 * Signed with the key, which is RSA, P-256 or P-384; without a subject, as the names are what counts.
 * @param domains in ASCII, at most 100 or so: what it holds has to be shorter than 64 KiB
 */
export function certificateRequest(privateKey: KeyObject, domains: readonly string[]): Buffer {
  const names = der(SEQUENCE, ...domains.map((domain) => der(DNS_NAME, Buffer.from(domain, 'latin1'))))
  const extensions = der(SEQUENCE, der(SEQUENCE, der(OID, SUBJECT_ALT_NAME), der(OCTET_STRING, names)))
  const info = der(
    SEQUENCE,
    der(INTEGER, Buffer.of(0)),
    der(SEQUENCE),
    createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
    der(ATTRIBUTES, der(SEQUENCE, der(OID, EXTENSION_REQUEST), der(SET, extensions))),
  )
  const isRsa = privateKey.asymmetricKeyType === 'rsa'
  const isLarge = privateKey.asymmetricKeyDetails?.namedCurve === 'secp384r1'
  const algorithm = isRsa
    ? der(SEQUENCE, der(OID, RSA_WITH_SHA256), der(NULL))
    : der(SEQUENCE, der(OID, isLarge ? ECDSA_WITH_SHA384 : ECDSA_WITH_SHA256))
  const signature = sign(isLarge ? 'sha384' : 'sha256', info, privateKey)
  return der(SEQUENCE, info, algorithm, der(BIT_STRING, Buffer.of(0), signature))
}
