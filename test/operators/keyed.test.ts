import fc from 'fast-check'
import { concat, EMPTY, NEVER, type Observable, of, Subject, Subscription, throwError } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { type ItemOutcome, keyed, type KeyedOptions } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { scaled } from '../effort.ts'
import { listener } from './listener.ts'
import { draw, marbles } from './marbles.ts'
import { anyKeyedLimits } from './plain-keyed.ts'
import { WatchedKeyed } from './watched-keyed.ts'
import { anyWork } from './work.ts'

const anyArrivals = fc.array(
  fc.record({ afterMs: fc.integer({ min: 0, max: 15 }), key: fc.nat({ max: 3 }), work: anyWork }),
  { maxLength: 30, size: 'max' },
)

async function feed(watched: WatchedKeyed, arrivals: readonly { readonly afterMs: number }[]): Promise<void> {
  for (const [item, { afterMs }] of arrivals.entries()) {
    if (afterMs > 0) await watched.clock.advance(afterMs)
    watched.keepsItsBounds()
    if (!watched.sourceIsObserved) return
    watched.arrive(item)
  }
}

describe('whatever the projects do', () => {
  test('each item has one outcome, lanes are in order, no slot idles, and the end comes after all', async () => {
    await fc.assert(
      fc.asyncProperty(anyKeyedLimits, anyArrivals, fc.boolean(), async (limits, arrivals, errs) => {
        const watched = new WatchedKeyed(arrivals, limits, 'drain')
        await feed(watched, arrivals)
        if (errs) watched.error()
        else watched.complete()
        await watched.clock.runAll()
        watched.keepsItsBounds()
        const left = watched.unfinished
        if (!watched.hasFailed) {
          expect(watched.endings).toEqual(left.length > 0 ? [] : [errs ? watched.sourceError : 'complete'])
        }
        watched.unsubscribe()
        for (const item of left) expect(watched.outcomes.get(item)?.kind).toBe('discarded')
        watched.isOver()
      }),
      { numRuns: scaled(200) },
    )
  })

  test('unsubscribing and an immediate source error discard and abort what is left, and report it', async () => {
    await fc.assert(
      fc.asyncProperty(anyKeyedLimits, anyArrivals, fc.boolean(), async (limits, arrivals, errs) => {
        const watched = new WatchedKeyed(arrivals, limits, 'immediate')
        await feed(watched, arrivals)
        const left = watched.unfinished
        if (errs) watched.error()
        else watched.unsubscribe()
        if (!watched.hasFailed) expect(watched.endings).toEqual(errs ? [watched.sourceError] : [])
        for (const item of left) expect(watched.outcomes.get(item)?.kind).toBe('discarded')
        watched.isOver()
        const outputs = watched.outputs.length
        await watched.clock.runAll()
        expect(watched.outputs.length).toBe(outputs)
        watched.isOver()
      }),
      { numRuns: scaled(200) },
    )
  })

  test('with room for all nothing is shed, and with one at a time the outputs of a key are in order', async () => {
    await fc.assert(
      fc.asyncProperty(anyKeyedLimits, anyArrivals, async ({ concurrency }, arrivals) => {
        const roomy = {
          perKeyCapacity: arrivals.length,
          capacity: Infinity,
          ttlMs: Infinity,
          overflow: 'fail' as const,
        }
        const watched = new WatchedKeyed(arrivals, { ...roomy, concurrency, perKeyConcurrency: 1 }, 'drain')
        await feed(watched, arrivals)
        watched.complete()
        await watched.clock.runAll()
        for (const { kind } of watched.outcomes.values()) expect(kind).not.toBe('shed')
        for (const key of [0, 1, 2, 3]) {
          const items = watched.outputs.map(({ item }) => item).filter((item) => arrivals[item]!.key === key)
          expect(items).toEqual(items.toSorted((a, b) => a - b))
        }
        watched.unsubscribe()
        watched.isOver()
      }),
    )
  })
})

