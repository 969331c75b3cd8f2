// ExplainAccess tells why a principal of the asker's account may do something, or may not: by the engine, and on the policies, grants and tags
// that a request by it would meet. No AWS operation: docs/policies.md, "Why was I denied?".

import type { Call, Principal } from '../../../call.ts'
import { operation, type Target } from '../../../operation.ts'
import { type AuthorizationRequest, type Context, ownContext, type Permission } from '../../../policy/engine.ts'
import { explain } from '../../../policy/explain.ts'
import { list, map, optional, string } from '../../../shape/shape.ts'
import { type AskedPrincipal, findPrincipalByArn, parsePrincipalArn, roleArnOfSession } from '../../iam/port.ts'
import * as errors from '../errors.ts'
import { explainedTarget, findOperation, spelled } from '../explained-target.ts'
import { explanationOutput, tellExplanation } from '../explanation.ts'

const Arn = string({ min: 20, max: 2048 })

/** The caller itself with its own session, or the principal that is named. */
type PrincipalTarget = Target & { readonly asked: AskedPrincipal | 'caller' }

type Input = { readonly PrincipalArn?: string | undefined }

export const explainAccess = operation({
  name: 'ExplainAccess',
  readOnly: true,
  path: '/_strongroom/policy/explain',

  input: {
    /** Of a user, a role, a session of a role, or a root user; absent: the caller, with the session that it has. */
    PrincipalArn: optional(Arn),
    /** `secretsmanager:GetSecretValue`. */
    Action: string({
      min: 3,
      max: 128,
      pattern: /^[A-Za-z0-9-]+:[A-Za-z0-9]+$/,
      patternText: '[A-Za-z0-9-]+:[A-Za-z0-9]+',
    }),
    /** An ARN, or a name as the operation takes it; absent: `*`. */
    Resource: optional(string({ min: 1, max: 2048 })),
    /** Condition keys that stand for those of the request and the resource. */
    Context: optional(map(string({ min: 3, max: 256 }), list(string({ max: 2048 }), { max: 50 }), { max: 100 })),
    /** Of a session of a role: what was passed for it. */
    SessionPolicy: optional(string({ min: 1, max: 2048 })),
    SessionPolicyArns: optional(list(Arn, { max: 10 })),
  },

  output: explanationOutput,

  target: async (call: Call<Input>): Promise<PrincipalTarget> => {
    const { PrincipalArn: arn } = call.input
    const { account, principal } = call
    if (arn === undefined) return { ...named(principal.role?.arn ?? principal.arn, account), asked: 'caller' }
    const asked = parsePrincipalArn(arn)
    // Policies are written for roles; who may ask about one may ask about its sessions.
    const own = asked.account === account && asked.kind === 'role-session'
    const role = own ? await roleArnOfSession(call.app, call.tx, asked) : undefined
    return { ...named(role ?? arn, asked.account || account), shown: arn, asked }
  },

  async run(call) {
    const { app, input, target } = call
    const { Action, Resource = '*', Context: given = {} } = input
    const principal = await principalOf(call, target)
    const { service, operation } = findOperation(app.services, Action)
    const region = /^arn:[^:]*:[^:]*:([^:]+):/.exec(Resource)?.[1] ?? call.region
    const { call: theirs, question } = call.suppose!({ principal, region, service: service ?? OTHER_SERVICE })
    const about = await explainedTarget(theirs, Action, operation, Resource, given)
    const isForeign = about.account !== principal.account
    if (isForeign && Object.keys(given).some(isOfServer)) throw errors.notOfCaller()
    const permission: Permission = {
      action: spelled(Action, service, operation),
      resource: about.resource,
      resourceAccount: about.account,
      ...(about.context && { context: about.context }),
      ...(about.resourcePolicy && { resourcePolicy: about.resourcePolicy }),
      ...(about.grant && { grant: about.grant }),
    }
    const told = withGiven(question(permission), given)
    const actual = withGiven(question(permission, about.concealed), given)
    const foreign = isForeign ? { account: about.account, actual: explain(actual) } : undefined
    return tellExplanation(told, explain(told), foreign)
  },
})

const OTHER_SERVICE = { protocol: 'json' } as const

const named = (resource: string, account: string): Target => ({ resource, shown: resource, account })

async function principalOf(
  {
    app,
    tx,
    principal,
    input,
  }: Call<{
    readonly SessionPolicy?: string | undefined
    readonly SessionPolicyArns?: readonly string[] | undefined
  }>,
  { asked }: PrincipalTarget,
): Promise<Principal> {
  const policies = input.SessionPolicy === undefined ? [] : [input.SessionPolicy]
  const narrowing = { policies, policyArns: input.SessionPolicyArns ?? [] }
  const isNarrowed = narrowing.policies.length > 0 || narrowing.policyArns.length > 0
  if (asked === 'caller') {
    if (isNarrowed) throw errors.narrowedWithoutRole()
    return principal
  }
  if (asked.kind === 'federated-user' || asked.kind === 'other') throw errors.notExplainable()
  if (isNarrowed && asked.kind !== 'role' && asked.kind !== 'role-session') throw errors.narrowedWithoutRole()
  const found = await findPrincipalByArn(app, tx, asked, narrowing)
  if (found === undefined) throw errors.noSuchPrincipal(asked.arn)
  return found
}

/**
 * What the server says of who asks and from where. Of a resource of another account it is not supposed, since its policy would be found out
 * by trying.
 */
const isOfServer = (key: string): boolean =>
  /^aws:|^kms:CallerAccount$/i.test(key) && !/^aws:(RequestTag\/|TagKeys$)/i.test(key)

/** Given keys stand for those of the same name in any case. */
function withGiven(request: AuthorizationRequest, given: Context): AuthorizationRequest {
  const names = new Set(Object.keys(given).map((key) => key.toLowerCase()))
  const without = (context: Context = {}): Context =>
    Object.fromEntries(Object.entries(context).filter(([key]) => !names.has(key.toLowerCase())))
  return {
    ...request,
    permission: { ...request.permission, context: { ...without(ownContext(request.permission)), ...given } },
    context: () => without(request.context()),
  }
}
