// One parameter as the reading operations answer it, or the secret that its name refers to.

import type { Call, Moment } from '../../call.ts'
import { ServiceError } from '../../errors.ts'
import { readReferenced, type SecretAnswer } from '../secretsmanager/port.ts'
import * as errors from './errors.ts'
import { selectVersion, type VersionEntry } from './model.ts'
import { isSecretReference, parameterArn, type Reference, secretNameOf } from './names.ts'
import { readVersion, type StoredParameter } from './store.ts'
import { existingParameter, type ParameterTarget } from './target.ts'
import { findValue } from './value.ts'

export type ReadOptions = { readonly withDecryption: boolean | undefined }

/** @throws ServiceError ParameterNotFound, ParameterVersionNotFound, InvalidKeyId, AccessDeniedException */
export async function readParameter(call: Call, target: ParameterTarget, options: ReadOptions) {
  const { reference } = target
  if (isSecretReference(reference.path)) return readSecret(call, reference, options)
  return (await findAnswer(call, ...versionOf(target), options))(call)!
}

/** The same for a call that may come again: of a secret there is the answer alone. @throws as readParameter */
export async function findParameter(call: Call, target: ParameterTarget, options: ReadOptions) {
  const { reference } = target
  if (isSecretReference(reference.path)) return { Parameter: await readSecret(call, reference, options) }
  const find = inMember(await findAnswer(call, ...versionOf(target), options))
  return call.app.kms.keepsDataKeys ? find : find(call)!
}

/** The version that the name means. @throws ServiceError ParameterNotFound, ParameterVersionNotFound */
function versionOf(target: ParameterTarget) {
  const { selector } = target.reference
  const stored = existingParameter(target)
  return [stored, selectVersion(stored.parameter, selector), selector] as const
}

const inMember =
  <P>(find: (moment: Moment) => P | undefined) =>
  (moment: Moment): { readonly Parameter: P } | undefined => {
    const Parameter = find(moment)
    return Parameter && { Parameter }
  }

/** What GetParameter, GetParameters and GetParametersByPath show of a version. */
export const answer = async (...found: Parameters<typeof findAnswer>) => (await findAnswer(...found))(found[0])!

async function findAnswer(
  call: Call,
  { account, region, path, parameter }: StoredParameter,
  entry: VersionEntry,
  selector: string | undefined,
  { withDecryption }: ReadOptions,
) {
  const arn = parameterArn({ partition: call.partition, region, account }, path)
  const version = await readVersion(call, parameter, entry)
  const read = await findValue(call, arn, parameter, version, withDecryption)
  const shown = {
    Name: parameter.name,
    Type: parameter.type,
    Version: version.version,
    ...(selector !== undefined && { Selector: selector }),
    LastModifiedDate: version.modifiedAt,
    ARN: arn,
    DataType: version.dataType,
  }
  return (moment: Moment) => {
    const Value = read(moment)
    return Value === undefined ? undefined : { ...shown, Value }
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
