// Which statements of a resource policy grant to the public, as BlockPublicPolicy means it: to everyone, without a condition that narrows
// everyone to fixed values. What is in doubt counts as public.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html#access-control-block-public-access-policy-status

import type { CompiledPolicy, CompiledStatement, Condition, DecidingStatement } from './engine.ts'
import { parseBlock } from './ip.ts'

/**
 * The Allow statements that grant something to everyone. Accounts, ARNs, services and providers are fixed values; actions and resources do
 * not matter. Deny statements are not looked at: what they take away depends on the request.
 */
export function publicGrants({ statements }: CompiledPolicy): readonly Omit<DecidingStatement, 'policy'>[] {
  return statements.filter(isPublic).map(({ index, sid }) => ({ index, sid }))
}

const isPublic = ({ effect, principals, conditions }: CompiledStatement): boolean =>
  effect === 'Allow' && principals?.everyone === true && !conditions.some(narrows)

/** Whether it holds for fixed values only: never where the key may be absent, and never for what a variable stands for. */
function narrows({ key, operator, quantifier, ifExists, values, resolvers }: Condition): boolean {
  if (ifExists || quantifier === 'ForAllValues' || resolvers.length > 0) return false
  const isFixed = Object.hasOwn(NARROWING, key) ? NARROWING[key]![operator] : undefined
  return isFixed !== undefined && values.every(isFixed) && (operator !== 'IpAddress' || areFew(values))
}

type Fixed = { readonly [operator: string]: (value: string) => boolean }

const WILDCARD = /[*?]/
const anyText = (): boolean => true
const isLiteral = (value: string): boolean => !WILDCARD.test(value)
const equals: Fixed = { StringEquals: anyText, StringEqualsIgnoreCase: anyText }

/** No part of an identifier is owned: `o-*` is every organization. */
const identifier: Fixed = { ...equals, StringLike: isLiteral }

/** In StringLike a wildcard crosses colons, so the account must stand before the first one. */
const arn: Fixed = {
  ...equals,
  StringLike: (value) => isLiteral(value) || /^arn:[^:*?]+:[^:*?]+:[^:*?]*:\d{12}:/.test(value),
  ArnEquals: hasFixedAccount,
  ArnLike: hasFixedAccount,
}

function hasFixedAccount(value: string): boolean {
  return isLiteral(value) || /^\d{12}$/.test(value.split(':')[4] ?? '')
}

/** Within one organization: `o-a1b2c3d4e5/*`. */
const organizationPath: Fixed = { ...equals, StringLike: (value) => isLiteral(value) || /^o-[^/*?]+\//.test(value) }

/** Any session of one role, `AROA...:*`, or any federated user of one account. */
const userId: Fixed = { ...equals, StringLike: (value) => isLiteral(value) || /^[^:*?]+:/.test(value) }

const sourceIp: Fixed = { ...equals, IpAddress: isNarrowBlock }

const NARROWING: { readonly [key: string]: Fixed } = {
  'aws:principalaccount': identifier,
  'aws:principalarn': arn,
  'aws:principalorgid': identifier,
  'aws:principalorgpaths': organizationPath,
  'aws:sourceaccount': identifier,
  'aws:sourcearn': arn,
  'aws:sourceip': sourceIp,
  'aws:sourceorgid': identifier,
  'aws:sourceorgpaths': organizationPath,
  'aws:sourcevpc': identifier,
  'aws:sourcevpce': identifier,
  'aws:userid': userId,
  'kms:calleraccount': identifier,
}

const IPV4_PREFIX_BITS_MIN = 8
const IPV6_PREFIX_BITS_MIN = 32

function isNarrowBlock(value: string): boolean {
  const { address, prefixBits } = parseBlock(value)!
  return prefixBits >= (address.length === 2 ? IPV4_PREFIX_BITS_MIN : IPV6_PREFIX_BITS_MIN)
}

/** Blocks that are narrow each may be everyone together: no more than a sixteenth of all addresses. */
function areFew(values: readonly string[]): boolean {
  return values.reduce((share, value) => share + 2 ** -parseBlock(value)!.prefixBits, 0) <= 1 / 16
}
