// What Secrets Manager reads of a secret so that its rotation is confined to it and its values stay out of logs: as the function would, with the
// rights of the function's session, but here, and not by a request. The trail has it as the function's GetSecretValue that this service made.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html

import type { App } from '../../../app.ts'
import type { Call, Identity, Principal } from '../../../call.ts'
import { principalContext, resourceContext } from '../../../context.ts'
import { ServiceError } from '../../../errors.ts'
import { accessDenied } from '../../../policy/denied.ts'
import { ownContext, type Permission } from '../../../policy/engine.ts'
import { evaluate } from '../../../policy/evaluate.ts'
import type { Transaction } from '../../../storage/database.ts'
import { readSessionPrincipal } from '../../iam/port.ts'
import { CURRENT, findHolder, findVersion, hasValue, type Plain, type SecretVersion } from '../model.ts'
import type { StoredSecret } from '../store.ts'
import { permissionOn, resolveSecret, type SecretTarget } from '../target.ts'
import { openVersion } from '../value.ts'

const SERVICE = 'secretsmanager.amazonaws.com'

/** Versions of one secret that are wanted: those that have one of the labels, or the id. */
export type Wanted = { readonly secretId: string; readonly stages: readonly string[]; readonly versionId?: string }

/**
 * The values of those versions that are there and may be read; each reading, and each refusal, is in the trail.
 * @throws IntegrityError, DatabaseError, and ServiceError where KMS is at fault
 */
export async function readAs(
  app: App,
  identityOf: (tx: Transaction) => Promise<Identity>,
  region: string,
  { secretId, stages, versionId }: Wanted,
): Promise<readonly Plain[]> {
  const { values, events } = await app.database.transaction('read', async (tx) => {
    const identity = await identityOf(tx)
    const principal = await readSessionPrincipal(app, tx, identity)
    const values: Plain[] = []
    const events: Reading[] = []
    const call = callAs(app, tx, identity, principal, region)
    const target = await resolveSecret(call, secretId)
    const { stored } = target
    if (stored === undefined || stored.secret.deletedAt !== undefined) return { values, events }
    for (const version of wanted(stored, stages, versionId)) {
      const reading: Reading = { identity, target, versionId: version.id }
      try {
        call.authorize(permissionOn(target, 'secretsmanager:GetSecretValue', conditionsOf(version)), target.concealed)
        values.push(await openVersion(call, stored.secret, version))
        events.push(reading)
      } catch (error) {
        if (!(error instanceof ServiceError) || error.status >= 500) throw error
        events.push({ ...reading, error })
      }
    }
    return { values, events }
  })
  await app.trail.append(events.flatMap((reading) => recordsOf(app, region, reading)))
  return values
}

function wanted({ secret }: StoredSecret, stages: readonly string[], versionId: string | undefined) {
  const ids = new Set(stages.map((stage) => findHolder(secret.versions, stage)?.id))
  ids.add(versionId)
  return [...ids].flatMap((id) => {
    const version = id === undefined ? undefined : findVersion(secret, id)
    return version !== undefined && hasValue(version) ? [version] : []
  })
}

/** As functions ask for it: AWSCURRENT by its label, others by their ids too. */
const conditionsOf = ({ id, stages }: SecretVersion) => ({
  'secretsmanager:VersionId': stages.includes(CURRENT) ? undefined : id,
  'secretsmanager:VersionStage': stages.includes(CURRENT) ? CURRENT : stages[0],
})

function callAs(app: App, tx: Transaction, identity: Identity, principal: Principal, region: string): Call {
  const { organization } = app
  const { policies, boundary, sessionPolicies: session } = principal
  const decide: Call['decide'] = (asked, concealed) => {
    const permission: Permission =
      concealed === undefined
        ? asked
        : {
            ...asked,
            ...concealed,
            context: { ...concealed.context, ...ownContext(asked) },
            resource: concealed.resource ?? asked.resource,
          }
    return evaluate({
      principal,
      permission,
      context: () => ({
        'aws:CurrentTime': new Date(app.wallNow()).toISOString(),
        'aws:EpochTime': String(Math.floor(app.wallNow() / 1_000)),
        'aws:RequestedRegion': region,
        'aws:PrincipalIsAWSService': 'false',
        'aws:ViaAWSService': 'true',
        'aws:SecureTransport': 'true',
        ...principalContext(principal, organization),
        ...resourceContext(permission.resourceAccount, organization),
      }),
      layers: { identity: policies, ...(boundary && { boundary }), ...(session && { session }) },
    })
  }
  return {
    app,
    tx,
    requestId: app.uuid(),
    eventId: app.uuid(),
    now: app.now(),
    partition: app.partition,
    region,
    account: identity.account,
    identity,
    principal,
    prepared: undefined,
    input: undefined,
    decide,
    authorize: (permission, concealed) => {
      const decision = decide(permission, concealed)
      if (!decision.allow) throw accessDenied('json', principal.arn, permission, decision)
    },
    also: () => undefined,
  }
}

type Reading = {
  readonly identity: Identity
  readonly target: SecretTarget
  readonly versionId: string
  readonly error?: ServiceError
}

/** In the trail of the function's account, and in that of the secret where it is another and let the function in. */
function recordsOf(app: App, region: string, { identity, target, versionId, error }: Reading) {
  const { resource, account: owner, resourceType } = target
  const record = {
    eventId: app.uuid(),
    time: app.wallNow(),
    requestId: app.uuid(),
    service: 'secretsmanager',
    eventName: 'GetSecretValue',
    region,
    readOnly: true,
    identity,
    account: identity.account,
    sourceIpAddress: SERVICE,
    userAgent: SERVICE,
    requestParameters: { secretId: resource, versionId },
    responseElements: null,
    additionalEventData: { readBy: SERVICE, readFor: 'rotation' },
    resources: resourceType === undefined ? [] : [{ arn: resource, accountId: owner, type: resourceType }],
    ...(error && { errorCode: error.code, errorMessage: error.message }),
  }
  if (owner === identity.account || error !== undefined) return [record]
  const shared = { ...record, sharedEventId: app.uuid() }
  return [shared, { ...shared, eventId: app.uuid(), account: owner }]
}
