import fc from 'fast-check'
import { config, map, Observable, of, Subject, Subscriber, Subscription, take } from 'rxjs'
import { afterEach, describe, expect, test } from 'vitest'
import { batch, type BatchOptions, type ItemOutcome } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { scaled } from '../effort.ts'
import { listener } from './listener.ts'
import { draw, marbles } from './marbles.ts'
import { anyArrivals, anyBatchLimits } from './plain-batch.ts'
import { WatchedBatch } from './watched-batch.ts'

describe('against a plain array', () => {
  test('gives the same batches at the same times, and at the end what is open', async () => {
    await fc.assert(
      fc.asyncProperty(anyBatchLimits, anyArrivals, fc.boolean(), async (limits, arrivals, errs) => {
        const watched = new WatchedBatch(arrivals, limits, 'drain')
        await watched.feed(arrivals)
        const broken = new Error('source')
        if (errs) watched.error(broken)
        else watched.complete()
        watched.plain.end(watched.clock.now())
        expect(watched.given).toEqual(watched.plain.given)
        expect(watched.endings).toEqual([errs ? broken : 'complete'])
        watched.isOver()

        const all = arrivals.map((_, item) => item)
        for (const key of limits.keyed ? [0, 1, 2, 3] : [undefined]) {
          const ofKey = (items: readonly number[]): readonly number[] =>
            items.filter((item) => key === undefined || arrivals[item]!.key === key)
          expect(ofKey(watched.given.flatMap(({ items }) => items))).toEqual(ofKey(all))
        }
        for (const { at, items } of watched.given) {
          expect(items.length).toBeGreaterThan(0)
          if (items.length > 1) expect(watched.plain.load(items)).toBeLessThanOrEqual(limits.size)
          for (const item of items) expect(at - watched.arrivedAt[item]!).toBeLessThanOrEqual(limits.timeoutMs)
          if (limits.keyed) expect(new Set(items.map((item) => arrivals[item]!.key)).size).toBe(1)
        }
      }),
      { numRuns: scaled(300) },
    )
  })

  test('left alone, every batch is given when its time is up, and no timer is left', async () => {
    await fc.assert(
      fc.asyncProperty(anyBatchLimits, anyArrivals, async (limits, arrivals) => {
        const watched = new WatchedBatch(arrivals, limits, 'drain')
        await watched.feed(arrivals)
        expect(watched.clock.pending).toBe(limits.timeoutMs < Infinity && watched.plain.open.length > 0 ? 1 : 0)
        await watched.clock.runAll()
        watched.plain.pass(limits.timeoutMs === Infinity ? 0 : Number.MAX_VALUE)
        expect(watched.given).toEqual(watched.plain.given)
        watched.stop()
        watched.isOver()
      }),
    )
  })

  test('unsubscribing and an immediate source error discard what is open, and report it', async () => {
    await fc.assert(
      fc.asyncProperty(anyBatchLimits, anyArrivals, fc.boolean(), async (limits, arrivals, errs) => {
        const watched = new WatchedBatch(arrivals, limits, 'immediate')
        await watched.feed(arrivals)
        const broken = new Error('source')
        if (errs) watched.error(broken)
        else watched.stop()
        expect(watched.endings).toEqual(errs ? [broken] : [])
        watched.isOver()
        await watched.clock.runAll()
        expect(watched.given).toEqual(watched.plain.given)
        watched.isOver()
      }),
    )
  })
})

describe('in pictures', () => {
  const key = (value: string): string => value.toLowerCase()
  const weight = (value: string): number => Number(value)
  const cases: readonly (readonly [string, BatchOptions<string>, string, string, string])[] = [
    ['full, and the rest at the end', { size: 2 }, 'a-b-c-|', '--(a+b)---(c|)', ''],
    ['when its time is up', { size: 3, timeoutMs: 20 }, 'ab-c---|', '--(a+b)--c-|', ''],
    ['the time begins with the first item', { size: 3, timeoutMs: 20 }, '---a----|', '-----a--|', ''],
    ['full before its time is up', { size: 2, timeoutMs: 30 }, 'ab-c---|', '-(a+b)----c|', ''],
    ['a batch for each key', { size: 2, key }, 'abAcB|', '--(a+A)-(b+B)(c|)', ''],
    ['the oldest gives way to a new key', { size: 2, key, maxKeys: 2 }, 'abcAB|', '--abc(AB|)', ''],
    ['by weight', { size: 5, weight }, '2-3-4-2-|', '--(2+3)---4-(2|)', ''],
    ['too heavy for any batch', { size: 5, weight }, '1-9-1-|', '--(19)---(1|)', ''],
    ['an error waits for what is open', { size: 2 }, 'abc-#', '-(a+b)--(c#)', ''],
    ['or does not', { size: 2, onSourceError: 'immediate' }, 'abc-#', '-(a+b)--#', 'discarded c'],
  ]
  test.each(cases)('%s', async (_, options, source, output, lost) => {
    const clock = new VirtualClock()
    const losses: string[] = []
    const onOutcome = ({ kind, value }: ItemOutcome<string>): void => {
      if (kind !== 'completed') losses.push(`${kind} ${value}`)
    }
    const batches$ = marbles(clock, source).pipe(batch({ ...options, clock, onOutcome }))
    const drawn = draw(clock, batches$.pipe(map((values) => values.join('+'))))
    await clock.runAll()
    expect(drawn()).toBe(output)
    expect(losses.join(', ')).toBe(lost)
    expect(clock.pending).toBe(0)
  })
})

