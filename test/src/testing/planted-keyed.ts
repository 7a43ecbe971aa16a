import { from, Observable, type OperatorFunction, Subject, takeUntil } from 'rxjs'
import type { ItemOutcome } from '../../../operators/index.ts'
import type { Item, OperatorParts } from '../../../src/testing/index.ts'

/** What can be wrong with it. */
export type KeyedBug =
  | 'starts two of one key at once'
  | "reverses a key's order"
  | 'lets a key wait for another'
  | 'counts what waits of all keys as of one'
  | "never frees a key's lane after a failure"
  | 'keeps the lanes of keys that are gone'

interface Entry {
  readonly item: Item
  readonly arrivedAt: number
  readonly controller: AbortController
  readonly stop$: Subject<void>
  startedAt: number | undefined
}

/** What is kept of a key. */
export interface Lane {
  readonly waiting: Entry[]
  readonly running: Set<Entry>
  isDead: boolean
}

/**
 * Lanes by key as one would write them, with drop-newest and no bound on how many keys run, and one bug.
 *
 * @param lanes Shows to a check what it keeps.
 */
export function plantedKeyed(
  { project, clock, onOutcome, limits }: OperatorParts,
  lanes: Map<string, Lane>,
  bug?: KeyedBug,
): OperatorFunction<Item, unknown> {
  const { perKeyCapacity = Infinity } = limits
  const slots = bug === 'starts two of one key at once' ? 2 : 1
  return (source) =>
    new Observable<unknown>((subscriber) => {
      let [index, sourceIsDone] = [0, false]

      const tell = (entry: Entry, kind: ItemOutcome<Item>['kind'], more: Partial<ItemOutcome<Item>> = {}): void => {
        const now = clock.now()
        const { item, arrivedAt, startedAt } = entry
        const ranMs = startedAt === undefined ? 0 : now - startedAt
        onOutcome({ kind, value: item, waitedMs: (startedAt ?? now) - arrivedAt, ranMs, ...more })
      }
      const all = (of: (lane: Lane) => Iterable<Entry>): readonly Entry[] =>
        [...lanes.values()].flatMap((lane) => [...of(lane)])
      const mayStart = (lane: Lane): boolean => {
        const waitsForAnother = bug === 'lets a key wait for another' && all(({ running }) => running).length > 0
        return lane.running.size < slots && !lane.isDead && !waitsForAnother
      }
      const start = (entry: Entry, lane: Lane): void => {
        entry.startedAt = clock.now()
        lane.running.add(entry)
        let input$: Observable<unknown>
        try {
          input$ = from(project(entry.item, index++, { signal: entry.controller.signal }))
        } catch (error) {
          end(entry, lane, 'failed', error)
          return
        }
        // Stops also an inner that gives everything within this very call.
        input$.pipe(takeUntil(entry.stop$)).subscribe({
          next: (value) => {
            subscriber.next(value)
          },
          error: (error: unknown) => {
            end(entry, lane, 'failed', error)
          },
          complete: () => {
            end(entry, lane, 'completed')
          },
        })
      }
      const end = (entry: Entry, lane: Lane, kind: 'completed' | 'failed', error?: unknown): void => {
        if (subscriber.closed) return
        lane.running.delete(entry)
        if (kind === 'failed' && bug === "never frees a key's lane after a failure") lane.isDead = true
        tell(entry, kind, kind === 'failed' ? { error } : {})
        next(entry.item.key, lane)
      }
      const next = (key: string, lane: Lane): void => {
        while (lane.waiting.length > 0 && mayStart(lane) && !subscriber.closed) {
          start((bug === "reverses a key's order" ? lane.waiting.pop() : lane.waiting.shift()) as Entry, lane)
        }
        const isGone = lane.waiting.length === 0 && lane.running.size === 0 && !lane.isDead
        // One that was freed already may be there anew.
        if (isGone && lanes.get(key) === lane && bug !== 'keeps the lanes of keys that are gone') lanes.delete(key)
        complete()
      }
      const complete = (): void => {
        if (!sourceIsDone || all(({ running, waiting }) => [...running, ...waiting]).length > 0) return
        subscriber.complete()
      }
      const arrive = (item: Item): void => {
        const lane = lanes.get(item.key) ?? { waiting: [], running: new Set(), isDead: false }
        lanes.set(item.key, lane)
        const [controller, stop$] = [new AbortController(), new Subject<void>()]
        const entry: Entry = { item, arrivedAt: clock.now(), controller, stop$, startedAt: undefined }
        const counts = bug === 'counts what waits of all keys as of one' ? all(({ waiting }) => waiting) : lane.waiting
        if (mayStart(lane)) start(entry, lane)
        else if (counts.length < perKeyCapacity) lane.waiting.push(entry)
        else tell(entry, 'shed', { reason: 'full' })
      }
      const outer = source.subscribe({
        next: arrive,
        error: (error: unknown) => {
          subscriber.error(error)
        },
        complete: () => {
          sourceIsDone = true
          complete()
        },
      })
      return () => {
        outer.unsubscribe()
        for (const entry of all(({ waiting }) => waiting)) tell(entry, 'discarded')
        for (const entry of all(({ running }) => running)) {
          tell(entry, 'discarded')
          entry.controller.abort()
          entry.stop$.next()
        }
        lanes.clear()
      }
    })
}
