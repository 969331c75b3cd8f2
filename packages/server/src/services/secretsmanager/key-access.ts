// What policies see of the KMS key that a call names, and whether the caller may encrypt under it.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html#security-encryption-authz

import type { Call } from '../../call.ts'
import { ServiceError } from '../../errors.ts'
import type { Context } from '../../policy/engine.ts'

const isKeyArn = (id: string): boolean => id.startsWith('arn:') && id.includes(':key/')

/** Condition keys that a KmsKeyId gives. */
export const keyContext = (kmsKeyId: string | undefined): Context => ({
  'secretsmanager:KmsKeyId': kmsKeyId,
  'secretsmanager:KmsKeyArn': kmsKeyId !== undefined && isKeyArn(kmsKeyId) ? kmsKeyId : undefined,
})

/** Whether the caller has kms:Encrypt on a customer key, without which existing versions are not encrypted anew. */
export function mayEncrypt(call: Call, keyArn: string): boolean {
  try {
    call.authorize({
      action: 'kms:Encrypt',
      resource: keyArn,
      resourceAccount: keyArn.split(':')[4]!,
      context: { 'kms:CallerAccount': call.account, 'kms:ViaService': `secretsmanager.${call.region}.amazonaws.com` },
    })
    return true
  } catch (error) {
    if (error instanceof ServiceError && error.code === 'AccessDeniedException') return false
    throw error
  }
}
