// Which secret a SecretId means, and what a policy and a refusal may see of it.
// https://docs.aws.amazon.com/secretsmanager/latest/userguide/troubleshoot.html#ARN_secretnamehyphen

import type { Call } from '../../call.ts'
import type { Target } from '../../operation.ts'
import type { Context, Permission, ResourcePolicy } from '../../policy/engine.ts'
import { type Awaitable, andThen } from '../../storage/cache.ts'
import { isOpenAccount } from '../iam/port.ts'
import * as errors from './errors.ts'
import { RESOURCE_TYPE, secretArn, splitTail, type Tag } from './model.ts'
import { checkOwner, type OwnersOperation } from './ownership.ts'
import { readResourcePolicy } from './resource-policy.ts'
import { isReadyMade } from './rotation/functions.ts'
import { findSecret, type Store, type StoredSecret } from './store.ts'

export type SecretTarget = Target & {
  /** Undefined where nothing matches: known to `run`, but not told before authorization. */
  readonly stored: StoredSecret | undefined
}

/** The target of every operation that takes a SecretId. */
export const secretTarget = (call: Call<{ readonly SecretId: string }>): Promise<SecretTarget> =>
  resolveSecret(call, call.input.SecretId)

type Caller = Store & Pick<Call, 'account' | 'region' | 'partition'>

/**
 * What a SecretId means to a caller. Of a secret of another account nothing shows: neither its tags, nor its policy, nor whether it exists;
 * and only its full ARN reaches it, while that account is open.
 */
export async function resolveSecret(caller: Caller, secretId: string): Promise<SecretTarget> {
  const { account, region, partition } = caller
  if (!secretId.startsWith('arn:')) {
    const stored = await findSecret(caller, account, region, secretId)
    return stored ? found(caller, stored, secretId) : missing(secretArnPattern(caller, secretId), secretId, account)
  }
  const arn = parseSecretArn(secretId)
  if (arn === undefined || arn.partition !== partition || arn.region !== region) {
    return missing(secretId, secretId, arn?.account ?? account)
  }
  const { name, suffix } = splitTail(arn.tail)
  if (arn.account !== account) {
    const reachable = suffix !== undefined && (await isOpenAccount(caller.app, caller.tx, arn.account))
    const stored = reachable ? await findSecret(caller, arn.account, region, name) : undefined
    return stored && stored.secret.suffix === suffix
      ? found(caller, stored, secretId)
      : { ...missing(secretId, secretId, arn.account), resourceType: RESOURCE_TYPE }
  }
  // What ends like a suffix is taken for one, even where a secret has all of it as its name.
  const stored = await findSecret(caller, account, region, name)
  return stored && (suffix === undefined || stored.secret.suffix === suffix)
    ? found(caller, stored, secretId)
    : missing(secretId, secretId, account)
}

/** The name that a secret of this id would have here; undefined for the ARN of another account, Region or service, or of no secret. */
export function nameOf(
  { account, region, partition }: Omit<Caller, keyof Store>,
  secretId: string,
): string | undefined {
  if (!secretId.startsWith('arn:')) return secretId
  const arn = parseSecretArn(secretId)
  const here = arn?.account === account && arn.region === region && arn.partition === partition
  return here ? splitTail(arn.tail).name : undefined
}

/** The secret, whatever its state. @throws ResourceNotFoundException where there is none. */
export function existingSecret(target: SecretTarget): StoredSecret {
  if (target.stored === undefined) throw errors.secretNotFound()
  return target.stored
}

/** @throws ResourceNotFoundException where there is none; InvalidRequestException where it is scheduled for deletion. */
export function liveSecret(target: SecretTarget): StoredSecret {
  const stored = existingSecret(target)
  if (stored.secret.deletedAt !== undefined) throw errors.markedForDeletion()
  return stored
}

/** @throws InvalidParameterException for a replica: its primary is to be changed instead. */
export function refuseReplica({ secret }: StoredSecret): void {
  if (secret.primaryRegion !== undefined) throw errors.replicaReadOnly()
}

/** A live secret that is not a replica. @throws as liveSecret and refuseReplica */
export function primarySecret(target: SecretTarget): StoredSecret {
  const stored = liveSecret(target)
  refuseReplica(stored)
  return stored
}

/**
 * A live secret that users may change by this operation.
 * @throws as primarySecret; InvalidRequestException where a service owns it and keeps that to itself
 */
export function writableSecret(target: SecretTarget, operation: OwnersOperation): StoredSecret {
  const stored = primarySecret(target)
  checkOwner(stored.secret, operation)
  return stored
}

