// What RotateSecret keeps for a ready-made rotator. It has no role of its own: it works with the rights that the caller had then, which are
// asked for here and of nothing else. docs/rotators.md

import {
  parseSecret,
  partnerRotators,
  type Rotator,
  RotatorError,
  rotators,
  type SecretValue,
} from '@strongroom/rotators'
import type { Call } from '../../../call.ts'
import * as errors from '../errors.ts'
import {
  ownerOf,
  RESOURCE_TYPE,
  type RotatingSecret,
  type Secret,
  selectVersion,
  type ValuedVersion,
} from '../model.ts'
import { withPublished } from '../published.ts'
import { noteRights } from '../rights.ts'
import type { StoredSecret } from '../store.ts'
import { liveSecret, permissionOn, resolveSecret } from '../target.ts'
import { openVersion, tryKey } from '../value.ts'
import { isReadyMade } from './functions.ts'
import type { ReadyMade, SecretRotation } from './model.ts'

/** The rotator of a function's ARN; undefined where there is none of the name. */
export const findRotator = (functionArn: string, among: readonly Rotator[] = rotators): Rotator | undefined =>
  among.find(({ name }) => functionArn.endsWith(`:function:strongroom-${name}`))

/** The rotator of a managed external secret's type; undefined where there is none, and of any other secret. */
export const findPartner = ({ type }: Pick<Secret, 'type'>): Rotator | undefined =>
  partnerRotators.find(({ name }) => name === type)

/** The rotator of a managed external secret. @throws RotatorError where its type is another one than its rights are for */
export function partnerOf({ type, rotation }: Secret): Rotator {
  const rotator = findPartner({ ...(type !== undefined && { type }) })
  if (rotator !== undefined && rotation?.readyMade?.type === type) return rotator
  throw new RotatorError('permission', 'The secret has another Type than when RotateSecret was called: call it again.')
}

type Asked = {
  /** Whether the caller named the rotator: its rights take the place of those of before. */
  readonly again: boolean
  readonly options: readonly { readonly Key?: string | undefined; readonly Value?: string | undefined }[] | undefined
}

/**
 * The secret with what its ready-made rotator may do, where it has one. Nothing that the caller may not do itself: use the KMS keys of the
 * secret, and read the master secret that its value names.
 * @throws InvalidParameterException for options; InvalidRequestException for a value that the rotator cannot rotate, or a master secret that
 * cannot be used; AccessDeniedException; DecryptionFailure, EncryptionFailure
 */
export async function allowReadyMade(
  call: Call,
  stored: StoredSecret,
  secret: RotatingSecret,
  { again, options: given }: Asked,
): Promise<RotatingSecret> {
  const { functionArn, readyMade: before, ...settings } = secret.rotation
  // A service of ours rotates it, with the rights of who has put it in charge.
  if (functionArn === undefined && secret.owningService !== undefined) return secret
  const kept: SecretRotation = { ...settings, ...(functionArn !== undefined && { functionArn }) }
  if (functionArn !== undefined && !isReadyMade(functionArn)) {
    return withPublished({ ...secret, rotation: kept }, undefined)
  }
  const { type } = secret
  const sameRotator = stored.secret.rotation?.functionArn === functionArn && before?.type === typeOf(functionArn, type)
  if (before !== undefined && sameRotator && !again && given === undefined) return secret

  const rotator = functionArn === undefined ? findPartner(secret) : findRotator(functionArn)
  if (rotator === undefined) throw errors.rotationFunctionNotFound(functionArn ?? String(type))
  const options = given === undefined ? (sameRotator && before?.options) || {} : readOptions(rotator, given)

  let master: ReadyMade['master']
  let published: string | undefined
  let failure: unknown
  const rights = await noteRights(call, async (noting) => {
    try {
      await tryKey(noting, secret.arn, secret.kmsKeyId)
      const value = await openSecret(noting, secret, selectVersion(secret, undefined, undefined))
      tellReading(call, stored)
      const place = masterPlaceOf(rotator, value, options)
      published = rotator.published?.(value, options)
      const arn = masterOf(rotator, value, options)
      if (arn === undefined) return
      tellReading(call, (await mayUseMaster(noting, secret, arn)).stored)
      master = { arn, ...(place !== undefined && { place }) }
    } catch (error) {
      failure = error
    }
  })
  if (failure instanceof RotatorError) throw errors.notRotatable(failure.message)
  if (failure !== undefined) throw failure
  const readyMade: ReadyMade = {
    rights,
    options,
    ...(master && { master }),
    ...(functionArn === undefined && type !== undefined && { type }),
  }
  return withPublished({ ...secret, rotation: { ...kept, readyMade } }, published)
}

