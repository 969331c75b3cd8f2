// CreateSecret makes a secret, with its first version if a value is given. A retry with the same token and value changes nothing.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_CreateSecret.html

import type { Call } from '../../../call.ts'
import { operation, type Target } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { keyContext } from '../key-access.ts'
import {
  findVersion,
  keptKeyId,
  mustHaveToken,
  newSuffix,
  type Plain,
  plainOf,
  RESOURCE_TYPE,
  type Secret,
  secretArn,
  withTags,
} from '../model.ts'
import { checkNewName } from '../ownership.ts'
import {
  AddReplicaRegions,
  Arn,
  ClientRequestToken,
  Description,
  KmsKeyId,
  NewSecretName,
  ReplicationStatus,
  SecretBinary,
  SecretName,
  SecretString,
  SecretType,
  Tags,
  VersionId,
} from '../shapes.ts'
import { findSecret, insertSecret, type StoredSecret } from '../store.ts'
import { requestTagContext } from '../tags.ts'
import { tagContext } from '../target.ts'
import { checkType } from '../types.ts'
import { hasSameValue, tryKey } from '../value.ts'
import { addVersion } from '../version.ts'

type NewSecretTarget = Target & { readonly suffix: string }

export const createSecret = operation({
  name: 'CreateSecret',
  readOnly: false,

  input: {
    Name: NewSecretName,
    ClientRequestToken: optional(ClientRequestToken),
    Description: optional(Description),
    KmsKeyId: optional(KmsKeyId),
    SecretBinary: optional(SecretBinary),
    SecretString: optional(SecretString),
    Tags: optional(Tags),
    AddReplicaRegions: optional(AddReplicaRegions),
    ForceOverwriteReplicaSecret: optional(boolean()),
    Type: optional(SecretType),
  },

  output: {
    ARN: optional(Arn),
    Name: optional(SecretName),
    VersionId: optional(VersionId),
    ReplicationStatus: optional(ReplicationStatus),
  },

  // The ARN that the secret would have, even where the name is taken. Its tags count as the secret's, so that nobody makes a secret
  // that they could not reach.
  async target({ app, partition, region, account, input }): Promise<NewSecretTarget> {
    const suffix = newSuffix(app.randomBytes)
    return {
      resource: secretArn(partition, region, account, input.Name, suffix),
      shown: input.Name,
      account,
      resourceType: RESOURCE_TYPE,
      context: tagContext((input.Tags ?? []).map(({ Key = '', Value = '' }) => ({ key: Key, value: Value }))),
      suffix,
    }
  },

  conditions: (input) => ({
    'secretsmanager:Name': input.Name,
    'secretsmanager:Description': input.Description,
    ...keyContext(input.KmsKeyId),
    'secretsmanager:Type': input.Type,
    'secretsmanager:AddReplicaRegions': input.AddReplicaRegions?.flatMap(({ Region }) => Region ?? []),
    'secretsmanager:ForceOverwriteReplicaSecret': input.ForceOverwriteReplicaSecret?.toString(),
    ...(input.Tags && requestTagContext(input.Tags)),
  }),

  permissions: (input, target) =>
    [
      'secretsmanager:CreateSecret',
      ...(input.Tags?.length ? ['secretsmanager:TagResource'] : []),
      ...(input.AddReplicaRegions ? ['secretsmanager:ReplicateSecretToRegions'] : []),
    ].map((action) => ({
      action,
      resource: target.resource,
      ...(target.shown !== undefined && { shown: target.shown }),
      resourceAccount: target.account,
    })),

  responseElements: ({ ARN, Name, VersionId: versionId }) => ({ arn: ARN, name: Name, versionId }),

  async run(call) {
    const { now, partition, region, account, input, target } = call
    if (input.AddReplicaRegions) throw errors.replicationUnsupported()
    if (input.ForceOverwriteReplicaSecret) throw errors.forceOverwriteUnsupported()
    checkType(input.Type)
    checkNewName(input.Name)
    const plain = plainOf(input, call.app.limits.secretValueBytes)
    const token = plain ? mustHaveToken(input.ClientRequestToken) : input.ClientRequestToken
    const tags = withTags([], input.Tags ?? [], call.app.limits.tagsPerSecret)

    const existing = await findSecret(call, account, region, input.Name)
    if (existing) return retried(call, existing, token, plain)

    const kmsKeyId = keptKeyId(input.KmsKeyId)
    const bare: Secret = {
      arn: secretArn(partition, region, account, input.Name, target.suffix),
      name: input.Name,
      suffix: target.suffix,
      ...(input.Description && { description: input.Description }),
      ...(kmsKeyId !== undefined && { kmsKeyId }),
      tags,
      ...(input.Type && { type: input.Type }),
      versions: [],
      ...(!plain && token !== undefined && { createToken: token }),
      createdAt: now,
      changedAt: now,
    }
    if (input.KmsKeyId) await tryKey(call, bare.arn, kmsKeyId)

    const secret = plain ? await addVersion(call, bare, token!, plain, undefined) : bare
    await insertSecret(call, account, region, secret)
    return answer(secret, plain ? token : undefined)
  },
})

/** The first answer again, if the call is the one that made the secret. @throws ResourceExistsException if it is not. */
async function retried(call: Call, existing: StoredSecret, token: string | undefined, plain: Plain | undefined) {
  const { secret } = existing
  if (secret.deletedAt !== undefined) throw errors.nameScheduledForDeletion()
  if (token === undefined) throw errors.secretExists(secret.name)
  if (!plain) {
    if (secret.createToken !== token) throw errors.secretExists(secret.name)
    return answer(secret, undefined)
  }
  const version = findVersion(secret, token)
  if (!version?.value) throw errors.secretExists(secret.name)
  const same = await hasSameValue(call, secret, { ...version, value: version.value }, plain)
  if (!same) throw errors.tokenInUse(token, secret.arn)
  return answer(secret, token)
}

const answer = (secret: Secret, versionId: string | undefined) => ({
  ARN: secret.arn,
  Name: secret.name,
  VersionId: versionId,
})
