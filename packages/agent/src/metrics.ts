// What /_strongroom/metrics tells, in the text format of Prometheus. Numbers only: no names, no ids.
// https://prometheus.io/docs/instrumenting/exposition_formats/

import type { CacheMetrics } from '@strongroom/cache'
import type { Totals } from './identities.ts'

export type Metrics = {
  answered(status: number): void
  /** Answers since the start, by status. */
  readonly answers: ReadonlyMap<number, number>
  connections: () => number
  /** Seconds since the epoch. */
  readonly startedAt: number
}

export function createMetrics(now: () => Date): Metrics {
  const answers = new Map<number, number>()
  return {
    answered: (status) => void answers.set(status, (answers.get(status) ?? 0) + 1),
    answers,
    connections: () => 0,
    startedAt: now().getTime() / 1_000,
  }
}

type Sample = readonly [labels: string, value: number]
type Family = readonly [name: string, type: 'counter' | 'gauge', help: string, samples: readonly Sample[]]

export function metricsText({ answers, connections, startedAt }: Metrics, totals: Totals): string {
  const caches: readonly (readonly [string, CacheMetrics])[] = [
    ['secrets', totals.secrets],
    ['parameters', totals.parameters],
  ]
  const each = (read: (cache: CacheMetrics) => number): Sample[] =>
    caches.map(([name, cache]) => [`{cache="${name}"}`, read(cache)])
  const failures = caches.flatMap(([name, cache]) =>
    Object.entries(cache.failures).map(([kind, count]): Sample => [`{cache="${name}",kind="${kind}"}`, count]),
  )
  const one = (value: number): Sample[] => [['', value]]
  const families: readonly Family[] = [
    ['answers_total', 'counter', 'Answers, by status', [...answers].map(([s, count]) => [`{status="${s}"}`, count])],
    ['connections', 'gauge', 'Connections that are open', one(connections())],
    ['cache_entries', 'gauge', 'Secrets or parameters that are held', each((cache) => cache.entries)],
    ['cache_hits_total', 'counter', 'Given as they were', each((cache) => cache.hits)],
    ['cache_misses_total', 'counter', 'Fetched while somebody waited', each((cache) => cache.misses)],
    ['cache_stale_total', 'counter', 'Given though older than the TTL', each((cache) => cache.stale)],
    ['cache_from_disk_total', 'counter', 'Read from the disk', each((cache) => cache.fromDisk)],
    ['cache_evictions_total', 'counter', 'Pushed out by others', each((cache) => cache.evictions)],
    ['cache_invalidations_total', 'counter', 'Ended by a change event', each((cache) => cache.invalidations)],
    ['fetches_total', 'counter', 'Calls of the service', each((cache) => cache.fetches)],
    ['fetch_failures_total', 'counter', 'Of them, those that failed, by what it says of the value', failures],
    ['failures_given_total', 'counter', 'Answered by a failure that was remembered', each((c) => c.failuresGiven)],
    ['event_streams', 'gauge', 'Streams of change events that are open', one(totals.eventStreams)],
    ['roles', 'gauge', 'Roles that have a cache', one(totals.roles)],
    ['role_evictions_total', 'counter', 'Roles that gave way to another', one(totals.rolesEvicted)],
    ['start_time_seconds', 'gauge', 'When the agent started, since the epoch', one(startedAt)],
    ['resident_memory_bytes', 'gauge', 'Memory of the process', one(process.memoryUsage.rss())],
  ]
  return families.map(familyText).join('')
}

function familyText([name, type, help, samples]: Family): string {
  const full = `strongroom_agent_${name}`
  const lines = samples.map(([labels, value]) => `${full}${labels} ${value}\n`)
  return `# HELP ${full} ${help}\n# TYPE ${full} ${type}\n${lines.join('')}`
}
