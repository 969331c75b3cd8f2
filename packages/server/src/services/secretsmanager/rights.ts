// The rights with which a copy is made. It is made after the call that asks for it, with the rights that the caller had then, as AWS's forward
// access sessions do: what policies say of each key is noted while the caller is there, and said again, of nothing else, when nobody is.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html

import type { Call, Identity, Principal } from '../../call.ts'
import { ServiceError } from '../../errors.ts'
import { accessDenied } from '../../policy/denied.ts'
import type { Decision, Permission } from '../../policy/engine.ts'
import type { Rights } from './model.ts'
import type { Store } from './store.ts'

/** The most entries of a kind that are kept; the oldest go first. A secret has at most some hundred versions. */
const RIGHTS_MAX = 256

const nameOf = ({ action, resource }: Permission): string => `${action} ${resource}`

/**
 * Does what KMS would be asked for and notes what policies say of it; that it is refused, or fails, is for the copy to tell.
 * @throws what is not an answer of KMS or of the policies
 */
export async function noteRights(call: Call, work: (call: Call) => Promise<unknown>): Promise<Rights> {
  const allowed = new Set<string>()
  const denied = new Set<string>()
  const decide: Call['decide'] = (permission, concealed) => {
    const decision = call.decide(permission, concealed)
    if (decision.allow) allowed.add(nameOf(permission))
    else if (decision.reason === 'explicit-deny') denied.add(nameOf(permission))
    return decision
  }
  try {
    await work({ ...call, decide })
  } catch (error) {
    if (!(error instanceof ServiceError) || error.status >= 500) throw error
  }
  const { account, kind, userId, arn } = call.identity
  return { caller: { account, kind, userId, arn }, allowed: [...allowed], denied: [...denied] }
}

/** The same caller in another Region. */
export const inRegion = (call: Call, region: string): Call => ({ ...call, region })

/** With what another caller may do besides. What was denied to the first stays denied. */
export const joinRights = (rights: Rights, more: Rights): Rights => ({
  ...rights,
  allowed: [...new Set([...rights.allowed, ...more.allowed])].slice(-RIGHTS_MAX),
  denied: rights.denied.slice(-RIGHTS_MAX),
})

/** A call of nobody, in a Region, that may do what the rights say and no more. */
export function callByRights({ app, tx }: Store, rights: Rights, region: string): Call {
  const identity: Identity = { ...rights.caller, accessKeyId: '' }
  const principal: Principal = { ...rights.caller, identity, policies: [], tags: {} }
  const decide = (permission: Permission): Decision => {
    const name = nameOf(permission)
    const told = { layer: 'identity', statements: [] } as const
    if (rights.denied.includes(name)) return { allow: false, reason: 'explicit-deny', ...told }
    if (rights.allowed.includes(name)) return { allow: true, reason: 'allow', ...told }
    return { allow: false, reason: 'implicit-deny', ...told }
  }
  return {
    app,
    tx,
    requestId: app.uuid(),
    eventId: app.uuid(),
    now: app.now(),
    partition: app.partition,
    region,
    account: rights.caller.account,
    identity,
    principal,
    prepared: undefined,
    input: undefined,
    decide,
    authorize: (permission) => {
      const decision = decide(permission)
      if (!decision.allow) throw accessDenied('json', identity.arn, permission, decision)
    },
    also: () => undefined,
  }
}
