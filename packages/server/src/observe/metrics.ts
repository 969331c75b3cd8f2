// Metrics: what GET /_strongroom/metrics prints, in Prometheus' text format.

import { Counter, collectDefaultMetrics, Histogram, Registry } from 'prom-client'

export type Metrics = {
  /** Finished requests, by service, operation and error code (empty where none). */
  readonly requests: Counter<'service' | 'operation' | 'code'>
  /** Seconds from the last byte of a request to its answer. */
  readonly duration: Histogram<'service' | 'operation'>
  /** Requests refused before an identity was known, by reason. They are not in the audit trail. */
  readonly unauthenticated: Counter<'reason'>
  /** Rows that did not carry their MAC. */
  readonly integrityFailures: Counter<'table'>
  /** Background work, by kind and outcome. */
  readonly jobs: Counter<'kind' | 'outcome'>
  text(): Promise<string>
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  return {
    requests: new Counter({
      name: 'strongroom_requests_total',
      help: 'Finished requests by service, operation and error code',
      labelNames: ['service', 'operation', 'code'],
      registers,
    }),
    duration: new Histogram({
      name: 'strongroom_request_seconds',
      help: 'Seconds from the last byte of a request to its answer',
      labelNames: ['service', 'operation'],
      buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
      registers,
    }),
    unauthenticated: new Counter({
      name: 'strongroom_unauthenticated_requests_total',
      help: 'Requests refused before an identity was known',
      labelNames: ['reason'],
      registers,
    }),
    integrityFailures: new Counter({
      name: 'strongroom_integrity_failures_total',
      help: 'Rows that did not carry their MAC',
      labelNames: ['table'],
      registers,
    }),
    jobs: new Counter({
      name: 'strongroom_jobs_total',
      help: 'Background work by kind and outcome',
      labelNames: ['kind', 'outcome'],
      registers,
    }),
    text: () => registry.metrics(),
  }
}
