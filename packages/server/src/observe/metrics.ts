// Metrics: what GET /_strongroom/metrics prints, in Prometheus' text format. Of several workers it is their sum.

import { AggregatorRegistry, Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** The numbers of one process, as plain data. */
export type MetricValues = Awaited<ReturnType<Registry['getMetricsAsJSON']>>

export type Metrics = {
  /** Counts a finished request: its error code (empty where none) and milliseconds from its last byte to its answer. */
  finished(service: string, operation: string, code: string, ms: number): void
  /** Counts a request refused before an identity was known, by error code. Such requests are not in the audit trail. */
  refused(code: string): void
  /** Counts a request that was answered as an earlier one that said the same (repeats.ts). */
  repeated(): void
  /** Rows that did not carry their MAC. */
  readonly integrityFailures: Counter<'table'>
  /** Background work, by kind and outcome. */
  readonly jobs: Counter<'kind' | 'outcome'>
  /** Open streams of change events. */
  readonly eventStreams: Gauge
  /** Change events that a sink has not taken yet. */
  readonly sinkLag: Gauge<'sink'>
  /** How long the oldest of them has waited, in seconds. */
  readonly sinkLagSeconds: Gauge<'sink'>
  /** Deliveries to sinks, by outcome: `delivered`, `failed`, or `lost`, where events went before the sink took them. */
  readonly sinkDeliveries: Counter<'sink' | 'outcome'>
  values(): Promise<MetricValues>
  /** The sum of this process and of others. */
  text(others: readonly MetricValues[]): Promise<string>
}

/** Requests of one operation and code. */
const UNCOUNTED_MAX = 1_024

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const registers = [registry]
  const requests = new Counter({
    name: 'strongroom_requests_total',
    help: 'Finished requests by service, operation and error code',
    labelNames: ['service', 'operation', 'code'],
    registers,
    collect: () => countPending(),
  })
  const duration = new Histogram({
    name: 'strongroom_request_seconds',
    help: 'Seconds from the last byte of a request to its answer',
    labelNames: ['service', 'operation'],
    buckets: [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1, 5],
    registers,
    collect: () => countPending(),
  })
  const refused = new Counter({
    name: 'strongroom_unauthenticated_requests_total',
    help: 'Requests refused before an identity was known, by error code',
    labelNames: ['code'],
    registers,
  })
  new Gauge({
    name: 'strongroom_workers',
    help: 'Processes whose numbers these are',
    registers,
  }).set(1)
  const repeated = new Counter({
    name: 'strongroom_repeated_requests_total',
    help: 'Requests that were decided as an earlier one that said the same, since nothing was committed in between',
    registers,
    collect: () => countPending(),
  })
  // Looking labels up costs more than counting; the set of (operation, code) is small and fixed by the code.
  type Series = {
    readonly count: Counter.Internal
    readonly time: Histogram.Internal<string>
    /** Of those that are not counted yet: one by one, between other work, the library takes several times as long. */
    readonly seconds: number[]
  }
  const succeeded = new Map<string, Map<string, Series>>()
  const failed = new Map<string, Series>()
  const seriesOf = (service: string, operation: string, code: string): Series => ({
    count: requests.labels(service, operation, code),
    time: duration.labels(service, operation),
    seconds: [],
  })
  const findSeries = (service: string, operation: string, code: string): Series =>
    code === ''
      ? succeeded
          .getOrInsertComputed(service, () => new Map<string, Series>())
          .getOrInsertComputed(operation, () => seriesOf(service, operation, code))
      : failed.getOrInsertComputed(`${service} ${operation} ${code}`, () => seriesOf(service, operation, code))
  const countSeries = ({ count, time, seconds }: Series): void => {
    count.inc(seconds.length)
    for (const each of seconds) time.observe(each)
    seconds.length = 0
  }
  /** Counted since somebody last asked. */
  let pendingRepeated = 0
  const countPending = (): void => {
    for (const of of succeeded.values()) for (const series of of.values()) countSeries(series)
    for (const series of failed.values()) countSeries(series)
    repeated.inc(pendingRepeated)
    pendingRepeated = 0
  }
  return {
    finished: (service, operation, code, ms) => {
      const found = findSeries(service, operation, code)
      if (found.seconds.push(ms / 1000) === UNCOUNTED_MAX) countSeries(found)
    },
    refused: (code) => refused.inc({ code }),
    repeated: () => {
      pendingRepeated += 1
    },
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
    eventStreams: new Gauge({
      name: 'strongroom_event_streams',
      help: 'Open streams of change events',
      registers,
    }),
    // Every process knows the same of a sink, so the lag of several is not the sum.
    sinkLag: new Gauge({
      name: 'strongroom_event_sink_lag_events',
      help: 'Change events that a sink has not taken yet',
      labelNames: ['sink'],
      aggregator: 'max',
      registers,
    }),
    sinkLagSeconds: new Gauge({
      name: 'strongroom_event_sink_lag_seconds',
      help: 'Seconds that the oldest event has waited which a sink has not taken yet',
      labelNames: ['sink'],
      aggregator: 'max',
      registers,
    }),
    sinkDeliveries: new Counter({
      name: 'strongroom_event_sink_deliveries_total',
      help: 'Change events by sink and outcome',
      labelNames: ['sink', 'outcome'],
      registers,
    }),
    values: () => registry.getMetricsAsJSON(),
    text: async (others) =>
      others.length === 0
        ? registry.metrics()
        : AggregatorRegistry.aggregate([await registry.getMetricsAsJSON(), ...others]).metrics(),
  }
}
