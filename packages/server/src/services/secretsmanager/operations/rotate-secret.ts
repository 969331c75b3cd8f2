// RotateSecret turns rotation on, or changes its settings, and begins a rotation, which goes on after the answer; or tries its function out where
// RotateImmediately is false.
// https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_RotateSecret.html

import type { Call } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import * as errors from '../errors.ts'
import { CURRENT, findVersion, mustHaveToken, type RotatingSecret, unfinishedVersion } from '../model.ts'
import { checkOwner } from '../ownership.ts'
import { changeSecret } from '../replication.ts'
import { beginRotation } from '../rotation/begin.ts'
import { isReadyMade, parseFunctionArn } from '../rotation/functions.ts'
import { scheduleStart } from '../rotation/jobs.ts'
import { type SecretRotation, withNextSlot } from '../rotation/model.ts'
import { allowReadyMade, findPartner } from '../rotation/ready-made-settings.ts'
import { parseRotationRules, type RotationRules } from '../rotation/schedule.ts'
import { listRotations, ROTATIONS_KEPT } from '../rotation/store.ts'
import { beginTrial } from '../rotation/trial.ts'
import {
  Arn,
  ClientRequestToken,
  ExternalSecretRotationMetadata,
  RoleArn,
  RotationLambdaArn,
  RotationRules as RotationRulesShape,
  SecretId,
  SecretName,
  VersionId,
} from '../shapes.ts'
import type { StoredSecret } from '../store.ts'
import { parseSecretArn, permissionOn, permissionsToInvoke, primarySecret, secretTarget } from '../target.ts'

type GivenOption = { readonly Key?: string | undefined; readonly Value?: string | undefined }

type Input = {
  readonly RotationLambdaARN?: string | undefined
  readonly RotationRules?: RotationRules | undefined
  readonly ExternalSecretRotationMetadata?: readonly GivenOption[] | undefined
  readonly ExternalSecretRotationRoleArn?: string | undefined
}

export const rotateSecret = operation({
  name: 'RotateSecret',
  readOnly: false,

  input: {
    SecretId,
    ClientRequestToken: optional(ClientRequestToken),
    RotationLambdaARN: optional(RotationLambdaArn),
    RotationRules: optional(RotationRulesShape),
    ExternalSecretRotationMetadata: optional(ExternalSecretRotationMetadata),
    ExternalSecretRotationRoleArn: optional(RoleArn),
    RotateImmediately: optional(boolean()),
  },

  output: { ARN: optional(Arn), Name: optional(SecretName), VersionId: optional(VersionId) },

  target: secretTarget,

  conditions: (input) => ({
    'secretsmanager:RotationLambdaARN': input.RotationLambdaARN,
    'secretsmanager:ExternalSecretRotationRoleArn': input.ExternalSecretRotationRoleArn,
    'secretsmanager:RotateImmediately': input.RotateImmediately?.toString(),
    'secretsmanager:ModifyRotationRules': input.RotationRules === undefined ? undefined : 'true',
  }),

  permissions: ({ RotationLambdaARN }, target) => [
    permissionOn(target, 'secretsmanager:RotateSecret'),
    ...permissionsToInvoke(target, RotationLambdaARN),
  ],

  responseElements: ({ ARN, Name, VersionId: versionId }) => ({ arn: ARN, name: Name, versionId }),

  async prepare({ app, account, input: { SecretId: id, RotationLambdaARN: functionArn } }) {
    if (functionArn === undefined || parseFunctionArn(functionArn) === undefined) return
    await app.rotationFunctions.prepare(app, { functionArn, account: parseSecretArn(id)?.account ?? account })
  },

  async run(call) {
    const { input } = call
    const stored = primarySecret(call.target)
    const { arn: ARN, name: Name } = stored.secret
    refuseExternal(stored, input)
    const token = mustHaveToken(input.ClientRequestToken)
    let secret = withSettings(call, stored, input)
    if (await isKnown(call, secret, token)) return { ARN, Name, VersionId: token }
    const unfinished = unfinishedVersion(secret)
    // The version that an earlier rotation left behind can be named to try it again now.
    const again = unfinished?.id === token && secret.rotation.running === undefined
    if (unfinished !== undefined && !again) throw errors.rotationUnfinished()
    if (secret.rotation.running !== undefined) throw errors.rotationUnfinished()
    const { functionArn } = secret.rotation
    if (functionArn !== undefined) {
      await call.app.rotationFunctions.check(call, { functionArn, account: stored.account, secretArn: ARN })
    }
    secret = await allowReadyMade(call, stored, secret, {
      again: input.RotationLambdaARN !== undefined,
      options: input.ExternalSecretRotationMetadata,
    })
    await scheduleStart(call, stored, secret)
    if (input.RotateImmediately === false) {
      await changeSecret(call, stored, await beginTrial(call, stored, secret, token))
      return { ARN, Name }
    }
    await changeSecret(call, stored, await beginRotation(call, stored, secret, { kind: 'rotation', versionId: token }))
    return { ARN, Name, VersionId: token }
  },
})