describe('in pictures', () => {
  type Case = readonly [string, Omit<KeyedOptions<string>, 'key'>, string, string, string]
  const cases: readonly Case[] = [
    [
      'keys run beside each other, each in order',
      { perKeyCapacity: 2 },
      'aAbB------|',
      '---a-bA-B-|',
      'completed a, completed b, completed A, completed B',
    ],
    [
      'one of a key may wait',
      { perKeyCapacity: 1 },
      '(aAab)----|',
      '---(ab)--(A|)',
      'shed a, completed a, completed b, completed A',
    ],
    [
      'the oldest of the key gives way',
      { perKeyCapacity: 1, overflow: 'drop-oldest' },
      '(aAbBa)---|',
      '---(ab)--(aB|)',
      'shed A, completed a, completed b, completed a, completed B',
    ],
    [
      'with one slot keys take turns',
      { perKeyCapacity: 3, concurrency: 1 },
      '(aAabB)|',
      '---a--b--A--B--(a|)',
      'completed a, completed b, completed A, completed B, completed a',
    ],
    [
      'a key whose only item gives way keeps its turn',
      { perKeyCapacity: 1, concurrency: 1, overflow: 'drop-oldest' },
      '(abcB)|',
      '---a--B--(c|)',
      'shed b, completed a, completed B, completed c',
    ],
    [
      'two of a key at once',
      { perKeyCapacity: 1, perKeyConcurrency: 2 },
      '(aAa)|',
      '---(aA)--(a|)',
      'completed a, completed A, completed a',
    ],
    ['an error waits, too', { perKeyCapacity: 1 }, '(aA)#', '---a--(A#)', 'completed a, completed A'],
    ['or does not', { perKeyCapacity: 1, onSourceError: 'immediate' }, '(aA)#', '-#', 'discarded A, discarded a'],
    ['what has waited too long', { perKeyCapacity: 1, ttlMs: 20 }, '(aA)|', '---(a|)', 'expired A, completed a'],
  ]
  /** Letters are items, of the key of their lower case; each takes three columns. */
  test.each(cases)('%s', async (_, options, source, output, ends) => {
    const clock = new VirtualClock()
    const outcomes: string[] = []
    function project(value: string): Observable<string> {
      return marbles(clock, `---(${value}|)`)
    }
    const onOutcome = ({ kind, value }: ItemOutcome<string>): void => {
      outcomes.push(`${kind} ${value}`)
    }
    const key = (value: string): string => value.toLowerCase()
    const drawn = draw(clock, marbles(clock, source).pipe(keyed(project, { ...options, key, onOutcome, clock })))
    await clock.runAll()
    expect(drawn()).toBe(output)
    expect(outcomes.join(', ')).toBe(ends)
    expect(clock.pending).toBe(0)
  })
})

describe.each(['drop-newest', 'drop-oldest', 'fail'] as const)('re-entrant, %s', (overflow) => {
  const count = scaled(100_000)
  const inOrder = (values: readonly number[]): boolean => values.every((value, index) => value === index)

  test.each([
    [1, 1],
    [1, 7],
    [3, 7],
    [Infinity, 7],
    [Infinity, count],
  ])('concurrency %s, %s keys: 100,000 outputs, each the cause of an input', (concurrency, keys) => {
    const source$ = new Subject<number>()
    const outputs: number[] = []
    const options = { key: (value: number) => value % keys, perKeyCapacity: 1, concurrency, overflow }
    source$.pipe(keyed((value) => of(value), options)).subscribe(
      listener((value) => {
        outputs.push(value)
        if (value + 1 < count) source$.next(value + 1)
      }),
    )
    source$.next(0)
    expect(outputs.length).toBe(count)
    expect(inOrder(outputs)).toBe(true)
  })

  test.each([1, 3])('concurrency %s: 100,000 queued synchronous inners of two keys', (concurrency) => {
    const source$ = new Subject<number>()
    const gates = [new Subject<never>(), new Subject<never>()] as const
    const outputs: number[] = []
    const key = (value: number): number => Math.abs(value % 2)
    source$
      .pipe(keyed((value) => (value < 0 ? gates[key(value)]! : of(value)), { key, perKeyCapacity: count, concurrency }))
      .subscribe(listener((value) => outputs.push(value)))
    source$.next(-1)
    source$.next(-2)
    for (let value = 0; value < count; value++) source$.next(value)
    expect(outputs).toEqual([])
    for (const gate$ of gates) gate$.complete()
    expect(outputs.length).toBe(count)
    for (const lane of [0, 1]) {
      expect(inOrder(outputs.filter((value) => key(value) === lane).map((value) => (value - lane) / 2))).toBe(true)
    }
  })

  test('empty, throwing and failing inners free their slots', () => {
    const kinds = { completed: 0, failed: 0, shed: 0, expired: 0, discarded: 0 }
    function project(value: number): Observable<number> {
      if (value % 3 === 0) throw new Error('thrown')
      return value % 3 === 1 ? EMPTY : throwError(() => new Error('told'))
    }
    const source$ = new Subject<number>()
    const onOutcome = ({ kind, value }: ItemOutcome<number>): void => {
      kinds[kind] += 1
      if (value + 1 < count) source$.next(value + 1)
    }
    source$
      .pipe(keyed(project, { key: (value) => value % 5, perKeyCapacity: 1, concurrency: 2, overflow, onOutcome }))
      .subscribe(listener())
    source$.next(0)
    expect(kinds.completed + kinds.failed).toBe(count)
    expect(kinds.shed).toBe(0)
  })
})

