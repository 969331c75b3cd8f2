// What policies see of the KMS key that a call names.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html#security-encryption-authz

import type { Context } from '../../policy/engine.ts'

const isKeyArn = (id: string): boolean => id.startsWith('arn:') && id.includes(':key/')

/** Condition keys that a KmsKeyId gives. */
export const keyContext = (kmsKeyId: string | undefined): Context => ({
  'secretsmanager:KmsKeyId': kmsKeyId,
  'secretsmanager:KmsKeyArn': kmsKeyId !== undefined && isKeyArn(kmsKeyId) ? kmsKeyId : undefined,
})
