// One parameter as the reading operations answer it, or the secret that its name refers to.

import type { Call } from '../../call.ts'
import { ServiceError } from '../../errors.ts'
import { readReferenced, type SecretAnswer } from '../secretsmanager/port.ts'
import * as errors from './errors.ts'
import { selectVersion, type VersionEntry } from './model.ts'
import { isSecretReference, parameterArn, type Reference, secretNameOf } from './names.ts'
import { readVersion, type StoredParameter } from './store.ts'
import { existingParameter, type ParameterTarget } from './target.ts'
import { readValue } from './value.ts'

export type ReadOptions = { readonly withDecryption: boolean | undefined }

/** @throws ServiceError ParameterNotFound, ParameterVersionNotFound, InvalidKeyId, AccessDeniedException */
export function readParameter(call: Call, target: ParameterTarget, options: ReadOptions) {
  const { reference } = target
  if (isSecretReference(reference.path)) return readSecret(call, reference, options)
  const stored = existingParameter(target)
  const entry = selectVersion(stored.parameter, reference.selector)
  return answer(call, stored, entry, reference.selector, options)
}

/** What GetParameter, GetParameters and GetParametersByPath show of a version. */
export async function answer(
  call: Call,
  { account, region, path, parameter }: StoredParameter,
  entry: VersionEntry,
  selector: string | undefined,
  { withDecryption }: ReadOptions,
) {
  const arn = parameterArn({ partition: call.partition, region, account }, path)
  const version = await readVersion(call, parameter, entry)
  return {
    Name: parameter.name,
    Type: parameter.type,
    Value: await readValue(call, arn, parameter, version, withDecryption),
    Version: version.version,
    ...(selector !== undefined && { Selector: selector }),
    LastModifiedDate: version.modifiedAt,
    ARN: arn,
    DataType: version.dataType,
  }
}

/**
 * What looks like the id of a version is one, everything else is a staging label. The caller's own rights to the secret and its key decide.
 * https://docs.aws.amazon.com/systems-manager/latest/userguide/integration-ps-secretsmanager.html
 */
async function readSecret(call: Call, reference: Reference, { withDecryption }: ReadOptions) {
  const { account, region, path, selector } = reference
  if (account !== call.account || region !== call.region) throw errors.secretNotFound(path)
  if (withDecryption !== true) throw errors.secretNeedsDecryption()
  const wanted = selector?.slice(1)
  const which =
    wanted === undefined ? {} : /^[\w-]{32,64}$/.test(wanted) ? { VersionId: wanted } : { VersionStage: wanted }
  const secret = await readReferenced(call, { SecretId: secretNameOf(path), ...which }).catch((error: unknown) => {
    throw translated(error, path)
  })
  if (secret.text === undefined) throw errors.secretNotText(path)
  return shownSecret(secret, secret.text, path, selector)
}

const shownSecret = (secret: SecretAnswer, text: string, path: string, selector: string | undefined) => ({
  Name: path,
  Type: 'SecureString' as const,
  Value: text,
  // Versions of secrets have no numbers.
  Version: 0,
  ...(selector !== undefined && { Selector: selector }),
  SourceResult: secret.json,
  LastModifiedDate: secret.createdAt,
  ARN: secret.arn,
  DataType: 'text',
})

/** What Secrets Manager answered, as Parameter Store tells it. That the caller may not stays what it is. */
function translated(error: unknown, path: string): unknown {
  if (!(error instanceof ServiceError)) return error
  switch (error.code) {
    case 'ResourceNotFoundException':
    case 'InvalidRequestException':
      return errors.secretNotFound(path)
    case 'DecryptionFailure':
      return errors.keyUnusable(error.message, error)
    default:
      return error
  }
}
