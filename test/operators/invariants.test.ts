import fc from 'fast-check'
import { Observable, of, Subject, type Subscription } from 'rxjs'
import { describe, expect, test } from 'vitest'
import {
  boundedBuffer,
  Channel,
  type ItemOutcome,
  OverflowError,
  type OverflowStrategy,
} from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { scaled } from '../effort.ts'

// One property for each invariant that the operators promise, by its name and judged by itself.

interface Item {
  readonly afterMs: number
  /** How long its inner takes; 0 is synchronous. */
  readonly ms: number
  readonly end: 'value' | 'empty' | 'error' | 'throw'
  readonly priority: number
}

interface Scenario {
  readonly capacity: number
  readonly concurrency: number
  readonly strategy: 'drop-newest' | 'drop-oldest' | 'drop-lowest' | 'fail'
  readonly items: readonly Item[]
}

type Offered = Item & { readonly id: number }

const anyScenario: fc.Arbitrary<Scenario> = fc.record({
  capacity: fc.integer({ min: 0, max: 4 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  strategy: fc.constantFrom('drop-newest', 'drop-oldest', 'drop-lowest', 'fail'),
  items: fc.array(
    fc.record({
      afterMs: fc.constantFrom(0, 0, 1, 4),
      ms: fc.constantFrom(0, 1, 3, 9),
      end: fc.constantFrom('value', 'value', 'empty', 'error', 'throw'),
      priority: fc.integer({ min: 0, max: 2 }),
    }),
    { minLength: 1, maxLength: 40, size: 'max' },
  ),
})

/** A bounded buffer at work, and all that is seen of it from outside. */
class Play {
  readonly clock = new VirtualClock()
  private readonly source$ = new Subject<Offered>()
  readonly offered: Offered[] = []
  readonly started: Offered[] = []
  readonly signals = new Map<number, AbortSignal>()
  readonly outputs: number[] = []
  readonly outcomes: ItemOutcome<Offered>[] = []
  readonly ends: unknown[] = []
  readonly subscription: Subscription

  constructor({ capacity, concurrency, strategy }: Scenario, onSourceError: 'drain' | 'immediate' = 'drain') {
    const { clock } = this
    const overflow =
      strategy === 'drop-lowest' ? { drop: 'lowest' as const, priority: (item: Offered) => item.priority } : strategy
    const onOutcome = (outcome: ItemOutcome<Offered>): void => {
      this.outcomes.push(outcome)
    }
    this.subscription = this.source$
      .pipe(
        boundedBuffer((item, _, { signal }) => this.inner(item, signal), {
          capacity,
          concurrency,
          overflow,
          onSourceError,
          onOutcome,
          clock,
        }),
      )
      .subscribe({
        next: (id) => this.outputs.push(id),
        error: (error: unknown) => this.ends.push(error),
        complete: () => this.ends.push('complete'),
      })
  }

  get waiting(): readonly Offered[] {
    return this.offered.filter((item) => !this.started.includes(item) && !this.hasEnded(item))
  }

  get running(): readonly Offered[] {
    return this.started.filter((item) => !this.hasEnded(item))
  }

  get isSubscribed(): boolean {
    return this.source$.observed
  }

  complete(): void {
    this.source$.complete()
  }

  breakOff(error: Error): void {
    this.source$.error(error)
  }

  offer(item: Item): void {
    const offered = { ...item, id: this.offered.length }
    this.offered.push(offered)
    this.source$.next(offered)
  }

  /** Brings all items, as long as the output goes on; `each` is called at rest, before and after each of them. */
  async bring(items: readonly Item[], each: (offer: () => void) => void): Promise<void> {
    for (const item of items) {
      await this.clock.advance(item.afterMs)
      if (this.ends.length > 0) return
      each(() => {
        this.offer(item)
      })
      await this.clock.settle()
    }
  }

  private hasEnded(item: Offered): boolean {
    return this.outcomes.some(({ value }) => value === item)
  }

  private inner(item: Offered, signal: AbortSignal): Observable<number> {
    this.started.push(item)
    this.signals.set(item.id, signal)
    if (item.end === 'throw') throw new Error('thrown')
    if (item.ms === 0 && item.end === 'value') return of(item.id)
    return new Observable((subscriber) => {
      const finish = (): void => {
        if (item.end === 'value') subscriber.next(item.id)
        if (item.end === 'error') subscriber.error(new Error('late'))
        else subscriber.complete()
      }
      if (item.ms === 0) {
        finish()
        return undefined
      }
      const timer = this.clock.setTimeout(finish, item.ms)
      return () => {
        this.clock.clearTimeout(timer)
      }
    })
  }
}

async function property(judge: (scenario: Scenario) => Promise<void>): Promise<void> {
  await fc.assert(fc.asyncProperty(anyScenario, judge), { numRuns: scaled(500) })
}

describe('the nine invariants', () => {
  test('1. Conservation: the books add up after every call, and each item has one outcome', async () => {
    await property(async (scenario) => {
      const { capacity, concurrency, items } = scenario
      const channel = new Channel<Item>({ capacity, concurrency })
      const balanced = (): void => {
        const { stats } = channel
        const { waiting, running, completed, failed, expired, cancelled, evicted, discarded } = stats
        expect(stats.offered).toBe(stats.accepted + stats.rejected + stats.pending)
        const ends = completed + failed + expired + cancelled + evicted + discarded
        expect(stats.accepted).toBe(waiting + running + ends)
      }
      const runs: Item[] = []
      channel.consume((item) => runs.push(item))
      for (const item of items) {
        channel.offer(item)
        balanced()
        if (item.ms > 1 || runs.pop() === undefined) continue
        channel.release(item.end === 'value' ? 'completed' : 'failed')
        balanced()
        channel.drain()
        balanced()
      }
      const play = new Play(scenario)
      await play.bring(items, (offer) => {
        offer()
        expect(play.outcomes.length).toBe(new Set(play.outcomes.map(({ value }) => value)).size)
      })
      play.complete()
      await play.clock.runAll()
      expect(new Set(play.outcomes.map(({ value }) => value.id)).size).toBe(play.offered.length)
      expect(play.outcomes.length).toBe(play.offered.length)
    })
  })

  test('2. Bounds: no more wait than the capacity, and no more run than there are slots', async () => {
    await property(async (scenario) => {
      const play = new Play(scenario)
      const within = (): void => {
        expect(play.waiting.length).toBeLessThanOrEqual(scenario.capacity)
        expect(play.running.length).toBeLessThanOrEqual(scenario.concurrency)
      }
      await play.bring(scenario.items, (offer) => {
        within()
        offer()
        within()
      })
    })
  })

  test('3. Work-conserving: at rest nothing waits beside a free slot', async () => {
    await property(async (scenario) => {
      const play = new Play(scenario)
      await play.bring(scenario.items, (offer) => {
        if (play.waiting.length > 0) expect(play.running.length).toBe(scenario.concurrency)
        offer()
      })
    })
  })

  test('4. Sheds exactly when it must: when all slots and places are taken, and by the strategy', async () => {
    await property(async (scenario) => {
      const { capacity, concurrency, strategy } = scenario
      const play = new Play(scenario)
      await play.bring(scenario.items, (offer) => {
        const { running, waiting } = play
        const known = play.outcomes.length
        offer()
        const full = running.length === concurrency && waiting.length === capacity
        const newest = play.offered.at(-1)!
        const lost = play.outcomes.slice(known).filter(({ kind }) => kind === 'shed')
        if (!full) {
          expect(lost).toEqual([])
          if (running.length < concurrency) expect(play.started).toContain(newest)
          return
        }
        if (capacity > 0 && strategy === 'fail') {
          expect(play.ends).toEqual([expect.any(OverflowError)])
          return
        }
        const victims = capacity === 0 || strategy === 'drop-newest' ? [newest] : [...waiting, newest]
        const lowest = Math.min(...victims.map(({ priority }) => priority))
        const victim =
          strategy === 'drop-oldest'
            ? victims[0]
            : victims.findLast((item) => victims.length === 1 || item.priority === lowest)
        expect(lost.map(({ value }) => value)).toEqual([victim])
        expect(lost[0]!.reason).toBe(victim === newest ? 'full' : 'evicted')
      })
    })
  })

  test('5. Order: what survives starts first come, first served, and one slot keeps the outputs in order', async () => {
    await property(async (scenario) => {
      const play = new Play(scenario)
      await play.bring(scenario.items, (offer) => {
        offer()
      })
      play.complete()
      await play.clock.runAll()
      for (const priority of scenario.strategy === 'drop-lowest' ? [0, 1, 2] : [undefined]) {
        const ids = play.started
          .filter((item) => priority === undefined || item.priority === priority)
          .map(({ id }) => id)
        expect(ids).toEqual(ids.toSorted((a, b) => a - b))
      }
      if (scenario.concurrency > 1) return
      const places = play.outputs.map((output) => play.started.findIndex(({ id }) => id === output))
      expect(places).toEqual(places.toSorted((a, b) => a - b))
    })
  })

  test('6. The end: a source that completes or errors is followed once, after what it left', async () => {
    const broken = new Error('broken')
    await property(async (scenario) => {
      for (const end of ['complete', 'drain', 'immediate'] as const) {
        const play = new Play(scenario, end === 'immediate' ? 'immediate' : 'drain')
        await play.bring(scenario.items, (offer) => {
          offer()
        })
        if (play.ends.length > 0) continue
        const left = [...play.waiting, ...play.running]
        if (end === 'complete') play.complete()
        else play.breakOff(broken)
        if (end === 'immediate' || left.length === 0) expect(play.ends).toHaveLength(1)
        else expect(play.ends).toEqual([])
        await play.clock.runAll()
        expect(play.ends).toEqual([end === 'complete' ? 'complete' : broken])
        const discarded = play.outcomes.filter(({ kind }) => kind === 'discarded')
        expect(discarded).toHaveLength(end === 'immediate' ? left.length : 0)
        if (end !== 'immediate') expect(play.started).toEqual(expect.arrayContaining(left))
      }
    })
  })

  test('7. Unsubscribe: what runs is aborted, what waits reported, and nothing is left or heard again', async () => {
    await property(async (scenario) => {
      const play = new Play(scenario)
      await play.bring(scenario.items, (offer) => {
        offer()
      })
      if (play.ends.length > 0) return
      const { running, waiting } = play
      const [known, heard] = [play.outcomes.length, play.outputs.length]
      play.subscription.unsubscribe()
      for (const { id } of running) expect(play.signals.get(id)!.aborted).toBe(true)
      const discarded = play.outcomes.slice(known)
      expect(discarded.every(({ kind }) => kind === 'discarded')).toBe(true)
      expect(new Set(discarded.map(({ value }) => value))).toEqual(new Set([...running, ...waiting]))
      expect(play.clock.pending).toBe(0)
      expect(play.isSubscribed).toBe(false)
      await play.clock.runAll()
      expect([play.outputs.length, play.ends, play.outcomes.length]).toEqual([heard, [], known + discarded.length])
    })
  })

  test('8. Re-entrancy: each end that brings the next item neither deepens the stack nor changes the order', async () => {
    const count = scaled(20_000)
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom<OverflowStrategy<number>>(
          'drop-newest',
          'drop-oldest',
          { drop: 'lowest', priority: () => 1 },
          'fail',
        ),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom('value', 'empty', 'error', 'throw', 'promise'), { minLength: 1, maxLength: 9 }),
        async (overflow, concurrency, kinds) => {
          const source$ = new Subject<number>()
          const started: number[] = []
          let ended = 0
          const onOutcome = (): void => {
            ended += 1
            if (ended < count) source$.next(ended)
          }
          const project$ = (value: number): Observable<number> | Promise<number> => {
            started.push(value)
            const kind = kinds[value % kinds.length]
            if (kind === 'throw') throw new Error('thrown')
            if (kind === 'promise') return Promise.resolve(value)
            return new Observable((subscriber) => {
              if (kind === 'value') subscriber.next(value)
              if (kind === 'error') subscriber.error(new Error('late'))
              else subscriber.complete()
            })
          }
          await new Promise<void>((resolve, reject) => {
            const watched = (): void => {
              onOutcome()
              if (ended === count) resolve()
            }
            source$
              .pipe(boundedBuffer(project$, { capacity: 1, concurrency, overflow, onOutcome: watched }))
              .subscribe({ error: reject })
            source$.next(0)
          })
          expect(started.length).toBe(count)
          expect(started.every((value, index) => value === index)).toBe(true)
        },
      ),
      { numRuns: scaled(40) },
    )
  })

  test('9. Metamorphic: with room for all of them nothing is shed', async () => {
    await property(async (scenario) => {
      const play = new Play({ ...scenario, capacity: scenario.items.length })
      await play.bring(scenario.items, (offer) => {
        offer()
      })
      play.complete()
      await play.clock.runAll()
      expect(play.started.length).toBe(scenario.items.length)
      const ends = play.outcomes.map(({ kind, value }) => [value.end, kind])
      for (const [end, kind] of ends) expect(kind).toBe(end === 'error' || end === 'throw' ? 'failed' : 'completed')
      expect(play.ends).toEqual(['complete'])
    })
  })
})
