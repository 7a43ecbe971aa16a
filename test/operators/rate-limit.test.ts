import fc from 'fast-check'
import { Subject } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { type Clock, type ItemOutcome, rateLimit, type RateLimitOptions } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { scaled } from '../effort.ts'
import { listener } from './listener.ts'
import { draw, marbles } from './marbles.ts'

interface Item {
  readonly index: number
  readonly key: number
  readonly weight: number
}

const anyLimits = fc.record({
  rate: fc.integer({ min: 1, max: 7 }),
  perMs: fc.integer({ min: 1, max: 40 }),
  burst: fc.integer({ min: 1, max: 5 }),
  capacity: fc.oneof(fc.constant(0), fc.nat({ max: 6 }), fc.constant(Infinity)),
  perKeyCapacity: fc.oneof(fc.constant(Infinity), fc.nat({ max: 4 })),
})
const anyArrivals = fc.array(
  fc.record({
    afterMs: fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 6 }) }, fc.nat({ max: 60 })),
    key: fc.nat({ max: 2 }),
    weight: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 6 })),
  }),
  { maxLength: 40, size: 'max' },
)

const sourceError = new Error('source')
const rounding = 1e-6

interface Trace {
  readonly arrivedAt: ReadonlyMap<Item, number>
  readonly outcomes: ReadonlyMap<Item, ItemOutcome<Item>>
  /** When each item that passed did so. */
  readonly passedAt: ReadonlyMap<Item, number>
  /** What the subscriber was given, in order. */
  readonly passed: readonly Item[]
  readonly ends: readonly unknown[]
}

/** Runs traffic through the operator until its end, or until it is unsubscribed with the last arrival. */
async function run(
  limits: Omit<RateLimitOptions<Item>, 'key' | 'weight'>,
  arrivals: readonly { readonly afterMs: number; readonly key: number; readonly weight: number }[],
  end: 'complete' | 'error' | 'unsubscribe',
): Promise<Trace> {
  const clock = new VirtualClock()
  const source$ = new Subject<Item>()
  const [arrivedAt, passedAt] = [new Map<Item, number>(), new Map<Item, number>()]
  const outcomes = new Map<Item, ItemOutcome<Item>>()
  const faults: string[] = []
  const passed: Item[] = []
  const ends: unknown[] = []
  const onOutcome = (outcome: ItemOutcome<Item>): void => {
    if (outcomes.has(outcome.value)) faults.push(`a second outcome of ${outcome.value.index}`)
    outcomes.set(outcome.value, outcome)
  }
  const subscription = source$
    .pipe(rateLimit({ ...limits, key: ({ key }) => key, weight: ({ weight }) => weight, clock, onOutcome }))
    .subscribe({
      next: (item) => {
        passed.push(item)
        passedAt.set(item, clock.now())
      },
      error: (error: unknown) => ends.push(error),
      complete: () => ends.push('complete'),
    })
  for (const [index, { afterMs, key, weight }] of arrivals.entries()) {
    if (afterMs > 0) await clock.advance(afterMs)
    const item = { index, key, weight }
    arrivedAt.set(item, clock.now())
    source$.next(item)
    expect(clock.pending, 'timers').toBeLessThanOrEqual(1)
  }
  if (end === 'complete') source$.complete()
  if (end === 'error') source$.error(sourceError)
  if (end === 'unsubscribe') {
    subscription.unsubscribe()
    expect(source$.observed).toBe(false)
    expect(clock.pending, 'timers').toBe(0)
  }
  const before = passed.length
  await clock.runAll()
  if (end === 'unsubscribe') expect(passed.length).toBe(before)
  expect(faults).toEqual([])
  expect(clock.pending, 'timers').toBe(0)
  expect([...outcomes.keys()].toSorted((a, b) => a.index - b.index)).toEqual([...arrivedAt.keys()])
  expect(passed).toEqual([...outcomes.values()].filter(({ kind }) => kind === 'completed').map(({ value }) => value))
  return { arrivedAt, outcomes, passedAt, passed, ends }
}

/** By the definition: when an item may pass at the earliest, behind those of its key that passed before it. */
function earliest(
  limits: { rate: number; perMs: number; burst: number },
  item: Item,
  at: number,
  trace: Trace,
): number {
  const before = trace.passed.filter((other) => other.key === item.key && other.index < item.index)
  let weight = item.weight
  let first = at
  for (const other of before.toReversed()) {
    weight += other.weight
    const passedAt = trace.passedAt.get(other)!
    first = Math.max(first, passedAt, passedAt + ((weight - limits.burst) * limits.perMs) / limits.rate)
  }
  return first
}

