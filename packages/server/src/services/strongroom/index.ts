// Our own signed routes under /_strongroom/. They take SigV4 with the service name secretsmanager, so that any AWS signer can call them.

import type { Service } from '../../operation.ts'
import { abandonRotation } from './operations/abandon-rotation.ts'
import { advanceClock } from './operations/advance-clock.ts'
import { advise } from './operations/advise.ts'
import { assumeRoleForPodIdentity } from './operations/assume-role-for-pod-identity.ts'
import { createPodIdentityAssociation } from './operations/create-pod-identity-association.ts'
import { deletePodIdentityAssociation } from './operations/delete-pod-identity-association.ts'
import { deregisterDatabase } from './operations/deregister-database.ts'
import { dryRunRotation } from './operations/dry-run-rotation.ts'
import { explainAccess } from './operations/explain-access.ts'
import { getOpenIDConnectProviderKeys } from './operations/get-open-idconnect-provider-keys.ts'
import { listDatabases } from './operations/list-databases.ts'
import { listPodIdentityAssociations } from './operations/list-pod-identity-associations.ts'
import { listRotations } from './operations/list-rotations.ts'
import { putReplica } from './operations/put-replica.ts'
import { readEvents } from './operations/read-events.ts'
import { registerDatabase } from './operations/register-database.ts'
import { removeOpenIDConnectProviderKeys } from './operations/remove-open-idconnect-provider-keys.ts'
import { removeReplica } from './operations/remove-replica.ts'
import { revokeSession } from './operations/revoke-session.ts'
import { rollBackRotation } from './operations/roll-back-rotation.ts'
import { setOpenIDConnectProviderKeys } from './operations/set-open-idconnect-provider-keys.ts'
import { showDatabase } from './operations/show-database.ts'

export const strongroom: Service = {
  name: 'strongroom',
  signingName: 'secretsmanager',
  protocol: 'json',
  // A replica comes with its policy, its tags and one value of 64 KiB in base64.
  bodyBytesMax: 512 * 1024,
  operations: [
    abandonRotation,
    advanceClock,
    advise,
    assumeRoleForPodIdentity,
    createPodIdentityAssociation,
    deletePodIdentityAssociation,
    deregisterDatabase,
    dryRunRotation,
    explainAccess,
    getOpenIDConnectProviderKeys,
    listDatabases,
    listPodIdentityAssociations,
    listRotations,
    putReplica,
    readEvents,
    registerDatabase,
    removeOpenIDConnectProviderKeys,
    removeReplica,
    revokeSession,
    rollBackRotation,
    setOpenIDConnectProviderKeys,
    showDatabase,
  ],
}
