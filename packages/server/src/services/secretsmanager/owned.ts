// What a service of ours does with the secrets that it owns: made, changed and deleted in the transaction of a call of that service. Users
// reach the same secrets through the API, as far as ownership.ts lets them.

import assert from 'node:assert/strict'
import type { SecretValue } from '@strongroom/rotators'
import type { AlsoEvent, Call } from '../../call.ts'
import * as errors from './errors.ts'
import { serviceCall } from './events.ts'
import { keyContext } from './key-access.ts'
import {
  CURRENT,
  findHolder,
  hasValue,
  keptKeyId,
  moveStage,
  mustHaveToken,
  newSuffix,
  PENDING,
  plainOf,
  RESOURCE_TYPE,
  type Secret,
  secretArn,
  type Tag,
  unfinishedVersion,
  withTags,
} from './model.ts'
import { deleteNow } from './operations/delete-secret.ts'
import { withDescription } from './operations/update-secret.ts'
import { type Owner, ownersPrefix, owningServiceTag } from './ownership.ts'
import { removeNow } from './purge.ts'
import { changeSecret, removeReplica } from './replication.ts'
import { callByRights, noteRights } from './rights.ts'
import { beginRotation } from './rotation/begin.ts'
import { scheduleStart } from './rotation/jobs.ts'
import { withNextSlot } from './rotation/model.ts'
import { openSecret } from './rotation/ready-made-settings.ts'
import type { RotationRules } from './rotation/schedule.ts'
import { listRotations } from './rotation/store.ts'
import { findSecret, insertSecret, type Store, type StoredSecret } from './store.ts'
import { requestTagContext } from './tags.ts'
import { tagContext } from './target.ts'
import { openVersion, tryKey } from './value.ts'
import { addVersion } from './version.ts'

export type NewOwnedSecret = {
  /** Begins with the owner's prefix, `rds!`; 1 to 512 characters. */
  readonly name: string
  /** 32 to 64 characters, such as a UUID. */
  readonly versionId: string
  /** At most 65,536 bytes. */
  readonly value: string
  readonly description?: string
  /** Of the caller's choice; `aws/secretsmanager` where absent. */
  readonly kmsKeyId?: string
  /** Of the caller: at most 50, none of which begins with `aws:`. */
  readonly tags?: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[]
  /** Of the service, such as `aws:rds:primaryDBInstanceArn`. The tag of the owning service is there without saying. */
  readonly systemTags?: readonly Tag[]
  /** Turns on rotation by the service itself, which must be in `rotationFunctions.managed` by the time it is due. */
  readonly rotationRules?: RotationRules
}

/**
 * Makes a secret in the caller's account and region. As on AWS the caller must be allowed secretsmanager:CreateSecret and :TagResource on it,
 * and, where it names a key, to use that.
 * @throws ServiceError AccessDeniedException, ResourceExistsException, InvalidRequestException (the name is scheduled for deletion),
 * LimitExceededException, InvalidParameterException (tags)
 */
export async function createOwnedSecret(
  caller: Call,
  owner: Owner,
  given: NewOwnedSecret,
): Promise<{ readonly arn: string; readonly versionId: string }> {
  const call = inSecretsManager(caller)
  const { partition, region, account, now } = call
  const { name, description, tags: userTags = [], rotationRules: rules } = given
  assert.ok(name.startsWith(ownersPrefix(owner)), name)
  const plain = plainOf({ SecretString: given.value }, call.app.limits.secretValueBytes)
  const versionId = mustHaveToken(given.versionId)
  const tags = [
    owningServiceTag(owner),
    ...(given.systemTags ?? []),
    ...withTags([], userTags, call.app.limits.tagsPerSecret),
  ]
  const suffix = newSuffix(call.app.randomBytes)
  const arn = secretArn(partition, region, account, name, suffix)
  for (const action of ['secretsmanager:CreateSecret', 'secretsmanager:TagResource']) {
    call.authorize({
      action,
      resource: arn,
      shown: name,
      resourceAccount: account,
      context: {
        'secretsmanager:Name': name,
        'secretsmanager:Description': description,
        ...keyContext(given.kmsKeyId),
        ...requestTagContext(userTags),
        ...tagContext(tags),
      },
    })
  }

  const existing = await findSecret(call, account, region, name)
  if (existing?.secret.deletedAt !== undefined) throw errors.nameScheduledForDeletion()
  if (existing) throw errors.secretExists(name)
  const kmsKeyId = keptKeyId(given.kmsKeyId)
  const bare: Secret = {
    arn,
    name,
    suffix,
    ...(description && { description }),
    ...(kmsKeyId !== undefined && { kmsKeyId }),
    tags,
    owningService: owner,
    ...(rules && { rotation: withNextSlot({ enabled: true, rules, configuredAt: now }, arn, now) }),
    versions: [],
    createdAt: now,
    changedAt: now,
  }
  const secret = await addVersion(call, bare, versionId, plain!, undefined)
  await scheduleStart(call, await insertSecret(call, account, region, secret), secret)
  call.also(eventOf(secret, 'CreateSecret', { name, description, kmsKeyId, clientRequestToken: versionId }))
  return { arn, versionId }
}