describe('rateLimit, whatever arrives', () => {
  test('each item passes at the first moment that its limit and those before it allow, or is shed for a reason', async () => {
    await fc.assert(
      fc.asyncProperty(anyLimits, anyArrivals, async (limits, arrivals) => {
        const trace = await run(limits, arrivals, 'complete')
        expect(trace.ends).toEqual(['complete'])
        for (const [item, at] of trace.arrivedAt) {
          const outcome = trace.outcomes.get(item)!
          const first = earliest(limits, item, at, trace)
          // What arrived before it and passed later was waiting when it came; a rounding is no wait.
          const waited = [...trace.passedAt].filter(([other, then]) => other.index < item.index && then > at + rounding)
          const load = waited.reduce((sum, [other]) => sum + other.weight, item.weight)
          const ofKey = waited.filter(([other]) => other.key === item.key)
          const keyLoad = ofKey.reduce((sum, [other]) => sum + other.weight, item.weight)
          const fits = load <= limits.capacity && keyLoad <= limits.perKeyCapacity
          if (item.weight > limits.burst) {
            expect(outcome).toMatchObject({ kind: 'shed', reason: 'too-large', waitedMs: 0, ranMs: 0 })
            expect('retryAfterMs' in outcome).toBe(false)
          } else if (outcome.kind === 'completed') {
            const passedAt = trace.passedAt.get(item)!
            expect(Math.abs(passedAt - first), `${item.index} passes at ${first}`).toBeLessThan(rounding)
            expect(outcome).toMatchObject({ waitedMs: passedAt - at, ranMs: 0 })
            if (passedAt > at + rounding) expect(fits).toBe(true)
          } else {
            expect(outcome).toMatchObject({ kind: 'shed', reason: 'rate', waitedMs: 0, ranMs: 0 })
            expect(first).toBeGreaterThan(at)
            expect(fits).toBe(false)
            expect(outcome.retryAfterMs! - (first - at)).toBeGreaterThan(-rounding)
            expect(outcome.retryAfterMs! - (first - at)).toBeLessThan(1 + rounding)
          }
        }
        for (const item of trace.passed) {
          const later = trace.passed.slice(trace.passed.indexOf(item))
          expect(later.every(({ key, index }) => key !== item.key || index >= item.index)).toBe(true)
        }
      }),
      { numRuns: scaled(300) },
    )
  })

  test('unsubscribing discards what waits, and reports it; an error of the source waits, or does the same', async () => {
    const anyEnd = fc.constantFrom(
      ['unsubscribe', 'drain'] as const,
      ['error', 'drain'] as const,
      ['error', 'immediate'] as const,
    )
    await fc.assert(
      fc.asyncProperty(anyLimits, anyArrivals, anyEnd, async (limits, arrivals, [end, onSourceError]) => {
        const trace = await run({ ...limits, onSourceError }, arrivals, end)
        expect(trace.ends).toEqual(end === 'error' ? [sourceError] : [])
        const undisturbed = await run(limits, arrivals, 'complete')
        const endsAt = Math.max(0, ...trace.arrivedAt.values())
        for (const [item, { kind }] of trace.outcomes) {
          const would = [...undisturbed.outcomes.values()].find(({ value }) => value.index === item.index)!
          const cut =
            would.kind === 'completed' && endsAt < [...undisturbed.arrivedAt.values()][item.index]! + would.waitedMs
          expect(kind).toBe(cut && !(end === 'error' && onSourceError === 'drain') ? 'discarded' : would.kind)
        }
      }),
    )
  })
})

