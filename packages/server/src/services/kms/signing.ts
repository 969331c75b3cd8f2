// What Sign and Verify take: the algorithm of the key's spec, the message type of the algorithm, and the length of that.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_Sign.html

import {
  digestBytesOf,
  type MessageType,
  messageTypesOf,
  type SigningAlgorithm,
  signingAlgorithmsOf,
} from '../../crypto/kms/spec.ts'
import { invalidRequest, wrongAlgorithm } from './errors.ts'
import type { KmsKey } from './model.ts'

/** @throws ServiceError InvalidKeyUsageException, ValidationException */
export function mustFitMessage(
  { keySpec }: KmsKey,
  algorithm: SigningAlgorithm,
  type: MessageType,
  message: Uint8Array,
): void {
  if (!signingAlgorithmsOf(keySpec).includes(algorithm)) throw wrongAlgorithm(algorithm, keySpec)
  if (!messageTypesOf(algorithm).includes(type))
    throw invalidRequest(`Message type ${type} is not supported by algorithm ${algorithm}.`)
  if (type !== 'RAW' && message.length !== digestBytesOf(algorithm))
    throw invalidRequest(`Digest is invalid length for algorithm ${algorithm}.`)
}