export type OwnedSecretChange = {
  readonly description?: string
  /** A new version. Its stages are AWSCURRENT where it names none; the rules of staging labels are those of PutSecretValue. */
  readonly version?: { readonly id: string; readonly value: string; readonly stages?: readonly string[] }
  /** The id of a version that becomes AWSCURRENT, such as that of a rotation when all is done. */
  readonly promote?: string
}

/**
 * Changes a secret of the owner in the caller's account and region. What the caller must be allowed is the owner's business: of Secrets
 * Manager nothing is asked, of KMS the use of the secret's key for a new version.
 * @throws ServiceError ResourceNotFoundException where it is not there, or another's; InvalidRequestException where it is scheduled for
 * deletion; AccessDeniedException (KMS), LimitExceededException
 */
export async function changeOwnedSecret(
  caller: Call,
  owner: Owner,
  name: string,
  { description, version, promote }: OwnedSecretChange,
): Promise<void> {
  const call = inSecretsManager(caller)
  const stored = await findOwned(call, owner, name)
  if (stored.secret.deletedAt !== undefined) throw errors.markedForDeletion()
  let secret: Secret = stored.secret
  if (description !== undefined) secret = withDescription(secret, description, call.now)
  if (version) {
    const plain = plainOf({ SecretString: version.value }, call.app.limits.secretValueBytes)
    secret = await addVersion(call, secret, mustHaveToken(version.id), plain!, version.stages)
  }
  if (promote !== undefined) {
    const from = findHolder(secret.versions, CURRENT)?.id
    secret = { ...secret, versions: moveStage(secret.versions, CURRENT, from, promote), changedAt: call.now }
  }
  await changeSecret(call, stored, secret)
  const parameters = { secretId: secret.arn, description, clientRequestToken: version?.id }
  call.also(eventOf(secret, 'UpdateSecret', parameters))
}

/**
 * Deletes a secret of the owner and its replicas at once, without a recovery window, also where a user scheduled its deletion. Asks nothing of the caller.
 * @throws ServiceError ResourceNotFoundException where it is not there, or another's
 */
export async function deleteOwnedSecret(caller: Call, owner: Owner, name: string): Promise<void> {
  const call = inSecretsManager(caller)
  const stored = await findOwned(call, owner, name)
  for (const { region } of stored.secret.replicas ?? []) await removeReplica(call, stored, stored.secret, region)
  await deleteNow(call, stored)
  const parameters = { secretId: stored.secret.arn, forceDeleteWithoutRecovery: true }
  call.also(eventOf(stored.secret, 'DeleteSecret', parameters))
}

/** Whatever it does is told as events of Secrets Manager, and not of the service whose call it is. */
const inSecretsManager = (call: Call): Call => ({
  ...call,
  also: (event) => call.also({ service: 'secretsmanager', ...event }),
})

async function findOwned(call: Call, owner: Owner, name: string): Promise<StoredSecret> {
  const stored = await findSecret(call, call.account, call.region, name)
  if (stored?.secret.owningService !== owner) throw errors.secretNotFound()
  return stored
}

/** What the service did on the caller's behalf. */
const eventOf = (
  { arn }: Secret,
  eventName: string,
  parameters: { readonly [name: string]: string | boolean | undefined },
): AlsoEvent => ({
  eventName,
  readOnly: false,
  requestParameters: Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined)),
  resources: [{ arn, accountId: arn.split(':')[4]!, type: RESOURCE_TYPE }],
})

/**
 * Begins a rotation of a secret of the owner, which the owner's ManagedRotation does with the rights that the caller has on its key now. One
 * that was left unfinished is tried again.
 * @throws ServiceError ResourceNotFoundException, InvalidRequestException (a rotation is under way, or deletion is scheduled), AccessDeniedException
 */
