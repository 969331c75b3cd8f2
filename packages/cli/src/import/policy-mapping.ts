// A resource policy as it is to stand at the target: account ids, and the secret's own ARN, are those of the target. Pure.

import { type Mapping, type Place, RefusedError } from './mapping.ts'

export type PolicyPlaces = {
  readonly sourceArn: string
  readonly source: Place
  readonly targetArn: string
  readonly target: Place
}

export type MappedPolicy = { readonly text: string; readonly notes: readonly string[] }

/** Condition keys whose values are of AWS's networks and organizations, or of addresses: nothing here knows what they are at the target. */
const SURROUNDINGS = /^aws:(SourceVpc|SourceVpce|SourceIp|VpcSourceIp|PrincipalOrg|ResourceOrg|SourceOrg)/i

/** @throws RefusedError naming every account and principal that is not mapped. */
export function mapPolicy(text: string, mapping: Mapping, places: PolicyPlaces): MappedPolicy {
  const unmapped = new Set<string>()
  const surroundings = new Set<string>()

  const accountOf = (account: string): string => {
    const there = account === places.source.account ? places.target.account : mapping.accounts.get(account)
    if (there === undefined) unmapped.add(`account ${account}`)
    return there ?? account
  }
  const mapText = (given: string): string => {
    if (given === places.sourceArn) return places.targetArn
    if (/^\d{12}$/.test(given)) return accountOf(given)
    const [, head, service, region, account, tail] = /^(arn:[^:]*:)([^:]*):([^:]*):(\d{12})(:.*)$/s.exec(given) ?? []
    if (account === undefined) return given
    const moves = service === 'secretsmanager' && region === places.source.region
    return `${head}${service}:${moves ? places.target.region : region}:${accountOf(account)}${tail}`
  }
  const walk = (value: unknown, path: readonly string[]): unknown => {
    if (Array.isArray(value)) return value.map((member) => walk(member, path))
    if (typeof value === 'object' && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([key, member]) => {
          if (SURROUNDINGS.test(key)) surroundings.add(key)
          return [key, walk(member, [...path, key])]
        }),
      )
    }
    // An account id may stand there as a number too.
    if (typeof value === 'number' && /^\d{12}$/.test(`${value}`)) return accountOf(`${value}`)
    if (typeof value !== 'string') return value
    if (isUnknownPrincipal(value, path)) unmapped.add(`principal ${value}`)
    return mapText(value)
  }

  let document: unknown
  try {
    document = JSON.parse(text)
  } catch {
    throw new RefusedError('its resource policy is not JSON: --no-policies leaves policies out')
  }
  const mapped = JSON.stringify(walk(document, []))
  if (unmapped.size > 0) {
    throw new RefusedError(
      `its resource policy names what the target does not know: ${[...unmapped].join(', ')}; map accounts with --account SOURCE=TARGET, or leave policies out with --no-policies`,
    )
  }
  const notes = surroundings.size === 0 ? [] : [`look at its resource policy: ${[...surroundings].join(', ')}`]
  return { text: mapped, notes }
}

/** The unique id of a principal that was deleted, which nothing can be mapped to. */
function isUnknownPrincipal(value: string, path: readonly string[]): boolean {
  const at = path.lastIndexOf('AWS')
  const of = path[at - 1]
  if (at < 1 || at !== path.length - 1 || (of !== 'Principal' && of !== 'NotPrincipal')) return false
  return value !== '*' && !/^\d{12}$/.test(value) && !value.startsWith('arn:')
}
