// What the rest of the server asks of Lambda: the means to run functions, and for rotation whether a function may be invoked, and its answer.

import type { App } from '../../app.ts'
import type { Identity } from '../../call.ts'
import { resourceContext } from '../../context.ts'
import { ServiceError } from '../../errors.ts'
import type { PolicyPrincipal } from '../../policy/engine.ts'
import { evaluate } from '../../policy/evaluate.ts'
import type { Transaction } from '../../storage/database.ts'
import { isOpenAccount } from '../iam/port.ts'
import * as errors from './errors.ts'
import { invokeFunction } from './invoke.ts'
import { functionArn, parseFunctionName } from './names.ts'
import { readResourcePolicy } from './policy.ts'
import { roleSession } from './role.ts'
import { findFunction } from './store.ts'
import { readVersion } from './versions.ts'

export { redact } from '@strongroom/functions'
export { createRunner, type FunctionRunner, type LeastLevel } from './runner.ts'
export { dataKeyTable } from './store.ts'

const SECRETS_MANAGER: PolicyPrincipal = {
  kind: 'service',
  arn: 'secretsmanager.amazonaws.com',
  account: '',
  userId: '',
}

type Scope = { readonly app: App; readonly tx: Transaction }

/** The full ARN of a function, perhaps with a version or an alias, in its parts; undefined for what is none of this partition. */
function partsOf(app: App, arn: string) {
  const [prefix, partition, service, region = '', account = ''] = arn.split(':')
  if (prefix !== 'arn' || partition !== app.partition || service !== 'lambda') return undefined
  try {
    return { region, ...parseFunctionName({ partition, region, account }, arn) }
  } catch (error) {
    if (error instanceof ServiceError) return undefined
    throw error
  }
}

/**
 * Whether the policy of a function lets Secrets Manager invoke it for a secret.
 * @param functionArn full, with or without a version or an alias
 * @param sourceArn of the secret @param sourceAccount that owns it
 * @returns `absent` where there is no such function, version or alias
 */
export async function mayInvoke(
  { app, tx }: Scope,
  asked: { readonly functionArn: string; readonly sourceArn: string; readonly sourceAccount: string },
): Promise<'allowed' | 'refused' | 'absent'> {
  const named = partsOf(app, asked.functionArn)
  if (named === undefined || !(await isOpenAccount(app, tx, named.account))) return 'absent'
  const stored = await findFunction({ app, tx }, named.account, named.region, named.name)
  if (stored === undefined) return 'absent'
  const { fn } = stored
  try {
    await readVersion({ app, tx }, fn, named.qualifier)
  } catch (error) {
    if (error instanceof ServiceError) return 'absent'
    throw error
  }
  const resource = functionArn({ partition: app.partition, region: named.region }, named)
  const resourcePolicy = await readResourcePolicy({ app, tx }, fn, named.qualifier, resource)
  const { allow } = evaluate({
    principal: SECRETS_MANAGER,
    permission: {
      action: 'lambda:InvokeFunction',
      resource,
      resourceAccount: fn.accountId,
      ...(resourcePolicy && { resourcePolicy }),
    },
    context: () => ({
      'aws:CurrentTime': new Date(app.wallNow()).toISOString(),
      'aws:EpochTime': String(Math.floor(app.wallNow() / 1_000)),
      'aws:PrincipalIsAWSService': 'true',
      'aws:PrincipalServiceName': SECRETS_MANAGER.arn,
      'aws:RequestedRegion': named.region,
      'aws:SourceAccount': asked.sourceAccount,
      'aws:SourceArn': asked.sourceArn,
      'aws:SourceOrgID': app.organization.id,
      ...resourceContext(fn.accountId, app.organization),
    }),
    layers: { identity: [] },
  })
  return allow ? 'allowed' : 'refused'
}

/** Whether there is such a function; its version or alias is for `mayInvoke`. */
export async function hasFunction({ app, tx }: Scope, arn: string): Promise<boolean> {
  const named = partsOf(app, arn)
  return named !== undefined && (await findFunction({ app, tx }, named.account, named.region, named.name)) !== undefined
}