describe('in pictures', () => {
  const each20Ms = { rate: 1, perMs: 20 }
  const cases: readonly (readonly [string, RateLimitOptions<string>, string, string, string])[] = [
    ['one every two columns', each20Ms, 'abc-d|', 'a-c-d|', 'passed a, shed b 10, passed c, passed d'],
    [
      'after a pause a burst',
      { ...each20Ms, burst: 2 },
      '(abc)---(def)|',
      '(ab)---(de)|',
      'passed a, passed b, shed c 20, passed d, passed e, shed f 20',
    ],
    ['room for one to wait', { ...each20Ms, capacity: 1 }, '(abc)--|', 'a-b|', 'passed a, shed c 40, passed b'],
    [
      'what is due comes before what arrives',
      { ...each20Ms, capacity: 1 },
      'abc--|',
      'a-b-c|',
      'passed a, passed b, passed c',
    ],
    [
      'of what is due together, the first that came',
      { ...each20Ms, capacity: 2, key: (value) => value.toLowerCase() },
      '(abAB)|',
      '(ab)-(AB|)',
      'passed a, passed b, passed A, passed B',
    ],
    [
      'a later one may be due earlier',
      { ...each20Ms, burst: 2, capacity: 3, key: (value) => value === 'b', weight: (value) => (value === 'b' ? 1 : 2) },
      '(acbbb)|',
      '(abb)-b-(c|)',
      'passed a, passed b, passed b, passed b, passed c',
    ],
    ['what waits still passes', { ...each20Ms, capacity: 2 }, '(abc)|', 'a-b-(c|)', 'passed a, passed b, passed c'],
    ['an error waits, too', { ...each20Ms, capacity: 2 }, 'ab#', 'a-(b#)', 'passed a, passed b'],
    ['or does not', { ...each20Ms, capacity: 2, onSourceError: 'immediate' }, '(ab)#', 'a#', 'passed a, discarded b'],
    [
      'a limit for each key',
      { ...each20Ms, key: (value) => value.toLowerCase() },
      'aAbB|',
      'a-b-|',
      'passed a, shed A 10, passed b, shed B 10',
    ],
    [
      'heavier than the burst',
      { ...each20Ms, burst: 2, weight: (value) => value.charCodeAt(0) - 96 },
      'bac|',
      'b--|',
      'passed b, shed a 10, shed c',
    ],
  ]
  test.each(cases)('%s', async (_, options, source, output, ends) => {
    const clock = new VirtualClock()
    const outcomes: string[] = []
    const onOutcome = ({ kind, value, retryAfterMs }: ItemOutcome<string>): void => {
      outcomes.push(`${kind === 'completed' ? 'passed' : kind} ${value} ${retryAfterMs ?? ''}`.trim())
    }
    const drawn = draw(clock, marbles(clock, source).pipe(rateLimit({ ...options, clock, onOutcome })))
    await clock.runAll()
    expect(drawn()).toBe(output)
    expect(outcomes.join(', ')).toBe(ends)
    expect(clock.pending).toBe(0)
  })
})

describe('re-entrant', () => {
  test('100,000 outputs, each the cause of an input', () => {
    const count = scaled(100_000)
    const source$ = new Subject<number>()
    const outputs: number[] = []
    source$.pipe(rateLimit({ rate: 1, burst: count })).subscribe(
      listener((value) => {
        outputs.push(value)
        source$.next(value + 1)
      }),
    )
    source$.next(0)
    expect(outputs).toEqual(Array.from({ length: count }, (_, index) => index))
  })

  test('100,000 that wait, let go at once by a clock that was late', async () => {
    const count = scaled(100_000)
    const clock = new VirtualClock()
    const late: Clock = {
      now: () => (clock.now() > 0 ? 1e9 : 0),
      wallTime: () => clock.wallTime(),
      setTimeout: (fn, ms) => clock.setTimeout(fn, ms),
      clearTimeout: (handle) => {
        clock.clearTimeout(handle)
      },
    }
    const source$ = new Subject<number>()
    const outputs: number[] = []
    source$
      .pipe(rateLimit({ rate: 1, burst: count, capacity: count, clock: late }))
      .subscribe(listener((value) => outputs.push(value)))
    for (let value = 0; value < 2 * count; value++) source$.next(value)
    expect(outputs.length).toBe(count)
    await clock.advance(1000)
    expect(outputs).toEqual(Array.from({ length: 2 * count }, (_, index) => index))
    expect(clock.pending).toBe(0)
  })

  test('several inputs for an output keep their order', () => {
    const source$ = new Subject<string>()
    const outputs: string[] = []
    source$.pipe(rateLimit({ rate: 1, burst: 6 })).subscribe(
      listener((value) => {
        outputs.push(value)
        for (const next of ['1', '2']) source$.next(value + next)
      }),
    )
    source$.next('')
    expect(outputs).toEqual(['', '1', '2', '11', '12', '21'])
  })

  test('a handler that brings more and unsubscribes', () => {
    const clock = new VirtualClock()
    const source$ = new Subject<number>()
    const outcomes: string[] = []
    const onOutcome = ({ kind, value }: ItemOutcome<number>): void => {
      outcomes.push(`${kind} ${value}`)
    }
    const subscription = source$.pipe(rateLimit({ rate: 1, burst: 2, capacity: 1, clock, onOutcome })).subscribe(
      listener(() => {
        for (const value of [2, 3, 4]) source$.next(value)
        subscription.unsubscribe()
      }),
    )
    source$.next(1)
    expect(outcomes).toEqual(['shed 4', 'discarded 2', 'discarded 3', 'completed 1'])
    expect(clock.pending).toBe(0)
  })
})