/** Options are for ready-made rotators, of functions or of managed external secrets; none of them has a role. */
function refuseExternal({ secret }: StoredSecret, input: Input): void {
  const functionArn = input.RotationLambdaARN ?? secret.rotation?.functionArn
  const readyMade = functionArn === undefined ? findPartner(secret) !== undefined : isReadyMade(functionArn)
  if (input.ExternalSecretRotationRoleArn !== undefined) throw errors.rotationRoleNotUsed()
  if (input.ExternalSecretRotationMetadata !== undefined && !readyMade) throw errors.optionsNotUsed()
}

/**
 * The secret with rotation turned on, by the settings of the call and otherwise by those that it has.
 * @throws InvalidParameterException for settings that are none; InvalidRequestException where nothing rotates the secret, or it has no value
 */
function withSettings(
  call: Call,
  { secret }: StoredSecret,
  { RotationLambdaARN: given, RotationRules }: Input,
): RotatingSecret {
  const { owningService, rotation: before } = secret
  if (given !== undefined) {
    checkOwner(secret, 'RotateSecret by a function')
    if (parseFunctionArn(given) === undefined) throw errors.notAFunctionArn(given)
  }
  const functionArn = given ?? before?.functionArn
  const managed = owningService !== undefined && call.app.rotationFunctions.managed.has(owningService)
  if (functionArn === undefined && !managed && findPartner(secret) === undefined) {
    throw secret.type === undefined ? errors.noRotationFunction() : errors.noPartnerRotator(secret.type)
  }
  if (RotationRules !== undefined) parseRotationRules(RotationRules)
  const rules = RotationRules ?? before?.rules
  if (!secret.versions.some(({ stages }) => stages.includes(CURRENT))) throw errors.nothingToRotate()

  const { functionArn: _, rules: __, daysBetween, ...kept } = before ?? {}
  const settings: SecretRotation = {
    ...kept,
    enabled: true,
    configuredAt: RotationRules === undefined ? (before?.configuredAt ?? call.now) : call.now,
    ...(functionArn !== undefined && { functionArn }),
    ...(rules !== undefined && { rules }),
    ...(RotationRules === undefined && daysBetween !== undefined && { daysBetween }),
  }
  return { ...secret, rotation: withNextSlot(settings, secret.arn, call.now), changedAt: call.now }
}

/**
 * Whether a rotation with this token is under way, or is over, so that the call is a retry.
 * @throws InvalidRequestException where a version has the id that no rotation made
 */
async function isKnown(call: Call, secret: RotatingSecret, token: string): Promise<boolean> {
  if (secret.rotation.running?.versionId === token) return true
  const version = findVersion(secret, token)
  if (version === undefined || version.id === unfinishedVersion(secret)?.id) return false
  const past = await listRotations(call, secret.arn, ROTATIONS_KEPT)
  if (past.some(({ versionId }) => versionId === token)) return true
  throw errors.tokenOfOtherVersion(token, secret.arn)
}