/** The service looked at it, so that the call could be refused at once. */
function tellReading(call: Call, { account, secret: { arn } }: StoredSecret): void {
  call.also({
    eventName: 'GetSecretValue',
    readOnly: true,
    ofService: true,
    owner: account,
    requestParameters: { secretId: arn },
    resources: [{ arn, accountId: account, type: RESOURCE_TYPE }],
  })
}

/** The value of a version as a rotator reads it. @throws RotatorError `secret`; ServiceError of KMS */
export async function openSecret(call: Call, secret: Secret, version: ValuedVersion) {
  const { kind, bytes } = await openVersion(call, secret, version)
  try {
    if (kind !== 'string') throw new RotatorError('secret', 'The value of the secret is binary.')
    return parseSecret(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString())
  } finally {
    bytes.fill(0)
  }
}

/**
 * Where and how a master's credential goes: by the same host and port it could go without TLS, or to another port beside.
 * @throws RotatorError `secret`
 */
export function masterPlaceOf(rotator: Rotator, value: SecretValue, options: ReadyMade['options']): string | undefined {
  const { place, way } = rotator.check(value, options)
  return place === undefined || way === undefined ? place : `${place} ${way}`
}

/** Of a secret that no function rotates. */
const typeOf = (functionArn: string | undefined, type: string | undefined): string | undefined =>
  functionArn === undefined ? type : undefined

/** The ARN of the master secret, in `masterarn` of the value or in an option; undefined where there is none. */
export function masterOf(rotator: Rotator, value: SecretValue, options: ReadyMade['options']): string | undefined {
  const { master, masterOption } = rotator
  if (master === 'unused') return undefined
  const arn = masterOption === undefined ? value.masterarn : options[masterOption]
  return typeof arn === 'string' && arn !== '' ? arn : undefined
}

/** The master secret, once the caller may have its value. Of another account it would go on being used after that account had said no. */
export async function mayUseMaster(call: Call, secret: Secret, arn: string) {
  if (!arn.startsWith('arn:') || ownerOf(arn) !== ownerOf(secret.arn)) {
    throw errors.masterUnusable(arn, 'masterarn must be the full ARN of a secret of the same account and Region.')
  }
  const target = await resolveSecret(call, arn)
  const permission = permissionOn(target, 'secretsmanager:GetSecretValue')
  if (!call.decide(permission, target.concealed).allow) call.authorize(permission, target.concealed)
  const stored = liveSecret(target)
  return { stored, value: await openSecret(call, stored.secret, selectVersion(stored.secret, undefined, undefined)) }
}

function readOptions(rotator: Rotator, given: NonNullable<Asked['options']>): ReadyMade['options'] {
  const known = rotator.options.map(({ name }) => name)
  const options: Record<string, string> = {}
  for (const { Key, Value } of given) {
    if (Key === undefined || Value === undefined) throw errors.rotatorOptionIncomplete()
    if (!known.includes(Key)) throw errors.unknownRotatorOption(Key, known)
    if (Object.hasOwn(options, Key)) throw errors.rotatorOptionTwice(Key)
    options[Key] = Value
  }
  return options
}