/**
 * Who a function is in a rotation: a session of its role, narrowed to the secrets. What the function would read of them may be read with these
 * rights, and nothing else.
 * @throws ServiceError where the function or its role is not there
 */
export async function rotationIdentity(
  { app, tx }: Scope,
  { functionArn: arn, ...secrets }: RotatedSecrets & Pick<RotationInvocation, 'functionArn'>,
): Promise<Identity> {
  const named = partsOf(app, arn)
  const stored = named && (await findFunction({ app, tx }, named.account, named.region, named.name))
  if (stored === undefined) throw errors.functionNotFound(arn)
  const { role } = await readVersion({ app, tx }, stored.fn, named!.qualifier)
  const session = await roleSession(app, tx, stored.fn, role, [rotationPolicy(app.partition, secrets)])
  return app.sessionTokens.open(session.sessionToken, session.accessKeyId)!.identity
}

export type RotationInvocation = {
  readonly functionArn: string
  /** JSON. */
  readonly payload: Uint8Array
  /** The same for the four steps of a rotation: one instance serves them. */
  readonly instanceKey: string
  /** The secret that rotates, and the only one that the function's session may change. */
  readonly secretArn: string
  /** Its master secret, where it has one, which the session may read. */
  readonly masterSecretArn?: string | undefined
  /** Values that must not be in the function's log. */
  readonly redact?: readonly string[]
  /** TCP ports that the function may connect to beside those of this server, such as that of the secret's database. */
  readonly tcpPorts?: readonly number[]
  readonly signal?: AbortSignal
}

/** Without `functionError` the function has succeeded. Texts are the function's own words. */
export type RotationAnswer = {
  readonly functionError?: 'Unhandled'
  readonly errorType?: string
  /** Its log, at most the last MiB, without the values of `redact`. */
  readonly log?: string
}

/**
 * Runs a function for a rotation, as its role, narrowed to the secrets. Whether it may be invoked is for `mayInvoke`.
 * @throws ServiceError where it cannot be invoked: it is gone, too many run already, no runtime, the server stops
 */
export async function invokeForRotation(app: App, invocation: RotationInvocation): Promise<RotationAnswer> {
  const { functionArn: arn, payload, instanceKey, redact = [], tcpPorts, signal } = invocation
  const named = partsOf(app, arn)
  if (named === undefined) throw new RangeError('not the ARN of a function')
  const result = await invokeFunction(app, named, {
    payload,
    instanceKey,
    redact,
    policies: [rotationPolicy(app.partition, invocation)],
    ...(tcpPorts !== undefined && { tcpPorts }),
    ...(signal !== undefined && { signal }),
  })
  if (result.functionError === undefined) return {}
  return {
    functionError: result.functionError,
    ...(result.errorType !== undefined && { errorType: result.errorType.slice(0, 256) }),
    log: result.log.toString(),
  }
}

type RotatedSecrets = Pick<RotationInvocation, 'secretArn' | 'masterSecretArn'>

/** What a rotation may do at most: with the secret, its master secret, and with the keys that they are encrypted under, through them. */
const rotationPolicy = (partition: string, { secretArn, masterSecretArn }: RotatedSecrets): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Action: ['secretsmanager:DescribeSecret', 'secretsmanager:GetSecretValue'],
        Resource: [secretArn, ...(masterSecretArn === undefined ? [] : [masterSecretArn])],
      },
      {
        Effect: 'Allow',
        Action: ['secretsmanager:PutSecretValue', 'secretsmanager:UpdateSecretVersionStage'],
        Resource: secretArn,
      },
      { Effect: 'Allow', Action: 'secretsmanager:GetRandomPassword', Resource: '*' },
      {
        Effect: 'Allow',
        Action: ['kms:Decrypt', 'kms:Encrypt', 'kms:GenerateDataKey'],
        Resource: `arn:${partition}:kms:*:*:key/*`,
        Condition: { StringLike: { 'kms:ViaService': 'secretsmanager.*.amazonaws.com' } },
      },
    ],
  })
