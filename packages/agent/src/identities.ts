// The agent itself, and the roles that requests name, each with caches of its own. Of roles, the one not used for longest gives way to a new one.

import type { CacheMetrics } from '@strongroom/cache'
import { type Identity, type IdentityParts, openIdentity } from './identity.ts'
import { isSessionOver, isTransient, toldOf } from './told.ts'

export type Identities = {
  /** @throws RoleRefusedError, and what `work` throws */
  use<T>(roleArn: string | undefined, work: (identity: Identity) => Promise<T>): Promise<T>
  totals(): Totals
  /** Wipes all values. */
  close(): Promise<void>
}

export type Totals = {
  /** Since the start, of all identities; those that are gone count too. */
  readonly secrets: CacheMetrics
  readonly parameters: CacheMetrics
  readonly roles: number
  readonly rolesEvicted: number
  /** Streams of change events that are open. */
  readonly eventStreams: number
}

/** How long a role that is not to be had is not asked for again, so that a thousand requests are not a thousand calls. */
const FAILURE_MS = 1_000

/** The role is not to be had: STS refuses it, or the configuration does not name it. */
export class RoleRefusedError extends Error {
  override readonly name = 'RoleRefusedError'
}

/** `users`: how many requests are at it. `evicted`: it ends with the last of them. */
type Role = { readonly identity: Identity; users: number; evicted: boolean }

export function openIdentities(parts: IdentityParts): Identities {
  const { config, upstream, log } = parts
  const own = openIdentity(parts)
  /** In the order of their last use. */
  const roles = new Map<string, Role>()
  const opening = new Map<string, Promise<Role>>()
  let secretsGone: CacheMetrics = NOTHING
  let parametersGone: CacheMetrics = NOTHING
  let rolesEvicted = 0

  const openRole = async (arn: string): Promise<Role> => {
    if (config.allowedRoles !== undefined && !config.allowedRoles.includes(arn))
      throw new RoleRefusedError(`strongroom.allowed_roles of the agent does not name the role: ${arn}`)
    const credentials = upstream.roleCredentials(arn)
    try {
      await credentials()
    } catch (error) {
      log.warn({ roleArn: arn, error: toldOf(error) }, 'the role could not be assumed')
      if (!isTransient(error)) throw new RoleRefusedError(`Failed to create caching client from role: ${arn}`)
      // The disk may have its values. Only a role that STS gave takes the place of another.
      if (config.disk === undefined || roles.size >= config.rolesMax) throw error
    }
    const role = { identity: openIdentity(parts, { arn, credentials }), users: 0, evicted: false }
    roles.set(arn, role)
    if (roles.size > config.rolesMax) await evictOldest()
    return role
  }

  const evictOldest = async (): Promise<void> => {
    const [roleArn, role] = roles.entries().next().value!
    rolesEvicted++
    log.info({ roleArn }, 'the role not used for longest gave way')
    await forget(roleArn, role)
  }

  const forget = async (arn: string, role: Role): Promise<void> => {
    if (roles.get(arn) === role) roles.delete(arn)
    role.evicted = true
    if (role.users === 0) await end(role)
  }

  const end = async ({ identity }: Role): Promise<void> => {
    secretsGone = sumOf([secretsGone, { ...identity.secrets.metrics(), entries: 0 }])
    const parameters = identity.parametersOpen()
    if (parameters !== undefined) parametersGone = sumOf([parametersGone, { ...parameters.metrics(), entries: 0 }])
    await identity.close()
  }

  const find = (arn: string): Promise<Role> | Role => {
    const role = roles.get(arn)
    if (role !== undefined) {
      roles.delete(arn)
      roles.set(arn, role)
      return role
    }
    const known = opening.get(arn)
    if (known !== undefined) return known
    const pending = openRole(arn)
    opening.set(arn, pending)
    const done = () => opening.delete(arn)
    pending.then(done, () => setTimeout(done, FAILURE_MS).unref())
    return pending
  }

  return {
    use: async (roleArn, work) => {
      if (roleArn === undefined) return work(own)
      let role = await find(roleArn)
      while (role.evicted) role = await find(roleArn)
      role.users++
      try {
        return await work(role.identity)
      } catch (error) {
        // As where the role was deleted and made anew. The next request assumes it again.
        if (isSessionOver(error)) role.evicted = true
        throw error
      } finally {
        role.users--
        if (role.evicted) await forget(roleArn, role)
      }
    },
    totals: () => {
      const all = [own, ...[...roles.values()].map(({ identity }) => identity)]
      const secrets = all.map((one) => one.secrets.metrics())
      return {
        secrets: sumOf([secretsGone, ...secrets]),
        parameters: sumOf([parametersGone, ...all.flatMap((one) => one.parametersOpen()?.metrics() ?? [])]),
        roles: roles.size,
        rolesEvicted,
        eventStreams: secrets.filter(({ events }) => events === 'connected').length,
      }
    },
    close: async () => {
      await Promise.all([own, ...[...roles.values()].map(({ identity }) => identity)].map((one) => one.close()))
    },
  }
}

const NOTHING: CacheMetrics = {
  ...{
    entries: 0,
    hits: 0,
    misses: 0,
    stale: 0,
    fetches: 0,
    failuresGiven: 0,
    evictions: 0,
    invalidations: 0,
    fromDisk: 0,
  },
  failures: { outage: 0, throttled: 0, 'not-found': 0, refused: 0 },
}

function sumOf(all: readonly CacheMetrics[]): CacheMetrics {
  const sum = (read: (one: CacheMetrics) => number): number => all.reduce((so, one) => so + read(one), 0)
  return {
    entries: sum((one) => one.entries),
    hits: sum((one) => one.hits),
    misses: sum((one) => one.misses),
    stale: sum((one) => one.stale),
    fetches: sum((one) => one.fetches),
    failures: {
      outage: sum((one) => one.failures.outage),
      throttled: sum((one) => one.failures.throttled),
      'not-found': sum((one) => one.failures['not-found']),
      refused: sum((one) => one.failures.refused),
    },
    failuresGiven: sum((one) => one.failuresGiven),
    evictions: sum((one) => one.evictions),
    invalidations: sum((one) => one.invalidations),
    fromDisk: sum((one) => one.fromDisk),
  }
}