describe('re-entrant', () => {
  const count = scaled(100_000)

  test.each([1, 3])('size %s: 100,000 outputs, each the cause of as many inputs', (size) => {
    const source$ = new Subject<number>()
    const outputs: number[] = []
    let next = 0
    const bring = (): void => {
      for (let i = 0; i < size && next < count * size; i++) source$.next(next++)
    }
    source$.pipe(batch({ size })).subscribe(
      listener((values) => {
        outputs.push(...values)
        bring()
      }),
    )
    bring()
    expect(outputs.length).toBe(count * size)
    expect(outputs.every((value, index) => value === index)).toBe(true)
  })

  test('a completion within an output comes after the batches that it causes', () => {
    const source$ = new Subject<number>()
    const seen: unknown[] = []
    source$.pipe(batch({ size: 2 })).subscribe({
      next: (values) => {
        seen.push(values)
        if (values[0] !== 1) return
        for (const value of [3, 4, 5]) source$.next(value)
        source$.complete()
        seen.push('returned')
      },
      error: (error: unknown) => seen.push(error),
      complete: () => seen.push('complete'),
    })
    source$.next(1)
    source$.next(2)
    expect(seen).toEqual([[1, 2], 'returned', [3, 4], [5], 'complete'])
  })

  test('who leaves within an output hears nothing more, and what is left is reported', () => {
    const source$ = new Subject<number>()
    const outcomes: string[] = []
    const seen: unknown[] = []
    const onOutcome = ({ kind, value }: ItemOutcome<number>): void => {
      outcomes.push(`${kind} ${value}`)
    }
    const subscription = source$.pipe(batch({ size: 2, onOutcome })).subscribe(
      listener((values) => {
        seen.push([...values])
        for (const value of [3, 4, 5]) source$.next(value)
        subscription.unsubscribe()
      }),
    )
    source$.next(1)
    source$.next(2)
    expect(seen).toEqual([[1, 2]])
    expect(outcomes).toEqual(['discarded 3', 'discarded 4', 'discarded 5', 'completed 1', 'completed 2'])
    expect(source$.observed).toBe(false)
  })

  test('who leaves within key leaves nothing open', () => {
    const clock = new VirtualClock()
    const source$ = new Subject<number>()
    const outcomes: string[] = []
    const subscription = new Subscription()
    const options: BatchOptions<number> = {
      size: 2,
      timeoutMs: 10,
      clock,
      key: (value) => {
        if (value === 2) subscription.unsubscribe()
        return value
      },
      onOutcome: ({ kind, value, waitedMs }) => outcomes.push(`${kind} ${value} after ${waitedMs}`),
    }
    subscription.add(source$.pipe(batch(options)).subscribe(listener()))
    source$.next(1)
    source$.next(2)
    expect(outcomes).toEqual(['discarded 1 after 0', 'discarded 2 after 0'])
    expect(clock.pending).toBe(0)
  })

  test('does not begin when nobody listens any more', () => {
    let begun = 0
    const source$ = new Observable<number>(() => {
      begun += 1
    })
    // What an operator hands on when its own subscriber has left already.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    const closed = new Subscriber<number[]>()
    closed.unsubscribe()
    source$.pipe(batch({ size: 2 })).subscribe(closed)
    expect(begun).toBe(0)
  })

  test('stops a source that would give for ever', () => {
    const seen: unknown[] = []
    const endless$ = new Observable<number>((subscriber) => {
      for (let value = 0; !subscriber.closed; value++) subscriber.next(value)
    })
    endless$.pipe(batch({ size: 2 }), take(2)).subscribe(listener((values) => seen.push(values)))
    expect(seen).toEqual([
      [0, 1],
      [2, 3],
    ])
  })
})

