// The trial of a rotation: a version of its own, for which only testSecret is called, and which is gone when that has ended.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html#SecretsManager-RotateSecret-request-RotateImmediately

import type { Call } from '../../../call.ts'
import { findVersion, type Secret, selectVersion } from '../model.ts'
import type { StoredSecret } from '../store.ts'
import { openVersion, storeValue } from '../value.ts'
import { beginRotation } from './begin.ts'
import type { SecretRotation } from './model.ts'

type Rotating = Secret & { readonly rotation: SecretRotation }

/**
 * The secret with a trial under way, for the caller to store. Its version has the value of the current one, as the caller reads and writes it.
 * @throws as beginRotation; AccessDeniedException, DecryptionFailure, EncryptionFailure of KMS
 */
export async function beginTrial(call: Call, stored: StoredSecret, secret: Rotating, id: string): Promise<Secret> {
  const begun = await beginRotation(call, stored, secret, { kind: 'test', versionId: id })
  const version = findVersion(begun, id)!
  if (version.value !== undefined) return begun
  const plain = await openVersion(call, secret, selectVersion(secret, undefined, undefined))
  const value = await storeValue(call, secret, id, plain)
  plain.bytes.fill(0)
  return { ...begun, versions: begun.versions.map((other) => (other === version ? { ...version, value } : other)) }
}
