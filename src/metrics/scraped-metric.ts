import type { Metric, MetricType, Registry } from 'prom-client'
import { LatencyHistogram } from './latency-histogram.ts'

/** A metric's labels. */
export type Labels = Readonly<Record<string, string>>

/** One line of a metric in Prometheus' text: `metricName`, or else the metric's own name, its labels and value. */
export interface Sample {
  readonly metricName?: string
  readonly labels: Labels
  readonly value: number
}

/** A metric that is counted elsewhere and read only when it is scraped. */
export interface ScrapedMetric {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Reads the present values; must not reject, which would fail the whole scrape. */
  readonly collect: () => readonly Sample[] | Promise<readonly Sample[]>
}

/** For each metric that was added: whether what it counts is over. */
const overs = new WeakMap<object, () => boolean>()

/**
 * Adds a metric to a prom-client registry, without counting through prom-client.
 *
 * @param isOver Whether what it counts has ended: it can still be read, but makes way for a successor of its name.
 */
export function registerScraped(
  registry: Registry,
  { name, help, type, collect }: ScrapedMetric,
  isOver: () => boolean = () => false,
): void {
  const metric = {
    name,
    help,
    type: type as unknown as MetricType,
    aggregator: 'sum',
    get: async () => ({ name, help, type, values: await collect(), aggregator: 'sum' }),
    // What is counted elsewhere is not prom-client's to reset.
    reset: () => undefined,
  }
  const predecessor = registry.getSingleMetric(name) as object | undefined
  if (predecessor !== undefined && overs.get(predecessor)?.() === true) registry.removeSingleMetric(name)
  // A registry asks no more of a metric than this; the class that its types name would count by itself.
  registry.registerMetric(metric as unknown as Metric)
  overs.set(metric, isOver)
}

/** A histogram's lines, in seconds. */
export function histogramSamples(name: string, labels: Labels, histogram: LatencyHistogram): readonly Sample[] {
  const cumulative = histogram.cumulative()
  const buckets = LatencyHistogram.boundsMs.map((bound, index) => ({
    metricName: `${name}_bucket`,
    labels: { ...labels, le: String(bound / 1000) },
    value: cumulative[index] as number,
  }))
  return [
    ...buckets,
    { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: histogram.count },
    { metricName: `${name}_sum`, labels, value: histogram.sumMs / 1000 },
    { metricName: `${name}_count`, labels, value: histogram.count },
  ]
}
