// One of those whom values are fetched as: the agent itself, or a role. It has caches of its own.

import { hkdfSync } from 'node:crypto'
import { type Activity, type CacheOptions, SecretCache } from '@strongroom/cache'
import type { ParameterCache } from '@strongroom/cache/parameters'
import type { AgentConfig } from './config.ts'
import type { Log } from './log.ts'
import { toldOf } from './told.ts'
import type { CredentialProvider, Upstream } from './upstream.ts'

export type Identity = {
  readonly secrets: SecretCache
  /** Opened when they are first asked for: most need no client of Parameter Store. */
  parameters(): Promise<ParameterCache>
  /** Undefined where nobody asked for parameters. */
  parametersOpen(): ParameterCache | undefined
  /** Names of secrets that have a tag of that key, at most so many. @throws what the SDK throws */
  namesByTag(key: string, most: number): Promise<readonly string[]>
  /** Wipes what is held. */
  close(): Promise<void>
}

export type IdentityParts = { readonly config: AgentConfig; readonly upstream: Upstream; readonly log: Log }

/** `role` undefined: the agent itself. */
export function openIdentity(
  { config, upstream, log }: IdentityParts,
  role?: { readonly arn: string; readonly credentials: CredentialProvider },
): Identity {
  const report = (error: unknown, { id, during }: { readonly id?: string; readonly during: Activity }): void => {
    const who = { ...(id !== undefined && { id }), ...(role !== undefined && { roleArn: role.arn }) }
    log[during === 'disk' ? 'error' : 'info'](
      { ...who, during, error: toldOf(error) },
      'something failed in the background',
    )
  }
  const optionsOf = (use: string, ttlMs: number, timeoutMs: number): CacheOptions => ({
    maxCacheSize: config.cacheSize,
    secretRefreshIntervalMs: ttlMs,
    // ttl_seconds is a promise: nothing older is given where the service answers.
    staleWhileRevalidateMs: 0,
    staleIfErrorMs: config.staleIfErrorMs,
    requestTimeoutMs: timeoutMs,
    // What is not to be cached is not to be kept.
    ...(config.disk &&
      ttlMs > 0 && { disk: { ...config.disk, key: diskKey(config.disk.key, [use, role?.arn ?? '']) } }),
    onError: report,
  })

  const client = upstream.secretsManager(role?.credentials)
  const secrets = new SecretCache(client, {
    ...optionsOf('secrets', config.secretTtlMs, config.secretTimeoutMs),
    // What is not kept needs no watching.
    events: config.events && config.secretTtlMs + config.parameterTtlMs > 0,
  })
  const openParameters = async () => {
    const [{ ParameterCache }, ssm] = await Promise.all([
      import('@strongroom/cache/parameters'),
      upstream.ssm(role?.credentials),
    ])
    const cache = new ParameterCache(ssm, {
      ...optionsOf('parameters', config.parameterTtlMs, config.parameterTimeoutMs),
      // One stream for both.
      events: secrets,
    })
    open = cache
    return { cache, ssm }
  }
  let opening: ReturnType<typeof openParameters> | undefined
  let open: ParameterCache | undefined

  return {
    secrets,
    parameters: async () => {
      opening ??= openParameters()
      return (await opening).cache
    },
    parametersOpen: () => open,
    namesByTag: async (key, most) => {
      const { paginateListSecrets } = await import('@aws-sdk/client-secrets-manager')
      const names: string[] = []
      for await (const { SecretList = [] } of paginateListSecrets(
        { client },
        { Filters: [{ Key: 'tag-key', Values: [key] }] },
      )) {
        // The filter takes every key that begins so.
        for (const { Name, Tags } of SecretList)
          if (Name !== undefined && Tags?.some(({ Key }) => Key === key)) names.push(Name)
        if (names.length >= most) break
      }
      return names.slice(0, most)
    },
    close: async () => {
      await secrets.close()
      client.destroy()
      if (opening === undefined) return
      const { cache, ssm } = await opening
      await cache.close()
      ssm.destroy()
    },
  }
}

/** For each identity another, so that what one wrote to the disk is nothing to another. */
const diskKey = (key: NonNullable<AgentConfig['disk']>['key'], of: readonly string[]): Uint8Array =>
  new Uint8Array(hkdfSync('sha256', key.export(), '', `strongroom-agent/1/${JSON.stringify(of)}`, 32))
