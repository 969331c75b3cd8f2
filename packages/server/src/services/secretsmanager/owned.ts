// What a service of ours does with the secrets that it owns: made, changed and deleted in the transaction of a call of that service. Users
// reach the same secrets through the API, as far as ownership.ts lets them.

import assert from 'node:assert/strict'
import type { AlsoEvent, Call } from '../../call.ts'
import * as errors from './errors.ts'
import { keyContext } from './key-access.ts'
import {
  CURRENT,
  findHolder,
  keptKeyId,
  moveStage,
  mustHaveToken,
  newSuffix,
  plainOf,
  RESOURCE_TYPE,
  type Secret,
  secretArn,
  type Tag,
  withTags,
} from './model.ts'
import { deleteNow } from './operations/delete-secret.ts'
import { withDescription } from './operations/update-secret.ts'
import { type Owner, ownersPrefix, owningServiceTag } from './ownership.ts'
import { changeSecret, removeReplica } from './replication.ts'
import { scheduleStart } from './rotation/jobs.ts'
import { withNextSlot } from './rotation/model.ts'
import type { RotationRules } from './rotation/schedule.ts'
import { findSecret, insertSecret, type StoredSecret } from './store.ts'
import { requestTagContext } from './tags.ts'
import { tagContext } from './target.ts'
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
