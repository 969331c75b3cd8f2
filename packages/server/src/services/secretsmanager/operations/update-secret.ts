// UpdateSecret changes a secret's description or key and, if a value is given, adds a version as its current one.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_UpdateSecret.html

import type { Call } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import { optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { keyContext } from '../key-access.ts'
import {
  CURRENT,
  DEFAULT_KEY,
  findVersion,
  isCurrent,
  keptKeyId,
  mustHaveToken,
  PENDING,
  type Plain,
  PREVIOUS,
  plainOf,
  type Secret,
  type SecretVersion,
} from '../model.ts'
import { checkOwner } from '../ownership.ts'
import { changeSecret, noteReplicaKey } from '../replication.ts'
import {
  Arn,
  ClientRequestToken,
  Description,
  KmsKeyId,
  SecretBinary,
  SecretId,
  SecretName,
  SecretString,
  SecretType,
  VersionId,
} from '../shapes.ts'
import { updateSecret as storeSecret } from '../store.ts'
import { liveSecret, secretTarget, writableSecret } from '../target.ts'
import { checkType } from '../types.ts'
import { hasSameValue, mayReencrypt, reencryptValue, tryKey } from '../value.ts'
import { addVersion } from '../version.ts'

export const updateSecret = operation({
  name: 'UpdateSecret',
  readOnly: false,
  conditional: 'VersionId',

  input: {
    SecretId,
    ClientRequestToken: optional(ClientRequestToken),
    Description: optional(Description),
    KmsKeyId: optional(KmsKeyId),
    SecretBinary: optional(SecretBinary),
    SecretString: optional(SecretString),
    Type: optional(SecretType),
  },

  output: { ARN: optional(Arn), Name: optional(SecretName), VersionId: optional(VersionId) },

  target: secretTarget,

  conditions: (input) => ({
    'secretsmanager:Description': input.Description,
    ...keyContext(input.KmsKeyId),
    'secretsmanager:Type': input.Type,
  }),

  responseElements: ({ ARN, Name, VersionId: versionId }) => ({ arn: ARN, name: Name, versionId }),

  async run(call) {
    const { input, now } = call
    const live = liveSecret(call.target)
    const replica = live.secret.primaryRegion !== undefined && onlyKey(input)
    if (replica) checkOwner(live.secret, 'UpdateSecret')
    const stored = replica ? live : writableSecret(call.target, 'UpdateSecret')
    checkType(input.Type)
    const plain = plainOf(input, call.app.limits.secretValueBytes)
    const token = plain ? mustHaveToken(input.ClientRequestToken) : undefined

    if (!isCurrent(stored.secret, call.ifVersion)) {
      // A retry of what was done under its condition changes nothing any more: others may have gone on from there.
      if (!plain || !findVersion(stored.secret, token!)) throw errors.versionNotCurrent()
      await withValue(call, stored.secret, token!, plain)
      return { ARN: stored.secret.arn, Name: stored.secret.name, VersionId: token }
    }

    let secret = stored.secret
    if (input.Description !== undefined) secret = withDescription(secret, input.Description, now)
    if (input.Type !== undefined) secret = withType(secret, input.Type, now)
    const kmsKeyId = input.KmsKeyId === undefined ? undefined : keptKeyId(input.KmsKeyId)
    const keyArn = input.KmsKeyId === undefined ? undefined : await tryKey(call, secret.arn, kmsKeyId)
    if (keyArn !== undefined) secret = withKey(secret, kmsKeyId, now)
    if (plain) secret = await withValue(call, secret, token!, plain)
    if (keyArn !== undefined) secret = await reencrypted(call, secret, keyArn)

    if (replica) {
      if (secret !== stored.secret) await storeSecret(call, stored, secret)
      await noteReplicaKey(call, stored, secret)
    } else if (secret !== stored.secret) await changeSecret(call, stored, secret)
    return { ARN: secret.arn, Name: secret.name, VersionId: token }
  },
})

/** All that may be changed of a replica. */
const onlyKey = (input: { readonly [member: string]: unknown }): boolean =>
  Object.entries(input).every(
    ([member, value]) => value === undefined || ['SecretId', 'KmsKeyId', 'ClientRequestToken'].includes(member),
  ) && input.KmsKeyId !== undefined

/** Empty text is none. */
export function withDescription(secret: Secret, description: string, now: number): Secret {
  if (description === (secret.description ?? '')) return secret
  const { description: _, ...rest } = secret
  return { ...rest, ...(description !== '' && { description }), changedAt: now }
}

function withType(secret: Secret, type: string, now: number): Secret {
  if (type === (secret.type ?? '')) return secret
  const { type: _, ...rest } = secret
  return { ...rest, ...(type !== '' && { type }), changedAt: now }
}

function withKey(secret: Secret, kmsKeyId: string | undefined, now: number): Secret {
  if (kmsKeyId === secret.kmsKeyId) return secret
  const { kmsKeyId: _, ...rest } = secret
  return { ...rest, ...(kmsKeyId !== undefined && { kmsKeyId }), changedAt: now }
}

/** With the value as the current version. A retry changes nothing. @throws ResourceExistsException if the token has another value. */
async function withValue(call: Call, secret: Secret, token: string, plain: Plain): Promise<Secret> {
  const version = findVersion(secret, token)
  if (!version) return addVersion(call, secret, token, plain, undefined)
  const same = version.value && (await hasSameValue(call, secret, { ...version, value: version.value }, plain))
  if (!same) throw errors.tokenInUse(token, secret.arn)
  return secret
}

/**
 * With the values of the current, pending and previous versions under the new key, if the caller may encrypt under it. Otherwise they
 * stay under the old key, as other versions always do.
 */
async function reencrypted(call: Call, secret: Secret, keyArn: string): Promise<Secret> {
  const kmsKey = secret.kmsKeyId === undefined ? DEFAULT_KEY : keyArn
  const isDue = ({ stages, value }: SecretVersion): boolean =>
    value !== undefined &&
    value.kmsKey !== kmsKey &&
    [CURRENT, PENDING, PREVIOUS].some((stage) => stages.includes(stage))
  if (!secret.versions.some(isDue)) return secret

  const versions: SecretVersion[] = []
  for (const version of secret.versions) {
    const { value } = version
    const due =
      value !== undefined &&
      isDue(version) &&
      (kmsKey === DEFAULT_KEY || (await mayReencrypt(call, secret, version, keyArn)))
    versions.push(due ? { ...version, value: await reencryptValue(call, secret, { ...version, value }) } : version)
  }
  return versions.every((version, at) => version === secret.versions[at])
    ? secret
    : { ...secret, versions, changedAt: call.now }
}
