import type { Clock } from '../../../operators/index.ts'
import type { DeadLetterFilter, DeadLetterStore, StoredDeadLetter } from '../../stores/index.ts'
import type { ProgressLine } from '../progress-line.ts'

/** What the commands for dead letters work with. */
export interface Desk {
  readonly store: DeadLetterStore
  readonly clock: Clock
  /** Ends the work between two steps. */
  readonly signal: AbortSignal
  /** Whether data is printed as lines of JSON. */
  readonly json: boolean
  /** How wide a line may be; `undefined` where nobody looks. */
  readonly columns: number | undefined
  readonly progress: ProgressLine
  /** Data. Rejects when nobody reads it any more. */
  readonly print: (line: string) => Promise<void>
  /** All else. */
  readonly say: (line: string) => void
}

/** The entries that fit, page by page, oldest submission first. */
export async function* selectLetters(
  { store, signal }: Pick<Desk, 'store' | 'signal'>,
  filter: DeadLetterFilter,
): AsyncGenerator<readonly StoredDeadLetter[], void, undefined> {
  let cursor: string | undefined
  do {
    signal.throwIfAborted()
    const page = await store.list({ ...filter, ...(cursor !== undefined && { cursor }), signal })
    if (page.entries.length > 0) yield page.entries
    cursor = page.cursor
  } while (cursor !== undefined)
}

/** How many a filter may find at the most: all; `undefined` where it leaves some out, so that nobody knows. */
export async function totalOf({ store, signal }: Desk, filter: DeadLetterFilter): Promise<number | undefined> {
  if (Object.keys(filter).length > 0) return undefined
  const { due, leased, dead } = await store.counts({ signal })
  return due + leased + dead
}

/** `1 dead letter`, `2 dead letters`. */
export function lettersCounted(count: number): string {
  return `${count} dead letter${count === 1 ? '' : 's'}`
}
