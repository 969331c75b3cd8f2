// Who a policy speaks of. There are no partial wildcards here: everyone, an account, or exactly one principal.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html

import { membersOf, type Placed, placeOf, stringsOf, syntaxError } from './elements.ts'
import type { CompiledPolicy, PolicyPrincipal, PrincipalIds, PrincipalSet } from './engine.ts'
import { MalformedPolicyError } from './errors.ts'

/**
 * How an Allow of a resource policy names a principal. `direct`: itself, or everyone; enough by itself in its own account. `role`: the role
 * behind a session; counts as an Allow of the role's own policies. `account`: leaves it to the account's own policies.
 */
export type PrincipalMatch = 'direct' | 'role' | 'account'

type Draft = {
  everyone: boolean
  readonly accounts: Set<string>
  readonly arns: Set<string>
  readonly ids: Set<string>
  readonly services: Set<string>
  readonly providers: Set<string>
}

/**
 * @param ids of users, roles and role sessions by ARN: those match by their ids only, and one that is missing there matches nobody. Without
 * it ARNs match by ARN.
 * @throws MalformedPolicyError
 */
export function compilePrincipals(
  value: unknown,
  path: string,
  inverted: boolean,
  ids: PrincipalIds | undefined,
): PrincipalSet {
  const draft: Draft = {
    everyone: false,
    accounts: new Set(),
    arns: new Set(),
    ids: new Set(),
    services: new Set(),
    providers: new Set(),
  }
  if (value === '*') draft.everyone = true
  else {
    const members = membersOf(value, path)
    const kinds = Object.keys(members)
    if (kinds.length === 0) throw syntaxError(path)
    for (const kind of kinds) {
      const add = Object.hasOwn(KINDS, kind) ? KINDS[kind]! : refusePrincipal
      for (const placed of stringsOf(members[kind], placeOf(path, kind))) add(draft, placed, kind)
    }
  }
  if (ids !== undefined) {
    for (const arn of draft.arns) if (!isFederatedUser(arn) && Object.hasOwn(ids, arn)) draft.ids.add(ids[arn]!)
  }
  return { ...draft, inverted, resolved: ids !== undefined }
}

const KINDS: { readonly [kind: string]: (draft: Draft, placed: Placed, kind: string) => void } = {
  AWS: addAws,
  Service: (draft, placed, kind) => {
    if (!isDomainName(placed.text)) refusePrincipal(draft, placed, kind)
    draft.services.add(placed.text)
  },
  Federated: (draft, { text, path }) => {
    if (!isDomainName(text) && !/^arn:[a-z-]+:iam::\d{12}:(oidc|saml)-provider\/[^*?\s]+$/.test(text)) {
      throw new MalformedPolicyError(path, 'Federated principals must be valid domain names or SAML metadata ARNs')
    }
    draft.providers.add(text)
  },
}

function addAws(draft: Draft, placed: Placed, kind: string): void {
  const { text } = placed
  if (text === '*') draft.everyone = true
  else if (/^\d{12}$/.test(text)) draft.accounts.add(text)
  else if (/^(AIDA|AROA)[A-Za-z0-9]+$/.test(text)) draft.ids.add(text)
  else {
    const arn = /^arn:[a-z-]+:(iam|sts)::(\d{12}):([\x21-\x7e]+)$/.exec(text)
    const [, service, account, resource = ''] = arn ?? []
    if (service === 'iam' && resource === 'root') draft.accounts.add(account!)
    else if (service !== undefined && isPrincipalName(service, resource)) draft.arns.add(text)
    else refusePrincipal(draft, placed, kind)
  }
}

function isPrincipalName(service: string, resource: string): boolean {
  if (/[*?]/.test(resource)) return false
  return service === 'iam'
    ? /^(user|role)\/.*[^/]$/.test(resource)
    : /^(assumed-role\/[^/]+|federated-user)\/[^/]+$/.test(resource)
}

const isDomainName = (text: string): boolean => /^[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$/.test(text)

const isFederatedUser = (arn: string): boolean => arn.includes(':federated-user/')

function refusePrincipal(_: Draft, { text, path }: Placed, kind: string): never {
  const shown = `${JSON.stringify(kind.slice(0, 64))}:${JSON.stringify(text.slice(0, 256))}`
  throw new MalformedPolicyError(path, `Invalid principal in policy: ${shown}`)
}

/** Undefined where the element does not cover the principal. Of several matches, the one that gives most. */
export function matchPrincipal(set: PrincipalSet, principal: PolicyPrincipal): PrincipalMatch | undefined {
  // Only a Deny has NotPrincipal, and for a Deny every match is the same.
  if (set.inverted) return isExempt(set, principal) ? undefined : 'direct'
  if (set.everyone || names(set, principal)) return 'direct'
  if (namesRole(set, principal)) return 'role'
  return set.accounts.has(principal.account) ? 'account' : undefined
}

/** That principal itself. The root user is its account. */
function names(set: PrincipalSet, { kind, arn, account, userId }: PolicyPrincipal): boolean {
  switch (kind) {
    case 'root':
      return set.accounts.has(account)
    case 'user':
    case 'role-session':
      return set.ids.has(userId) || (!set.resolved && set.arns.has(arn))
    case 'federated-user':
      return set.arns.has(arn)
    case 'service':
      return set.services.has(arn)
    case 'federated':
      return set.providers.has(arn)
  }
}

function namesRole(set: PrincipalSet, { kind, role }: PolicyPrincipal): boolean {
  if (kind !== 'role-session' || role === undefined) return false
  return set.ids.has(role.roleId) || (!set.resolved && set.arns.has(role.arn))
}

/** NotPrincipal exempts who is listed with everything that it is: its account, its role, itself. */
function isExempt(set: PrincipalSet, principal: PolicyPrincipal): boolean {
  if (set.everyone) return true
  if (!names(set, principal)) return false
  switch (principal.kind) {
    case 'service':
    case 'federated':
    case 'root':
      return true
    case 'role-session':
      return set.accounts.has(principal.account) && namesRole(set, principal)
    default:
      return set.accounts.has(principal.account)
  }
}

export type NamedPrincipals = {
  /** Of users, roles and role sessions: what PrincipalIds resolve. */
  readonly arns: readonly string[]
  /** AIDA..., AROA... */
  readonly ids: readonly string[]
  /** 12 digits each. */
  readonly accounts: readonly string[]
}

/** Whom the principal elements of a policy name, each once. Asked of a policy that was compiled without `principalIds`. */
export function namedPrincipals({ statements }: CompiledPolicy): NamedPrincipals {
  const sets = statements.flatMap(({ principals }) => principals ?? [])
  const all = (of: (set: PrincipalSet) => ReadonlySet<string>) => [...new Set(sets.flatMap((set) => [...of(set)]))]
  return {
    arns: all(({ arns }) => arns).filter((arn) => !isFederatedUser(arn)),
    ids: all(({ ids }) => ids),
    accounts: all(({ accounts }) => accounts),
  }
}
