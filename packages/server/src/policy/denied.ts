// The words of a refusal, as AWS writes them; tools parse these.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html

import { ServiceError } from '../errors.ts'
import type { Protocol } from '../operation.ts'
import type { Decision, Layer, Permission } from './engine.ts'

/** JSON services answer AccessDeniedException with 400, REST JSON services the same with 403, Query services AccessDenied with 403. */
export function accessDenied(
  protocol: Protocol,
  principalArn: string,
  permission: Permission,
  decision: Decision,
): ServiceError {
  const on = permission.shown === undefined ? '' : ` on resource: ${permission.shown}`
  const message = `User: ${principalArn} is not authorized to perform: ${permission.action}${on} ${reason(permission, decision)}`
  return protocol === 'query'
    ? new ServiceError('AccessDenied', 403, message, { decision })
    : new ServiceError('AccessDeniedException', protocol === 'json' ? 400 : 403, message, { decision })
}

/** Who comes with a token of an identity provider is not told why. */
export const federatedDenied = ({ action }: Permission): ServiceError =>
  new ServiceError('AccessDenied', 403, `Not authorized to perform ${action}`)

const POLICY_NAMES: { readonly [layer in Layer]: { readonly article: string; readonly name: string } } = {
  identity: { article: 'an', name: 'identity-based policy' },
  boundary: { article: 'a', name: 'permissions boundary' },
  session: { article: 'a', name: 'session policy' },
  resource: { article: 'a', name: 'resource-based policy' },
  grant: { article: 'a', name: 'grant' },
  scp: { article: 'a', name: 'service control policy' },
  rcp: { article: 'a', name: 'resource control policy' },
}

const TRUST_POLICY = { article: 'the', name: 'role trust policy' }

function reason({ action, resourcePolicy }: Permission, { reason, layer }: Decision): string {
  const trust = layer === 'resource' && resourcePolicy?.kind === 'trust'
  const { article, name } = trust ? TRUST_POLICY : POLICY_NAMES[layer]
  // AWS words a refusal by a control policy as explicit, whichever it was.
  const explicit = reason === 'explicit-deny' || layer === 'scp' || layer === 'rcp'
  return explicit ? `with an explicit deny in ${article} ${name}` : `because no ${name} allows the ${action} action`
}
