// Secrets that are fetched at the start, before anybody asks: those that the configuration names, and those that have a tag.

import type { AgentConfig } from './config.ts'
import type { Identities } from './identities.ts'
import type { Log } from './log.ts'
import { toldOf } from './told.ts'

type Parts = {
  readonly config: Pick<AgentConfig, 'prefetch' | 'cacheSize'>
  readonly identities: Identities
  readonly log: Log
}

/** Never rejects: the log tells what could not be had. */
export async function prefetchAll({ config, identities, log }: Parts): Promise<void> {
  const { secrets, tags, bufferRatio } = config.prefetch
  const most = Math.max(1, Math.floor(config.cacheSize * bufferRatio))
  let fetched = 0
  let failed = 0
  for (const roleArn of new Set([...secrets, ...tags].map((one) => one.roleArn))) {
    const ofRole = (one: { readonly roleArn: string | undefined }): boolean => one.roleArn === roleArn
    try {
      await identities.use(roleArn, async (identity) => {
        const ids = new Set(secrets.filter(ofRole).map(({ secretId }) => secretId))
        for (const { key } of tags.filter(ofRole))
          for (const name of await identity.namesByTag(key, most)) ids.add(name)
        const wanted = [...ids].slice(0, most)
        if (wanted.length < ids.size)
          log.warn({ roleArn, left: ids.size - wanted.length }, 'not all that is to be fetched ahead has room')
        const failures = await identity.secrets.prefetch(wanted)
        for (const { id, error } of failures) log.warn({ roleArn, id, error: toldOf(error) }, 'not fetched ahead')
        fetched += wanted.length - failures.length
        failed += failures.length
      })
    } catch (error) {
      failed += secrets.filter(ofRole).length
      log.warn({ roleArn, error: toldOf(error) }, 'nothing fetched ahead for this role')
    }
  }
  log.info({ fetched, failed }, 'fetched ahead')
}