export async function beginOwnedRotation(
  caller: Call,
  owner: Owner,
  name: string,
  { authorize }: { readonly authorize: boolean },
): Promise<void> {
  const call = inSecretsManager(caller)
  const stored = await findOwned(call, owner, name)
  const { secret } = stored
  if (secret.deletedAt !== undefined) throw errors.markedForDeletion()
  const { rotation } = secret
  if (rotation === undefined) throw errors.noRotationFunction()
  if (authorize) {
    call.authorize({
      action: 'secretsmanager:RotateSecret',
      resource: secret.arn,
      shown: secret.arn,
      resourceAccount: call.account,
      context: tagContext(secret.tags),
    })
  }
  if (rotation.running !== undefined) throw errors.rotationUnfinished()
  let failure: unknown
  const rights = await noteRights(call, async (noting) => {
    try {
      await tryKey(noting, secret.arn, secret.kmsKeyId)
      const current = findHolder(secret.versions, CURRENT)
      if (current !== undefined && hasValue(current)) (await openVersion(noting, secret, current)).bytes.fill(0)
    } catch (error) {
      failure = error
    }
  })
  if (failure !== undefined) throw failure
  const allowed = { ...secret, rotation: { ...rotation, readyMade: { rights, options: {} } } }
  const versionId = unfinishedVersion(secret)?.id ?? call.app.uuid()
  await changeSecret(call, stored, await beginRotation(call, stored, allowed, { kind: 'rotation', versionId }))
  call.also(eventOf(secret, 'RotateSecret', { secretId: secret.arn, clientRequestToken: versionId }))
}

export type OwnedState = {
  /** Whether a rotation is under way. */
  readonly rotating: boolean
  /** Whether none has succeeded yet. */
  readonly fresh: boolean
  /** Whether the latest attempt at a rotation failed. */
  readonly failing: boolean
}

/** How it stands with a secret of the owner; undefined where it is gone. */
export async function findOwnedState(call: Call, owner: Owner, name: string): Promise<OwnedState | undefined> {
  const stored = await findSecret(call, call.account, call.region, name)
  const rotation = stored?.secret.rotation
  if (stored?.secret.owningService !== owner || rotation === undefined) return undefined
  const [latest] = await listRotations(call, stored.secret.arn, 1)
  // The call that is under way has no end yet: the one before tells.
  const last = latest?.calls.findLast(({ endedAt }) => endedAt !== undefined)
  return {
    rotating: rotation.running !== undefined,
    fresh: rotation.rotatedAt === undefined,
    failing: latest?.outcome === 'failed' || (latest?.outcome === undefined && last?.error !== undefined),
  }
}

/**
 * The values of AWSCURRENT and of AWSPENDING of a secret of the owner, for the owner's own use, with the rights that `beginOwnedRotation` noted;
 * those of AWSPENDING where they can be read. Told in the trail.
 * @throws ServiceError of KMS
 */
export async function openOwned(
  store: Store,
  owner: Owner,
  { account, region, name }: { readonly account: string; readonly region: string; readonly name: string },
): Promise<{ readonly current?: SecretValue; readonly pending?: SecretValue }> {
  const stored = await findSecret(store, account, region, name)
  const rights = stored?.secret.rotation?.readyMade?.rights
  if (stored?.secret.owningService !== owner || rights === undefined) return {}
  const { secret } = stored
  const call = callByRights(store, rights, region)
  const read = async (stage: string): Promise<SecretValue | undefined> => {
    const version = findHolder(secret.versions, stage)
    if (version === undefined || !hasValue(version)) return undefined
    const told = { secretId: secret.arn, versionId: version.id }
    await store.app.trail.record(store.tx, [serviceCall(store.app, stored, 'GetSecretValue', told)])
    return openSecret(call, secret, version)
  }
  const [current, pending] = [await read(CURRENT), await read(PENDING)]
  return { ...(current && { current }), ...(pending && { pending }) }
}

/** Deletes a secret of the owner at once, in work that is nobody's call. Nothing where it is gone. */
export async function removeOwned(
  store: Store,
  owner: Owner,
  { account, region, name }: { readonly account: string; readonly region: string; readonly name: string },
): Promise<void> {
  const stored = await findSecret(store, account, region, name)
  if (stored?.secret.owningService !== owner) return
  const { secret } = stored
  const rights = secret.rotation?.readyMade?.rights
  if (rights !== undefined) {
    const call = callByRights(store, rights, region)
    for (const replica of secret.replicas ?? []) await removeReplica(call, stored, secret, replica.region)
  }
  await removeNow(store, stored)
  const told = { secretId: secret.arn, forceDeleteWithoutRecovery: true }
  await store.app.trail.record(store.tx, [serviceCall(store.app, stored, 'DeleteSecret', told)])
}
