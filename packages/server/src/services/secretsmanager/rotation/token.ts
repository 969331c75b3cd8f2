// The RotationToken of a run: made of a key of the keyring and of what it stands for, so that it is stored nowhere and every server knows it.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_PutSecretValue.html#SecretsManager-PutSecretValue-request-RotationToken

import type { KeyObject } from 'node:crypto'
import type { Call } from '../../../call.ts'
import { lengthPrefixed } from '../../../crypto/length-prefix.ts'
import { hmacSha256, sameBytes } from '../../../crypto/mac.ts'
import type { Keyring } from '../../../seal/keyring.ts'
import * as errors from '../errors.ts'
import type { StoredSecret } from '../store.ts'
import type { Rotation } from './model.ts'
import { findRotation } from './store.ts'

const PURPOSE = 'rotation-token'

type Of = Pick<Rotation, 'secretArn' | 'id' | 'attempt' | 'tokenKeyVersion'>

/** The version of the key that the token of a new attempt is made with. */
export const newTokenKeyVersion = (keyring: Keyring): number => keyring.newestKey('token', PURPOSE).version

/** In the form of a UUID; undefined where the keyring has that key no more. */
export function rotationToken(keyring: Keyring, of: Of): string | undefined {
  const key = keyring.findKey('token', PURPOSE, of.tokenKeyVersion)
  return key && textOf(key, of)
}

/** In constant time. */
export function isRotationToken(keyring: Keyring, of: Of, given: string): boolean {
  const token = rotationToken(keyring, of)
  return token !== undefined && sameBytes(Buffer.from(token), Buffer.from(given))
}

/**
 * Whether a value for a version may come from this caller. The token is looked at only for the version that a rotation waits for; a caller of
 * another account must give it, and whoever gives one must give the right one. At other times AWS takes no notice of it.
 * @throws InvalidParameterException
 */
export async function checkRotationToken(
  call: Call,
  { account, secret }: StoredSecret,
  versionId: string,
  given: string | undefined,
): Promise<void> {
  const running = secret.rotation?.running
  if (running?.versionId !== versionId) return
  if (given === undefined) {
    if (call.account !== account) throw errors.rotationTokenMissing()
    return
  }
  const journal = await findRotation(call, secret.arn, running.id)
  if (journal === undefined || !isRotationToken(call.app.keyring, journal.rotation, given)) {
    throw errors.rotationTokenInvalid()
  }
}

function textOf(key: KeyObject, { secretArn, id, attempt }: Of): string {
  const hex = hmacSha256(key, lengthPrefixed([secretArn, id, `${attempt}`])).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-')
}
