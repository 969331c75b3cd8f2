// Issuers of OIDC tokens that have many tenants under one URL: a trust policy that names one must say by a claim whose tokens it means.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_oidc_secure-by-default.html

import type { CompiledPolicy, CompiledStatement, Condition } from './engine.ts'
import { matchesAction } from './match.ts'

/** Condition keys of which one must be asked for, by the issuer without `https://`. */
const KEYS: { readonly [issuer: string]: readonly string[] } = {
  'agent.buildkite.com': ['agent.buildkite.com:sub'],
  'api.pulumi.com/oidc': ['api.pulumi.com/oidc:aud'],
  'app.terraform.io': ['app.terraform.io:sub'],
  'cognito-identity.amazonaws.com': ['cognito-identity.amazonaws.com:aud'],
  'gitlab.com': ['gitlab.com:sub'],
  'oidc-configuration.audit-log.githubusercontent.com': ['oidc-configuration.audit-log.githubusercontent.com:sub'],
  'oidc.codefresh.io': ['oidc.codefresh.io:sub'],
  'oidc.op1.openshiftapps.com/2f785sojlpb85i7402pk3qogugim5nfb': [
    'oidc.op1.openshiftapps.com/2f785sojlpb85i7402pk3qogugim5nfb:sub',
  ],
  'oidc.vercel.com': ['oidc.vercel.com:aud'],
  'proidc.upbound.io': ['proidc.upbound.io:sub'],
  'sandboxes.cloud': ['sandboxes.cloud:aud'],
  'scalr.io': ['scalr.io:sub'],
  'sts.windows.net/33e01921-4d64-4f8c-a055-5bdaffd5e33d': ['sts:RoleSessionName'],
  'studio.datachain.ai/api': ['studio.datachain.ai/api:sub'],
  'token.actions.githubusercontent.com': [
    'token.actions.githubusercontent.com:sub',
    'token.actions.githubusercontent.com:job_workflow_ref',
  ],
  'tokens.cloud.shisho.dev': ['tokens.cloud.shisho.dev:sub'],
  'vstoken.actions.githubusercontent.com': ['vstoken.actions.githubusercontent.com:sub'],
}

/** An issuer that a statement lets in whoever its tokens are about, and the condition keys of which one must be asked for. */
export type OpenIssuer = { readonly issuer: string; readonly keys: readonly string[] }

/** The first of a trust policy; undefined where there is none. What a Deny takes away does not count. */
export function findOpenIssuer({ statements }: CompiledPolicy): OpenIssuer | undefined {
  return statements.filter(letsIn).flatMap(openIssuersOf)[0]
}

const letsIn = ({ effect, actions }: CompiledStatement): boolean =>
  effect === 'Allow' && matchesAction(actions, 'sts:assumerolewithwebidentity')

function openIssuersOf({ principals, conditions }: CompiledStatement): readonly OpenIssuer[] {
  return [...(principals?.providers ?? [])].flatMap((provider) => {
    // An ARN, or the bare name that AWS has for its own.
    const issuer = provider.replace(/^arn:[^/]*:oidc-provider\//, '')
    const keys = Object.hasOwn(KEYS, issuer) ? KEYS[issuer]! : undefined
    const asked = keys?.map((key) => key.toLowerCase())
    return keys === undefined || conditions.some((c) => asked!.includes(c.key) && narrows(c)) ? [] : [{ issuer, keys }]
  })
}

/** Whether it holds for some values only: never where the key may be absent, nor for any value, nor for what a variable stands for. */
const narrows = ({ operator, quantifier, ifExists, values, resolvers }: Condition): boolean =>
  ['StringEquals', 'StringEqualsIgnoreCase', 'StringLike'].includes(operator) &&
  !ifExists &&
  quantifier !== 'ForAllValues' &&
  resolvers.length === 0 &&
  values.every((value) => /[^*?]/.test(value))
