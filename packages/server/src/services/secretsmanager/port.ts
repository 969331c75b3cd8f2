// What the rest of the server asks of Secrets Manager: what a process keeps for it between calls (see app.ts), the secrets that other
// services of ours own, and whether a caller may know of a secret.

export { type AccessNotes, createAccessNotes } from './access.ts'
export type { Plain, Rights } from './model.ts'
export {
  beginOwnedRotation,
  changeOwnedSecret,
  createOwnedSecret,
  deleteOwnedSecret,
  findOwnedState,
  type NewOwnedSecret,
  type OwnedSecretChange,
  openOwned,
  removeOwned,
} from './owned.ts'
export { type PublishedName, readPublished } from './published.ts'
export { type PutReplicaInput, receivedTarget, receiveReplica, removeReceived } from './receive.ts'
export { readReferenced, type SecretAnswer } from './reference.ts'
export { createRemoteRegions, type RemoteRegions } from './remote-regions.ts'
export { callByRights, noteRights } from './rights.ts'
export { createFunctionsElsewhere } from './rotation/elsewhere.ts'
export {
  createRotationFunctions,
  EXTERNAL,
  eventOf,
  type FunctionProvider,
  type FunctionUse,
  type Invocation,
  type ManagedRotation,
  type RotationFunctions,
  type StepOutcome,
} from './rotation/functions.ts'
export { localFunctions } from './rotation/local.ts'
export {
  abandonRotation,
  dryRunRotation,
  type RotationAbandoned,
  type RotationHistory,
  type RotationRolledBack,
  readRotations,
  rollBackRotation,
} from './rotation/operator.ts'
export { createManagedRotation, createReadyMade, ioOf, type ManagedRotator } from './rotation/ready-made.ts'
export { partnerOf } from './rotation/ready-made-settings.ts'
export { ROTATIONS_KEPT } from './rotation/store.ts'
export { RotationRules, SecretId } from './shapes.ts'
export { createSecretRows, type SecretRows } from './store.ts'
export { INSPECTED, REFUSED, type Survey, type SurveyedSecret, type SurveyPage, surveyPage } from './survey.ts'
export { mayKnow, permissionOn, permissionsToInvoke, secretTarget } from './target.ts'
