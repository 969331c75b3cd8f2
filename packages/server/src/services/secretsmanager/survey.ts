// What advice is made from: the secrets of an account in a Region, page by page, each as far as the caller may know it. Every kind of fact asks
// for the permission by which the caller could have found it out.

import type { Call } from '../../call.ts'
import { ServiceError } from '../../errors.ts'
import { createPauses } from '../../pauses.ts'
import { publicGrants } from '../../policy/public.ts'
import { CURRENT, hasValue, type Plain, RESOURCE_TYPE, type Secret, type Tag, type ValuedVersion } from './model.ts'
import { readResourcePolicy } from './resource-policy.ts'
import { listRotations } from './rotation/store.ts'
import { listSecrets, type StoredSecret } from './store.ts'
import { permissionOn, type SecretTarget, targetOf } from './target.ts'
import { openVersion } from './value.ts'

/** What the caller may not know. */
export const REFUSED = 'refused'
type Refusable<T> = T | typeof REFUSED

/** Times are milliseconds since the epoch, service clock. */
export type SurveyedSecret<T> = {
  readonly arn: string
  readonly name: string
  readonly tags: readonly Tag[]
  readonly createdAt: number
  readonly owningService?: string
  readonly isReplica: boolean
  /** Midnight UTC of the day on which it was read last; absent where it never was. */
  readonly readDay?: number
  /** When the version that is current was made; absent where the secret has no value. */
  readonly currentSince?: number
  readonly rotation?: { readonly enabled: boolean; readonly rotatedAt?: number }
  /** How many of the latest rotations failed, one after another. Absent where it was not asked for. */
  readonly failures?: Refusable<number>
  /** The statements of its policy that let everyone in, by Sid or place. Absent where it was not asked for. */
  readonly publicStatements?: Refusable<readonly string[]>
  /** What `examine` made of the current value. Absent where it was not asked for, and where there is none. */
  readonly value?: Refusable<T>
}

export type SurveyPage<T> = {
  readonly secrets: readonly SurveyedSecret<T>[]
  /** Secrets that the caller may not describe: they are only counted. */
  readonly hidden: number
  /** The name after which the next page begins; absent where this is the last. */
  readonly next?: string
}

export type Survey<T> = {
  /** The name after which the page begins. */
  readonly after: string | undefined
  readonly limit: number
  readonly rotations: boolean
  readonly policies: boolean
  /** What becomes of a value, which must not be kept; absent: none is looked into. The bytes are zeroed afterwards. */
  readonly examine?: (name: string, value: Plain) => T
}

/** The name of the event of a value that was looked into and given to nobody. */
export const INSPECTED = 'InspectSecretValue'

/** Secrets that are looked at side by side, so that their queries need not wait for one another. */
const TOGETHER = 16
/** Rotations of one secret that are looked at. */
const ROTATIONS_LOOKED_AT = 10
const BY_NAME = { by: 'name', descending: false } as const

/**
 * One page of the secrets of the call's account, in the order of their names; those that are scheduled for deletion are passed over.
 * @param also where the events go, of values that were looked into
 * @throws IntegrityError where a row on the way was altered
 */
export async function surveyPage<T>(call: Call, survey: Survey<T>, also: Call['also']): Promise<SurveyPage<T>> {
  const { account, region } = call
  const place = survey.after === undefined ? undefined : { name: survey.after }
  const page = await listSecrets(call, account, region, BY_NAME, place, survey.limit)
  const live = page.filter(({ secret }) => secret.deletedAt === undefined)
  const secrets: SurveyedSecret<T>[] = []
  const pause = createPauses()
  for (let at = 0; at < live.length; at += TOGETHER) {
    const some = live.slice(at, at + TOGETHER)
    // All of them end, also where one fails: nothing may be asked of a transaction that is over.
    for (const one of await Promise.allSettled(some.map((stored) => surveyOne(call, stored, survey, also)))) {
      if (one.status === 'rejected') throw one.reason
      if (one.value !== undefined) secrets.push(one.value)
    }
    await pause()
  }
  const last = page.length < survey.limit ? undefined : page.at(-1)
  return { secrets, hidden: live.length - secrets.length, ...(last && { next: last.secret.name }) }
}

/** Undefined where the caller may not describe it. */
async function surveyOne<T>(
  call: Call,
  stored: StoredSecret,
  { rotations, policies, examine }: Survey<T>,
  also: Call['also'],
): Promise<SurveyedSecret<T> | undefined> {
  const { secret } = stored
  const policy = await readResourcePolicy(call, secret)
  const target = targetOf(call, stored, secret.arn, policy)
  const may = (action: string): boolean => call.decide(permissionOn(target, action), target.concealed).allow
  if (!may('secretsmanager:DescribeSecret')) return undefined
  const readDay = call.app.accesses.dayOfSecret(stored)
  const current = secret.versions.find(({ stages }) => stages.includes(CURRENT))
  const { rotation, owningService } = secret
  const failures = () => countFailures(call, secret)
  const statements = () =>
    policy ? publicGrants(policy.policy.policy).map(({ sid, index }) => sid ?? `${index + 1}`) : []
  const looked = examine && hasValue(current) ? await lookInto(call, target, secret, current, examine, also) : undefined
  return {
    arn: secret.arn,
    name: secret.name,
    tags: secret.tags,
    createdAt: secret.createdAt,
    ...(owningService !== undefined && { owningService }),
    isReplica: secret.primaryRegion !== undefined,
    ...(readDay !== undefined && { readDay }),
    ...(hasValue(current) && { currentSince: current.createdAt }),
    ...(rotation && {
      rotation: {
        enabled: rotation.enabled,
        ...(rotation.rotatedAt !== undefined && { rotatedAt: rotation.rotatedAt }),
      },
    }),
    ...(rotations && rotation && { failures: may('strongroom:ListRotations') ? await failures() : REFUSED }),
    ...(policies && { publicStatements: may('secretsmanager:GetResourcePolicy') ? statements() : REFUSED }),
    ...(looked !== undefined && { value: looked }),
  }
}

async function countFailures(call: Call, { arn }: Secret): Promise<number> {
  const ended = (await listRotations(call, arn, ROTATIONS_LOOKED_AT)).filter(
    ({ kind, outcome }) => kind === 'rotation' && outcome !== undefined,
  )
  const other = ended.findIndex(({ outcome }) => outcome !== 'failed')
  return other === -1 ? ended.length : other
}

/** By the rights that GetSecretValue takes, with those of KMS; it leaves an event, and no day of access. */
async function lookInto<T>(
  call: Call,
  target: SecretTarget,
  secret: Secret,
  version: ValuedVersion,
  examine: (name: string, value: Plain) => T,
  also: Call['also'],
): Promise<Refusable<T>> {
  if (!call.decide(permissionOn(target, 'secretsmanager:GetSecretValue'), target.concealed).allow) return REFUSED
  try {
    const plain = await openVersion(call, secret, version)
    also({
      eventName: INSPECTED,
      readOnly: true,
      owner: target.account,
      requestParameters: { secretId: secret.arn, versionId: version.id },
      resources: [{ arn: secret.arn, accountId: target.account, type: RESOURCE_TYPE }],
    })
    try {
      return examine(secret.name, plain)
    } finally {
      plain.bytes.fill(0)
    }
  } catch (error) {
    // A key that the caller may not use, or that is disabled; what else goes wrong is not one secret's affair.
    if (error instanceof ServiceError && error.status < 500) return REFUSED
    throw error
  }
}
