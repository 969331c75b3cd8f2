// RetireGrant ends a grant, by whom the grant itself lets: its retiring principal, its grantee where it allows RetireGrant, and the account
// that made it; and by whom policies let.
// https://docs.aws.amazon.com/kms/latest/APIReference/API_RetireGrant.html

import type { Call } from '../../../call.ts'
import { operation } from '../../../operation.ts'
import type { Grant as GrantOfPermission } from '../../../policy/engine.ts'
import { boolean, optional } from '../../../shape/shape.ts'
import { endDryRun } from '../cryptography.ts'
import { grantNotFound, invalidRequest, otherRegion } from '../errors.ts'
import { type Grant, granteeName, namesCaller } from '../grant.ts'
import { findGrantById, openGrantToken, removeGrant } from '../grants.ts'
import { requestContext } from '../key-context.ts'
import { keyArn } from '../model.ts'
import { GrantId, GrantToken, KeyId } from '../shapes.ts'
import { removeRetirable } from '../store.ts'
import { existingKey, type KeyTarget, resolveKey } from '../target.ts'

type Input = {
  readonly GrantToken?: string | undefined
  readonly KeyId?: string | undefined
  readonly GrantId?: string | undefined
}

type GrantTarget = KeyTarget & { readonly grantId: string; readonly ending: Grant | undefined }

async function target(call: Call<Input>): Promise<GrantTarget> {
  const { app, input, partition, region } = call
  let { KeyId: keyId, GrantId: grantId } = input
  if (input.GrantToken !== undefined) {
    const place = openGrantToken(app.keyring, input.GrantToken)
    if (place.region !== region) throw otherRegion(place.region)
    keyId = keyArn({ partition, region, account: place.account }, place.keyId)
    grantId = place.grantId
  }
  if (keyId === undefined || grantId === undefined)
    throw invalidRequest('A GrantToken, or the KeyId and GrantId of the grant, are required.')
  const found = await resolveKey(call, keyId, { names: 'key', crossAccount: true }, requestContext(call))
  const ending = found.stored && (await findGrantById(call, found.stored.key, grantId))
  const grant = ending && rightOf(call, ending)
  const granted = grant && (found.concealed ? { concealed: { ...found.concealed, grant } } : { grant })
  return { ...found, ...granted, grantId, ending }
}

/** How the grant itself lets the caller end it. */
function rightOf(
  { principal }: Call,
  { grantId, grantee, retiring, operations, issuingAccount }: Grant,
): GrantOfPermission | undefined {
  const to =
    (retiring && namesCaller(retiring, principal)) ??
    (operations.includes('RetireGrant') ? namesCaller(grantee, principal) : undefined) ??
    (issuingAccount === principal.account ? 'account' : undefined)
  return to && { name: grantId, to }
}

export const retireGrant = operation({
  name: 'RetireGrant',
  readOnly: false,
  input: {
    GrantToken: optional(GrantToken),
    KeyId: optional(KeyId),
    GrantId: optional(GrantId),
    DryRun: optional(boolean()),
  },
  target,

  async run(call) {
    const { input, target } = call
    const stored = existingKey(target)
    const { ending } = target
    if (ending === undefined) throw grantNotFound(target.grantId)
    endDryRun(input)
    await removeGrant(call, stored, ending.grantId)
    if (ending.retiring) await removeRetirable(call, granteeName(ending.retiring), stored.key, ending.grantId)
    return {}
  },
})