test('opens at most 1024 batches by default', () => {
  const source$ = new Subject<number>()
  const outputs: number[][] = []
  source$.pipe(batch({ size: 2, key: (value) => value })).subscribe(listener((values) => outputs.push(values)))
  const count = scaled(100_000)
  for (let value = 0; value < count; value++) source$.next(value)
  expect(outputs.length).toBe(count - 1024)
  source$.complete()
  expect(outputs).toEqual(Array.from({ length: count }, (_, value) => [value]))
})

describe('what others throw', () => {
  afterEach(() => {
    config.onUnhandledError = null
  })
  const broken = new Error('no key')
  const key = (value: number): number => {
    if (value === 2) throw broken
    return 0
  }
  /** Settles once so many errors were handled by nobody. */
  const unhandled = (count: number): Promise<readonly unknown[]> =>
    new Promise((resolve) => {
      const errors: unknown[] = []
      config.onUnhandledError = (error) => {
        if (errors.push(error) === count) resolve(errors)
      }
    })

  test('an item whose key cannot be told fails alone', () => {
    const [outcomes, outputs]: [ItemOutcome<number>[], unknown[]] = [[], []]
    of(1, 2, 3)
      .pipe(batch({ size: 5, key, clock: new VirtualClock(), onOutcome: (outcome) => outcomes.push(outcome) }))
      .subscribe(listener((values) => outputs.push([...values])))
    expect(outputs).toEqual([[1, 3]])
    const times = { waitedMs: 0, ranMs: 0 }
    expect(outcomes).toEqual([
      { kind: 'failed', value: 2, error: broken, ...times },
      { kind: 'completed', value: 1, ...times },
      { kind: 'completed', value: 3, ...times },
    ])
  })

  test('without an observer it is reported as unhandled', async () => {
    const reported = unhandled(1)
    of(1, 2, 3)
      .pipe(batch({ size: 5, key }))
      .subscribe(listener())
    expect(await reported).toEqual([broken])
  })

  test('a weight that is none fails its item', () => {
    const failed: unknown[] = []
    const onOutcome = ({ kind, value, error }: ItemOutcome<number>): void => {
      if (kind === 'failed') failed.push([value, (error as Error).message])
    }
    of(1, 0, NaN)
      .pipe(batch({ size: 5, weight: (value) => value, onOutcome }))
      .subscribe(listener())
    expect(failed).toEqual([
      [0, 'weight must give a finite number above 0, gave 0'],
      [NaN, 'weight must give a finite number above 0, gave NaN'],
    ])
  })

  test('an observer that throws is reported as unhandled, and all goes on', async () => {
    const reported = unhandled(2)
    const outputs: unknown[] = []
    const onOutcome = (): void => {
      throw broken
    }
    of(1, 2)
      .pipe(batch({ size: 1, onOutcome }))
      .subscribe(listener((values) => outputs.push(values)))
    expect(outputs).toEqual([[1], [2]])
    expect(await reported).toEqual([broken, broken])
  })
})

test('asks the clock only where somebody needs the time', () => {
  const clock = new VirtualClock()
  clock.now = () => {
    throw new Error('was asked')
  }
  const outputs: unknown[] = []
  of(1, 2, 3)
    .pipe(batch({ size: 2, clock }))
    .subscribe(listener((values) => outputs.push(values)))
  expect(outputs).toEqual([[1, 2], [3]])
})

test.each([
  [{ size: 0 }, 'size must be a whole number from 1 to 9007199254740991, got 0'],
  [{ size: Infinity }, 'size must be a whole number from 1 to 9007199254740991, got Infinity'],
  [{ size: 1, weight: 1 }, 'weight must be a function, got 1'],
  [{ size: 1, timeoutMs: 0 }, 'timeoutMs must be a number from 1 to Infinity, got 0'],
  [{ size: 1, key: 'a' }, 'key must be a function, got "a"'],
  [{ size: 1, key: () => 1, maxKeys: 0 }, 'maxKeys must be a whole number from 1 to Infinity, got 0'],
  [{ size: 1, maxKeys: 4 }, 'maxKeys must not be given without key: then one batch is open at most'],
  [{ size: 1, onSourceError: 'flush' }, 'onSourceError must be one of "drain", "immediate", got "flush"'],
  [{ size: 1, clock: 1 }, 'clock must be a Clock, got 1 without now, wallTime, setTimeout, clearTimeout'],
  [{ size: 1, onOutcome: 1 }, 'onOutcome must be a function, got 1'],
  [{ size: 1, timeout: 5 }, 'batch: unknown option "timeout"'],
])('options: %o', (options, message) => {
  expect(() => batch(options as unknown as BatchOptions<number>)).toThrow(message)
})
