import type { Origin } from './outcome.ts'
import type { Registry } from 'prom-client'
import { type StageCounter, stageCounters } from '../metrics/stage-counters.ts'
import type { StageMeter } from '../metrics/stage-meter.ts'
import type { LatencyHistogram } from '../metrics/latency-histogram.ts'
import {
  histogramSamples,
  type Labels,
  registerScraped,
  type Sample,
  type ScrapedMetric,
} from '../metrics/scraped-metric.ts'
import { type CountsProbe, deadLetterSamples } from './dead-letter-metrics.ts'
import type { LedgerBook } from './ledger.ts'
import type { DeadLetterFigures, StageState } from './running.ts'
import type { Stage } from './stage-context.ts'

/** What the gauge `stage_state` says. */
const stateNumbers: Readonly<Record<StageState, number>> = {
  starting: 0,
  running: 1,
  'backing-off': 2,
  draining: 3,
  stopped: 4,
  failed: 5,
  stopping: 6,
  paused: 7,
}

/** Where a pipeline's figures are. */
export interface Measured {
  readonly nodes: readonly Stage[]
  readonly book: LedgerBook
  readonly meter: StageMeter
  readonly deadLetters: () => DeadLetterFigures
  /** The store of the dead letters, where it can be counted. */
  readonly store: CountsProbe | undefined
  /** Who submits. */
  readonly origins: readonly Origin[]
}

/**
 * Gives a pipeline's figures to a prom-client registry, which reads them when it is scraped.
 *
 * @param isOver Whether the pipeline has stopped: then the next that is started may take the names.
 */
export function registerPipelineMetrics(
  registry: Registry,
  prefix: string,
  { nodes, book, meter, deadLetters, store, origins }: Measured,
  isOver: () => boolean,
): void {
  const add = (
    type: 'counter' | 'gauge' | 'histogram',
    suffix: string,
    help: string,
    collect: (name: string) => ReturnType<ScrapedMetric['collect']>,
  ): void => {
    const name = prefix + suffix
    registerScraped(registry, { name, help, type, collect: () => collect(name) }, isOver)
  }
  const byStage = (read: (node: Stage) => number) => (): readonly Sample[] =>
    nodes.map((node) => ({ labels: { stage: node.name }, value: read(node) }))
  const counted = (label: string, counts: (node: Stage) => ReadonlyMap<string, number>) => (): readonly Sample[] =>
    nodes.flatMap((node) =>
      [...counts(node)].map(([key, value]) => ({ labels: { stage: node.name, [label]: key }, value })),
    )
  const histograms =
    (read: (node: Stage) => LatencyHistogram) =>
    (name: string): readonly Sample[] =>
      nodes.flatMap((node) => histogramSamples(name, { stage: node.name }, read(node)))
  const one = (value: number, labels: Labels = {}): Sample => ({ labels, value })

  const letters = deadLetterSamples(deadLetters, store)

  add(
    'histogram',
    'stage_latency_seconds',
    'From the start of a handler to its value, stream or error.',
    histograms((node) => node.latency),
  )
  add(
    'histogram',
    'stage_wait_seconds',
    'From the arrival of a request at a stage to the start of its handler.',
    histograms((node) => node.wait),
  )
  add(
    'histogram',
    'stream_duration_seconds',
    'From the start of a handler to the end of the stream that it returned.',
    histograms((node) => node.streamDuration),
  )
  add(
    'gauge',
    'queue_depth',
    'Requests that wait before a stage, or their units where it weighs them.',
    byStage((node) => node.depth),
  )
  add(
    'gauge',
    'queue_capacity',
    'Requests that may wait before a stage, or units where it weighs them.',
    byStage((node) => node.channel.capacity),
  )
  add(
    'gauge',
    'requests_waiting_for_room',
    'Requests that wait for room before a stage, by its terms.',
    byStage((node) => node.pending),
  )
  add(
    'counter',
    'requests_shed_total',
    'Requests that a stage turned away.',
    counted('reason', (node) => node.shed),
  )
  add(
    'counter',
    'requests_processed_total',
    'Runs of a handler that gave a value or a stream.',
    byStage((node) => node.processed),
  )
  add(
    'counter',
    'errors_total',
    'Requests that failed in a stage.',
    counted('code', (node) => node.errors),
  )
  add(
    'counter',
    'slots_abandoned_total',
    'Slots taken back from handlers that did not heed their signal.',
    byStage((node) => node.abandoned),
  )
  add(
    'counter',
    'stage_restarts_total',
    'Restarts of a stage after a crash.',
    byStage((node) => node.restarts),
  )
  add(
    'counter',
    'stage_checks_failed_total',
    'Health checks of a stage that failed.',
    byStage((node) => node.failedChecks),
  )
  add(
    'counter',
    'stage_teardowns_failed_total',
    'Teardowns of a stage that failed or took too long.',
    byStage((node) => node.failedTeardowns),
  )
  add(
    'gauge',
    'stage_state',
    '0 starting, 1 running, 2 backing off, 3 draining, 4 stopped, 5 failed, 6 stopping, 7 paused.',
    byStage((node) => stateNumbers[node.state]),
  )
  add('counter', 'requests_total', 'Requests that ended, by how.', () => {
    return origins.flatMap((origin) => {
      const { completed, shed, failed, expired, cancelled } = book.countsOf(origin)
      return Object.entries({ completed, shed, failed, expired, cancelled }).map(([outcome, value]) =>
        one(value, { outcome, origin }),
      )
    })
  })
  add('gauge', 'requests_in_flight', 'Requests that have not ended.', () => [one(book.inFlight)])
  add(
    'counter',
    'dead_letters_total',
    'Requests that were to be kept as dead letters, and entries of the store, by what became of them.',
    letters.transitions,
  )
  add('gauge', 'dead_letters', 'Dead letters, by their state.', letters.states)
  add('counter', 'inference_tokens_total', 'Tokens that models read and wrote.', () =>
    [...meter.tokens].flatMap(([model, { input, output }]) => [
      one(input, { model, direction: 'input' }),
      one(output, { model, direction: 'output' }),
    ]),
  )
  add('histogram', 'time_to_first_token_seconds', 'From the call of a model to its first chunk with text.', (name) =>
    [...meter.firstTokens].flatMap(([model, histogram]) => histogramSamples(name, { model }, histogram)),
  )
  for (const [counter, { name, label, help }] of Object.entries(stageCounters)) {
    add('counter', name, help, () =>
      [...(meter.counts.get(counter as StageCounter) ?? [])].map(([value, count]) => one(count, { [label]: value })),
    )
  }
}