/** Condition keys that tags give. */
export const tagContext = (tags: readonly Tag[]): Context =>
  Object.fromEntries(
    tags.flatMap(({ key, value }) => [
      [`aws:ResourceTag/${key}`, value],
      [`secretsmanager:ResourceTag/${key}`, value],
    ]),
  )

const found = (caller: Caller, stored: StoredSecret, secretId: string): Awaitable<SecretTarget> =>
  andThen(readResourcePolicy(caller, stored.secret), (policy) => targetOf(caller, stored, secretId, policy))

/** What is so of a secret, whoever asks. */
function secretContext(stored: StoredSecret): Context {
  const known = contexts.get(stored)
  if (known !== undefined) return known
  const { secret, region } = stored
  const context = {
    'secretsmanager:SecretPrimaryRegion': secret.primaryRegion ?? region,
    'secretsmanager:resource/Type': secret.type,
    'secretsmanager:resource/AllowRotationLambdaArn': secret.rotation?.functionArn,
    ...tagContext(secret.tags),
  }
  contexts.set(stored, context)
  return context
}

/** By the secret as it was read, which stays the same object while its row does. */
const contexts = new WeakMap<StoredSecret, Context>()

/** What a secret is to a caller, under the policy that stands on it, or is about to. */
export function targetOf(
  { account }: Pick<Caller, 'account'>,
  stored: StoredSecret,
  secretId: string,
  resourcePolicy: ResourcePolicy | undefined,
): SecretTarget {
  const { secret } = stored
  const context = secretContext(stored)
  const policy = resourcePolicy && { resourcePolicy }
  const bare = { ...missing(secret.arn, secret.arn, stored.account), resourceType: RESOURCE_TYPE, stored }
  const asked = { 'secretsmanager:SecretId': secretId }
  return stored.account === account
    ? { ...bare, context: { ...asked, ...context }, ...policy }
    : { ...bare, context: asked, concealed: { context, ...policy } }
}

/** The policy that stands on a target. */
export const policyOf = ({ resourcePolicy, concealed }: SecretTarget): ResourcePolicy | undefined =>
  resourcePolicy ?? concealed?.resourcePolicy

/** Another permission on a target than the one that its operation asks for, with the condition keys of the request. */
export const permissionOn = (target: SecretTarget, action: string, conditions: Context = {}): Permission => ({
  action,
  resource: target.resource,
  ...(target.shown !== undefined && { shown: target.shown }),
  resourceAccount: target.account,
  context: { ...target.context, ...conditions },
  ...(target.resourcePolicy && { resourcePolicy: target.resourcePolicy }),
})

/**
 * AWS asks who has a secret rotated for the function too. Whether the function admits Secrets Manager is asked of the function. A ready-made
 * rotator is none: it has the rights of the caller and no others.
 */
export function permissionsToInvoke({ stored, account }: SecretTarget, given?: string): readonly Permission[] {
  const functionArn = given ?? stored?.secret.rotation?.functionArn
  if (functionArn === undefined || isReadyMade(functionArn)) return []
  const resource = { resource: functionArn, shown: functionArn, resourceAccount: account }
  return [{ action: 'lambda:InvokeFunction', ...resource }]
}

/**
 * Whether a caller may know what happens to the secret of an ARN, in the Region of its request: by GetSecretValue, of a staging label where
 * one is given, or by DescribeSecret. Of a secret that is gone only the identity's policies say it, and of another account's nothing does.
 */
export async function mayKnow(call: Call, arn: string, label: string): Promise<boolean> {
  if (parseSecretArn(arn)?.region !== call.region) return false
  const target = await resolveSecret(call, arn)
  const read = permissionOn(
    target,
    'secretsmanager:GetSecretValue',
    label === '' ? {} : { 'secretsmanager:VersionStage': label },
  )
  const described = permissionOn(target, 'secretsmanager:DescribeSecret')
  return call.decide(read, target.concealed).allow || call.decide(described, target.concealed).allow
}

const missing = (resource: string, secretId: string, account: string): SecretTarget => ({
  resource,
  shown: secretId,
  account,
  context: { 'secretsmanager:SecretId': secretId },
  stored: undefined,
})

/** What policies see of a name that nothing has: the ARN that it would have, with a suffix that no secret gets. */
const secretArnPattern = ({ partition, region, account }: Caller, name: string): string =>
  secretArn(partition, region, account, name, '??????')

type SecretArn = {
  readonly partition: string
  readonly region: string
  readonly account: string
  readonly tail: string
}

export function parseSecretArn(arn: string): SecretArn | undefined {
  const match = /^arn:([a-z-]+):secretsmanager:([a-z0-9-]+):(\d{12}):secret:([^:]+)$/.exec(arn)
  return match ? { partition: match[1]!, region: match[2]!, account: match[3]!, tail: match[4]! } : undefined
}
