// Credentials of a role for a service of ours that runs something as it, as Lambda runs a function. The service has asked the role's trust
// policy; no caller is behind it.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_terms-and-concepts.html#iam-term-service-role

import type { App } from '../../app.ts'
import type { AssumableRole } from '../iam/port.ts'
import type { SessionCredentials } from './session-token.ts'

export type ServiceSession = {
  /** Of the role. */
  readonly account: string
  readonly sessionName: string
  readonly seconds: number
  /** Documents of session policies: together they say what the session may at most. Empty: what the role may. */
  readonly policies: readonly string[]
}

/** `expiresAt` in milliseconds, by the wall clock. */
export function issueServiceSession(
  { sessionTokens, wallNow }: Pick<App, 'sessionTokens' | 'wallNow'>,
  role: AssumableRole,
  { account, sessionName, seconds, policies }: ServiceSession,
): SessionCredentials & { readonly expiresAt: number } {
  const issuedAt = wallNow()
  const expiresAt = (Math.floor(issuedAt / 1_000) + seconds) * 1_000
  const { roleName, path } = role.body
  const credentials = sessionTokens.issue({
    kind: 'role-session',
    account,
    role: { roleId: role.key[1]!, path, roleName },
    sessionName,
    issuedAt,
    expiresAt,
    chain: 1,
    policies,
    policyArns: [],
    tags: {},
    transitiveTagKeys: [],
  })
  return { ...credentials, expiresAt }
}
