// What may be done with a key in which state: AWS's table, row by row.
// https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html#key-state-table

import type { ServiceError } from '../../errors.ts'
import * as errors from './errors.ts'
import { arnOf, type KeyState, type KmsKey } from './model.ts'

/** Why an operation cannot be in a state, by the notes of AWS's table. */
type Refusal = 'disabled' | 'pending-deletion' | 'pending-import' | 'not-pending-deletion' | 'origin'

type Row = { readonly [state in Exclude<KeyState, 'PendingReplicaDeletion'>]?: Refusal }

/** The rows of the table, named by what is done. A state that is not named is fit. */
const TABLE = {
  /** Cryptographic operations, CreateGrant, GetPublicKey, ReplicateKey, UpdatePrimaryRegion. */
  use: { Disabled: 'disabled', PendingDeletion: 'pending-deletion', PendingImport: 'pending-import' },
  /** DisableKey, EnableKey. */
  enable: { PendingDeletion: 'pending-deletion', PendingImport: 'pending-import' },
  /** EnableKeyRotation, DisableKeyRotation. */
  rotation: { Disabled: 'disabled', PendingDeletion: 'pending-deletion', PendingImport: 'origin' },
  /** RotateKeyOnDemand. */
  rotate: { Disabled: 'disabled', PendingDeletion: 'pending-deletion', PendingImport: 'pending-import' },
  /** GetParametersForImport, ImportKeyMaterial, ScheduleKeyDeletion, TagResource, UntagResource, UpdateKeyDescription, aliases. */
  change: { PendingDeletion: 'pending-deletion' },
  /** CancelKeyDeletion. */
  cancelDeletion: {
    Enabled: 'not-pending-deletion',
    Disabled: 'not-pending-deletion',
    PendingImport: 'not-pending-deletion',
  },
} as const satisfies { readonly [row: string]: Row }

export type StateRow = keyof typeof TABLE

/** @throws ServiceError DisabledException, KMSInvalidStateException, UnsupportedOperationException */
export function mustBeFit(key: KmsKey, row: StateRow): void {
  const state = key.keyState === 'PendingReplicaDeletion' ? 'PendingDeletion' : key.keyState
  const refusal = (TABLE[row] as Row)[state]
  if (refusal !== undefined) throw refused(key, refusal)
}

function refused(key: KmsKey, refusal: Refusal): ServiceError {
  const arn = arnOf(key)
  switch (refusal) {
    case 'disabled':
      return errors.keyDisabled(arn)
    case 'pending-deletion':
      return errors.keyInvalidState(
        arn,
        key.keyState === 'PendingReplicaDeletion' ? 'pending replica deletion' : 'pending deletion',
      )
    case 'pending-import':
      return errors.keyInvalidState(arn, 'pending import')
    case 'not-pending-deletion':
      return errors.keyInvalidState(arn, 'not pending deletion')
    case 'origin':
      return errors.notForOrigin(arn, key.origin)
  }
}
