// Secrets Manager: its operations, alphabetical. What the API has beyond them answers UnknownOperationException; README.md lists it.

import type { Service } from '../../operation.ts'
import { copySecret } from './copy.ts'
import { batchGetSecretValue } from './operations/batch-get-secret-value.ts'
import { cancelRotateSecret } from './operations/cancel-rotate-secret.ts'
import { createSecret } from './operations/create-secret.ts'
import { deleteResourcePolicy } from './operations/delete-resource-policy.ts'
import { deleteSecret } from './operations/delete-secret.ts'
import { describeSecret } from './operations/describe-secret.ts'
import { getRandomPassword } from './operations/get-random-password.ts'
import { getResourcePolicy } from './operations/get-resource-policy.ts'
import { getSecretValue } from './operations/get-secret-value.ts'
import { listSecretVersionIds } from './operations/list-secret-version-ids.ts'
import { listSecrets } from './operations/list-secrets.ts'
import { putResourcePolicy } from './operations/put-resource-policy.ts'
import { putSecretValue } from './operations/put-secret-value.ts'
import { removeRegionsFromReplication } from './operations/remove-regions-from-replication.ts'
import { replicateSecretToRegions } from './operations/replicate-secret-to-regions.ts'
import { restoreSecret } from './operations/restore-secret.ts'
import { rotateSecret } from './operations/rotate-secret.ts'
import { stopReplicationToReplica } from './operations/stop-replication-to-replica.ts'
import { tagResource } from './operations/tag-resource.ts'
import { untagResource } from './operations/untag-resource.ts'
import { updateSecret } from './operations/update-secret.ts'
import { updateSecretVersionStage } from './operations/update-secret-version-stage.ts'
import { validateResourcePolicy } from './operations/validate-resource-policy.ts'
import { PURGE_SECRET, purgeSecret } from './purge.ts'
import { rates } from './rates.ts'
import { COPY_SECRET, SEND_COPY, SEND_REMOVAL } from './replication.ts'
import { ROTATION_STEP, START_ROTATION } from './rotation/jobs.ts'
import { startRotation } from './rotation/start.ts'
import { rotationStep } from './rotation/steps.ts'
import { sendCopy, sendRemoval } from './wire.ts'

export const secretsmanager: Service = {
  name: 'secretsmanager',
  protocol: 'json',
  targetPrefixes: ['secretsmanager'],
  // A value of 64 KiB has up to 384 KiB where JSON escapes every character.
  bodyBytesMax: 512 * 1024,
  faultCode: 'InternalServiceError',
  operations: [
    batchGetSecretValue,
    cancelRotateSecret,
    createSecret,
    deleteResourcePolicy,
    deleteSecret,
    describeSecret,
    getRandomPassword,
    getResourcePolicy,
    getSecretValue,
    listSecretVersionIds,
    listSecrets,
    putResourcePolicy,
    putSecretValue,
    removeRegionsFromReplication,
    replicateSecretToRegions,
    restoreSecret,
    rotateSecret,
    stopReplicationToReplica,
    tagResource,
    untagResource,
    updateSecret,
    updateSecretVersionStage,
    validateResourcePolicy,
  ],
  rates,
  jobs: {
    [COPY_SECRET]: copySecret,
    [PURGE_SECRET]: purgeSecret,
    [ROTATION_STEP]: rotationStep,
    [START_ROTATION]: startRotation,
    [SEND_COPY]: sendCopy,
    [SEND_REMOVAL]: sendRemoval,
  },
}
