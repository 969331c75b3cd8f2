// The only wiring of the agent: configuration in, a running agent out.

import { setTimeout as sleep } from 'node:timers/promises'
import type { AgentConfig } from './config.ts'
import { createHandler } from './handle.ts'
import { openIdentities } from './identities.ts'
import { listen } from './listen.ts'
import { openLog } from './log.ts'
import { createMetrics } from './metrics.ts'
import { prefetchAll } from './prefetch.ts'
import { StartError } from './start-error.ts'
import { toldOf } from './told.ts'
import { openUpstream } from './upstream.ts'

export type Agent = {
  /** On 127.0.0.1; undefined: it listens on its socket alone. */
  readonly port: number | undefined
  /** When what the configuration wants fetched ahead has been tried. */
  readonly prefetched: Promise<void>
  /** Lets requests in flight end, and wipes what is held. */
  stop(): Promise<void>
}

const STOP_GRACE_MS = 10_000
const LOG_FILE = 'logs/secrets_manager_agent.log'
const now = (): Date => new Date()

/** @throws StartError */
export async function startAgent(config: AgentConfig): Promise<Agent> {
  const log = openLog({ level: config.logLevel, now, ...(config.logToFile && { file: LOG_FILE }) })
  const upstream = openUpstream({ ...config, now })
  await mustHaveRegion(upstream)
  if (config.validateCredentials && config.credentialsFile === undefined) {
    const failure = await upstream.validateCredentials()
    if (failure !== undefined)
      log.warn({ error: toldOf(failure) }, 'STS does not answer: started without knowing whether the credentials do')
  }
  const identities = openIdentities({ config, upstream, log })
  const metrics = createMetrics(now)
  const listening = await listen(config, createHandler({ config, identities, metrics, log }))
  metrics.connections = listening.connections
  const { port } = listening
  const socket = config.socket?.path
  log.info({ ...(port !== undefined && { url: `http://127.0.0.1:${port}` }), ...(socket && { socket }) }, 'listening')

  const stopping = new AbortController()
  const { secrets, tags, jitterMs } = config.prefetch
  const prefetched = secrets.length + tags.length === 0 ? Promise.resolve() : delayed()
  async function delayed(): Promise<void> {
    const waited = await sleep(Math.random() * jitterMs, true, { signal: stopping.signal, ref: false }).catch(
      () => false,
    )
    if (waited) await prefetchAll({ config, identities, log })
  }
  return {
    port,
    prefetched,
    stop: async () => {
      stopping.abort()
      await listening.close(STOP_GRACE_MS)
      await identities.close()
      log.info({}, 'stopped')
    },
  }
}

/** Runs until SIGTERM or SIGINT. @throws StartError */
export async function runAgent(config: AgentConfig): Promise<void> {
  const told = Promise.withResolvers<void>()
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => told.resolve())
  const agent = await startAgent(config)
  await told.promise
  await agent.stop()
}

async function mustHaveRegion(upstream: ReturnType<typeof openUpstream>): Promise<void> {
  const client = upstream.secretsManager(undefined)
  try {
    await client.config.region()
  } catch {
    throw new StartError('no Region: set region in the configuration file, or AWS_REGION')
  } finally {
    client.destroy()
  }
}