describe('keys', () => {
  test('are told apart as in a Map', () => {
    const ran: unknown[] = []
    const [a, b] = [{}, {}]
    of(a, b, a, NaN, NaN, undefined, null, undefined, 0, -0, '0')
      .pipe(
        keyed(
          (value) => {
            ran.push(value)
            return NEVER
          },
          { key: (value) => value, perKeyCapacity: 0 },
        ),
      )
      .subscribe(listener())
    expect(ran).toEqual([a, b, NaN, undefined, null, 0, '0'])
  })

  test.each([1, 2])('whose telling ends the output leave nothing behind, with concurrency %s', (concurrency) => {
    const clock = new VirtualClock()
    const source$ = new Subject<number>()
    const outcomes: string[] = []
    const subscription = new Subscription()
    const options: KeyedOptions<number> = {
      perKeyCapacity: 1,
      concurrency,
      ttlMs: 10,
      clock,
      key: (value) => {
        if (value === 3) subscription.unsubscribe()
        return value
      },
      onOutcome: ({ kind, value }) => outcomes.push(`${kind} ${value}`),
    }
    subscription.add(source$.pipe(keyed(() => NEVER, options)).subscribe(listener()))
    source$.next(1)
    source$.next(3)
    expect(outcomes).toEqual(['discarded 1', 'discarded 3'])
    expect(clock.pending).toBe(0)
  })

  test('that cannot be told fail their item alone', () => {
    const outcomes: string[] = []
    const onOutcome = ({ kind, value, error }: ItemOutcome<number>): void => {
      outcomes.push(`${kind} ${value}${error === undefined ? '' : `: ${(error as Error).message}`}`)
    }
    const key = (value: number): number => {
      if (value === 2) throw new Error('no key')
      return value
    }
    const values: number[] = []
    of(1, 2, 3)
      .pipe(keyed((value) => [value], { key, perKeyCapacity: 0, onOutcome }))
      .subscribe(listener((value) => values.push(value)))
    expect(values).toEqual([1, 3])
    expect(outcomes).toEqual(['completed 1', 'failed 2: no key', 'completed 3'])
  })
})

test.each([
  [{ perKeyCapacity: 1 }, 'keyed: more of one key arrived than its perKeyCapacity of 1 lets wait'],
  [{ perKeyCapacity: 9, capacity: 2 }, 'keyed: more arrived than its capacity of 2 lets wait'],
])('the error of overflow "fail" names the limit: %o', (limits, message) => {
  const errors: unknown[] = []
  concat(of(1, 2, 3, 4), NEVER)
    .pipe(keyed(() => NEVER, { ...limits, key: () => 'same', overflow: 'fail' }))
    .subscribe({ error: (error: unknown) => errors.push(error) })
  expect(errors).toMatchObject([{ code: 'overflow', message: `${message}, and overflow is "fail"` }])
})

test.each([
  [{}, 'key must be a function, got undefined'],
  [{ perKeyCapacity: -1 }, 'perKeyCapacity must be a whole number from 0 to Infinity, got -1'],
  [{ perKeyConcurrency: 0 }, 'perKeyConcurrency must be a whole number from 1 to Infinity, got 0'],
  [{ capacity: 0.5 }, 'capacity must be a whole number from 0 to Infinity, got 0.5'],
  [{ concurrency: 0 }, 'concurrency must be a whole number from 1 to Infinity, got 0'],
  [{ overflow: 'drop' }, 'overflow must be one of "drop-newest", "drop-oldest", "fail", got "drop"'],
  [{ ttlMs: 0 }, 'ttlMs must be a number from 1 to Infinity, got 0'],
  [{ clock: {} }, 'clock must be a Clock, got an object without now, wallTime, setTimeout, clearTimeout'],
  [{ onSourceError: 'wait' }, 'onSourceError must be one of "drain", "immediate", got "wait"'],
  [{ onOutcome: 1 }, 'onOutcome must be a function, got 1'],
  [{ keys: 3 }, 'keyed: unknown option "keys"'],
])('options: %o', (wrong, message) => {
  const key = (value: number): number => value
  const options = Object.keys(wrong).length === 0 ? { perKeyCapacity: 1 } : { key, perKeyCapacity: 1, ...wrong }
  expect(() => keyed((value: number) => [value], options as unknown as KeyedOptions<number>)).toThrow(message)
})
