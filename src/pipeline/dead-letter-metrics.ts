import type { Clock } from '../../operators/index.ts'
import type { Sample } from '../metrics/scraped-metric.ts'
import type { DeadLetterCounts, DeadLetterStore, DeadLetterWriter } from '../stores/dead-letter-store.ts'
import { StoreProbe } from '../stores/store-probe.ts'
import type { DeadLetterFigures } from './running.ts'

/** A store of dead letters that is asked for its counts. */
export type CountsProbe = StoreProbe<DeadLetterCounts>

/** What of dead letters is told to Prometheus. */
export interface DeadLetterSamples {
  /** By transition. */
  readonly transitions: () => Promise<readonly Sample[]>
  /** By state. */
  readonly states: () => Promise<readonly Sample[]>
}

/**
 * The samples of a pipeline's dead letters: what this pipeline has put, and what is to be put, beside what the whole
 * store has and what became of it there. Nothing is in two of them. While the store is away its own samples are left out.
 *
 * @param store `undefined` where all that is known of the store is that it takes entries.
 */
export function deadLetterSamples(figures: () => DeadLetterFigures, store: CountsProbe | undefined): DeadLetterSamples {
  const labelled = (label: string, values: Readonly<Record<string, number>>): readonly Sample[] =>
    Object.entries(values).map(([name, value]) => ({ labels: { [label]: name }, value }))
  return {
    async transitions() {
      const counts = await store?.read()
      const { stored, duplicate, conflict, full, dropped } = figures()
      // What it has `stored` and `rejected` is what pipelines have put; this one has counted its own.
      const { stored: _, rejected: __, ...ends } = counts?.totals ?? { stored: 0, rejected: 0 }
      return labelled('transition', { stored, duplicate, conflict, full, dropped, ...ends })
    },
    async states() {
      const counts = await store?.read()
      const { pending } = figures()
      if (counts === undefined) return labelled('state', { pending })
      const { due, leased, dead } = counts
      return labelled('state', { pending, due, leased, dead })
    },
  }
}

/** What is asked for the counts of a whole store; `undefined` for one that only takes entries. */
export function countsOf(writer: DeadLetterWriter | undefined, clock: Clock): CountsProbe | undefined {
  const store = writer as Partial<DeadLetterStore> | undefined
  if (typeof store?.counts !== 'function') return undefined
  const { counts } = store
  return new StoreProbe((signal) => counts.call(store, { signal }), clock)
}
