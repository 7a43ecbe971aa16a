import {
  from,
  NEVER,
  type Observable,
  Observable as Source,
  type OperatorFunction,
  Subject,
  type Subscription,
  takeUntil,
} from 'rxjs'
import type { ItemOutcome } from '../../../operators/index.ts'
import type { Item, OperatorParts } from '../../../src/testing/index.ts'

/** What can be wrong with it. */
export type Bug =
  | 'sheds one too early'
  | 'sheds one too late'
  | 'evicts an accepted item'
  | 'loses an item on synchronous completion'
  | 'leaks a slot when an inner throws synchronously'
  | 'emits after unsubscribe'
  | 'miscounts a cancelled item'
  | 'lets a settled item keep its place'
  | 'starts the newest first'
  | 'starts one too many'
  | 'completes before what waits has run'
  | 'never completes'
  | 'leaves a timer'
  | 'starts what has expired'

interface Entry {
  readonly item: Item
  readonly arrivedAt: number
  readonly controller: AbortController
  readonly stop$: Subject<void>
  startedAt: number | undefined
  inner: Subscription | undefined
  timer: unknown
  ended: boolean
}

/** A bounded buffer with drop-newest as one would write it, and one bug. */
export function plantedBuffer(parts: OperatorParts, bug?: Bug): OperatorFunction<Item, unknown> {
  return (source: Observable<Item>) =>
    new Source<unknown>((subscriber) => {
      const { project, clock, onOutcome, limits } = parts
      const { capacity, concurrency = 1, ttlMs } = limits
      const most = bug === 'sheds one too early' ? capacity - 1 : bug === 'sheds one too late' ? capacity + 1 : capacity
      const slots = bug === 'starts one too many' ? concurrency + 1 : concurrency
      const waiting: Entry[] = []
      const running = new Set<Entry>()
      let [index, leaked, sourceIsDone] = [0, 0, false]

      const tell = (entry: Entry, kind: ItemOutcome<Item>['kind'], more: Partial<ItemOutcome<Item>> = {}): void => {
        if (entry.ended) return
        entry.ended = true
        const now = clock.now()
        const { item, arrivedAt, startedAt } = entry
        const ranMs = startedAt === undefined ? 0 : now - startedAt
        onOutcome({ kind, value: item, waitedMs: (startedAt ?? now) - arrivedAt, ranMs, ...more })
      }
      const end = (entry: Entry, kind: 'completed' | 'failed', error?: unknown): void => {
        if (subscriber.closed) return
        running.delete(entry)
        tell(entry, kind, kind === 'failed' ? { error } : {})
        next()
      }
      const start = (entry: Entry): void => {
        if (entry.timer !== undefined) clock.clearTimeout(entry.timer)
        entry.startedAt = clock.now()
        running.add(entry)
        let input$: Observable<unknown>
        try {
          input$ = from(project(entry.item, index++, { signal: entry.controller.signal }))
        } catch (error) {
          if (bug === 'leaks a slot when an inner throws synchronously') leaked += 1
          end(entry, 'failed', error)
          return
        }
        // Stops also an inner that gives everything within this very call.
        const left$ = bug === 'emits after unsubscribe' ? NEVER : entry.stop$
        entry.inner = input$.pipe(takeUntil(left$)).subscribe({
          next: (value) => {
            subscriber.next(value)
          },
          error: (error: unknown) => {
            end(entry, 'failed', error)
          },
          complete: () => {
            if (entry.inner === undefined && bug === 'loses an item on synchronous completion') entry.ended = true
            end(entry, 'completed')
          },
        })
      }
      const next = (): void => {
        dropExpired()
        while (waiting.length > 0 && running.size + leaked < slots && !subscriber.closed) {
          const entry = (bug === 'starts the newest first' ? waiting.pop() : waiting.shift()) as Entry
          if (!entry.ended) start(entry)
        }
        if (!sourceIsDone || bug === 'never completes') return
        if (running.size === 0 && waiting.length === 0) subscriber.complete()
      }
      /** In the very moment of expiry nothing is started any more, whichever timer is first. */
      const dropExpired = (): void => {
        if (ttlMs === undefined || bug === 'starts what has expired') return
        const due = waiting.filter(({ arrivedAt, ended }) => !ended && clock.now() - arrivedAt >= ttlMs)
        for (const entry of due) {
          clock.clearTimeout(entry.timer)
          remove(entry)
        }
      }
      const remove = (entry: Entry): void => {
        if (bug !== 'lets a settled item keep its place') waiting.splice(waiting.indexOf(entry), 1)
        tell(entry, 'expired')
      }
      const expire = (entry: Entry): void => {
        remove(entry)
        next()
      }
      const arrive = (item: Item): void => {
        const entry: Entry = {
          item,
          arrivedAt: clock.now(),
          controller: new AbortController(),
          stop$: new Subject<void>(),
          startedAt: undefined,
          inner: undefined,
          timer: undefined,
          ended: false,
        }
        dropExpired()
        if (running.size + leaked < slots) {
          start(entry)
        } else if (waiting.length < most || (bug === 'evicts an accepted item' && waiting.length > 0)) {
          if (waiting.length >= most) tell(waiting.shift() as Entry, 'shed', { reason: 'evicted' })
          waiting.push(entry)
          if (ttlMs !== undefined && bug !== 'starts what has expired') {
            entry.timer = clock.setTimeout(() => {
              expire(entry)
            }, ttlMs)
          }
        } else {
          tell(entry, 'shed', { reason: 'full' })
        }
      }
      const outer = source.subscribe({
        next: arrive,
        error: (error: unknown) => {
          subscriber.error(error)
        },
        complete: () => {
          sourceIsDone = true
          if (bug === 'completes before what waits has run') subscriber.complete()
          next()
        },
      })
      return () => {
        outer.unsubscribe()
        for (const entry of waiting) {
          if (bug !== 'leaves a timer') clock.clearTimeout(entry.timer)
          tell(entry, 'discarded')
        }
        for (const entry of running) {
          tell(entry, bug === 'miscounts a cancelled item' ? 'completed' : 'discarded')
          entry.controller.abort()
          entry.stop$.next()
        }
      }
    })
}
