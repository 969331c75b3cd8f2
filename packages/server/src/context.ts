// The global condition keys of a request: what policies may ask of the caller, the connection and the time. Everything comes from what the
// server knows itself; only aws:UserAgent and aws:Referer are what the client says, as on AWS.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html

import type { Principal } from './call.ts'
import { header, type WireRequest } from './http/request.ts'
import type { Context } from './policy/engine.ts'
import { type Organization, rootPath } from './services/organizations/port.ts'

/** Where AWS's global services say they are. */
export const GLOBAL_REGION = 'us-east-1'

export type ContextSource = {
  readonly request: WireRequest
  readonly principal: Principal
  /** When the caller showed a code of an MFA device with the call, in milliseconds. */
  readonly mfaAt?: number | undefined
  readonly organization: Organization
  /** By the wall clock, in milliseconds. */
  readonly time: number
  readonly region: string
  /** Whether the service is the same in every Region, as IAM is. */
  readonly global: boolean
}

/** For the identity-based and resource-based policies of one call; what is so of the resource is of the permission asked for. */
export function globalContext(source: ContextSource): Context {
  const { request, principal, organization, time, region, global } = source
  const { rawHeaders } = request
  return {
    'aws:CurrentTime': new Date(time).toISOString(),
    'aws:EpochTime': String(Math.floor(time / 1000)),
    'aws:SecureTransport': String(request.secure),
    'aws:SourceIp': plainAddress(request.remoteAddress),
    'aws:UserAgent': header(rawHeaders, 'user-agent'),
    'aws:Referer': header(rawHeaders, 'referer'),
    'aws:RequestedRegion': global ? GLOBAL_REGION : region,
    'aws:PrincipalIsAWSService': 'false',
    'aws:ViaAWSService': 'false',
    ...principalContext(principal, organization),
    ...mfaContext(source),
  }
}

/**
 * A code shown with the call, or else when the session was asked for. Of a session without one only its token tells, that there is none; of a
 * long-term access key nothing does.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html#condition-keys-multifactorauthage
 */
function mfaContext({ principal, mfaAt = principal.identity.session?.mfaAt, time }: ContextSource): Context {
  if (mfaAt === undefined) return {}
  const seconds = Math.max(0, Math.floor((time - mfaAt) / 1000))
  return { 'aws:MultiFactorAuthPresent': 'true', 'aws:MultiFactorAuthAge': String(seconds) }
}

/** What is so of the caller whatever it calls. */
export function principalContext(principal: Principal, organization: Organization): Context {
  const { kind, arn, account, userId, role, identity, tags } = principal
  return {
    'aws:PrincipalArn': role?.arn ?? arn,
    'aws:PrincipalAccount': account === '' ? undefined : account,
    'aws:PrincipalType': PRINCIPAL_TYPES[kind],
    'aws:userid': userId,
    'aws:username': identity.userName,
    ...(account !== '' && {
      'aws:PrincipalOrgID': organization.id,
      'aws:PrincipalOrgPaths': [rootPath(organization)],
    }),
    ...identity.session?.context,
    ...identity.federated?.context,
    ...Object.fromEntries(Object.entries(tags).map(([key, value]) => [`aws:PrincipalTag/${key}`, value])),
  }
}

/** What is so of the resource that a permission is for. Every account of the server is in the root of the one organization. */
export const resourceContext = (account: string, organization: Organization): Context => ({
  'aws:ResourceAccount': account,
  'aws:ResourceOrgID': organization.id,
  'aws:ResourceOrgPaths': [rootPath(organization)],
})

const PRINCIPAL_TYPES: { readonly [kind in Principal['kind']]: string } = {
  root: 'Account',
  user: 'User',
  'role-session': 'AssumedRole',
  'federated-user': 'FederatedUser',
  federated: 'Federated',
  service: 'Service',
}

const MAPPED = '::ffff:'

/** An IPv4 client on an IPv6 socket is told by its IPv4 address. */
const plainAddress = (address: string): string =>
  address.toLowerCase().startsWith(MAPPED) ? address.slice(MAPPED.length) : address
