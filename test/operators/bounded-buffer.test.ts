import fc from 'fast-check'
import { EMPTY, NEVER, type Observable, of, Subject, throwError } from 'rxjs'
import { describe, expect, test } from 'vitest'
import {
  boundedBuffer,
  type BoundedBufferOptions,
  type ItemOutcome,
  type OverflowStrategy,
} from '../../operators/index.ts'
import { checkInvariants, type Item, operator, type OperatorLimits, VirtualClock } from '../../src/testing/index.ts'
import { scaled, scenarios } from '../effort.ts'
import { listener } from './listener.ts'
import { draw, marbles } from './marbles.ts'

const strategies: readonly (readonly [
  'drop-newest' | 'drop-oldest' | 'drop-lowest' | 'fail',
  OverflowStrategy<Item>,
])[] = [
  ['drop-newest', 'drop-newest'],
  ['drop-oldest', 'drop-oldest'],
  ['drop-lowest', { drop: 'lowest', priority: ({ priority }) => priority }],
  ['fail', 'fail'],
]

/** All that a bounded buffer can be told but its strategy. */
function anyLimits(overflow: OverflowStrategy<Item>): fc.Arbitrary<OperatorLimits> {
  return fc
    .record({
      capacity: fc.constantFrom(0, 1, 2, 3, 4, Infinity),
      concurrency: fc.constantFrom(1, 1, 2, 3, Infinity),
      ttlMs: fc.constantFrom(Infinity, Infinity, 1, 10),
      onSourceError: fc.constantFrom('drain', 'immediate'),
      weighs: fc.boolean(),
      ranks: fc.boolean(),
    })
    .map(({ weighs, ranks, ...limits }) => ({
      ...limits,
      overflow,
      ...(weighs && { weight: ({ weight }: Item) => weight }),
      ...(ranks && typeof overflow === 'string' && { priority: ({ priority }: Item) => priority }),
    }))
}

describe('keeps the invariants, whatever the projects do', () => {
  // At once: each scenario waits a moment for what RxJS reports by a timer.
  test.concurrent.each(strategies)('%s', async (name, overflow) => {
    const subject = operator(
      ({ project, limits, clock, onOutcome, limits$ }) =>
        boundedBuffer(project, { ...limits, clock, onOutcome, limits$ }),
      anyLimits(overflow),
    )
    await checkInvariants(subject, { runs: scenarios(name) })
  })
})

describe('in pictures', () => {
  const cases: readonly (readonly [string, BoundedBufferOptions<string>, string, string, string])[] = [
    ['one slot, room for one', { capacity: 1 }, 'abc-------|', '--a--b----|', 'shed c, completed a, completed b'],
    [
      'the oldest gives way',
      { capacity: 1, overflow: 'drop-oldest' },
      'abc-------|',
      '--a--c----|',
      'shed b, completed a, completed c',
    ],
    ['no room is exhaustMap', { capacity: 0 }, 'ab--c-----|', '--a----c--|', 'shed b, completed a, completed c'],
    ['two slots', { capacity: 0, concurrency: 2 }, 'abc-------|', '--a-b-----|', 'shed c, completed a, completed b'],
    ['what waits is still run', { capacity: 2 }, 'abc|', '--a--b--(c|)', 'completed a, completed b, completed c'],
    ['an error waits, too', { capacity: 2 }, 'ab#', '--a--(b#)', 'completed a, completed b'],
    ['or does not', { capacity: 2, onSourceError: 'immediate' }, 'ab#', '--#', 'discarded b, discarded a'],
  ]
  test.each(cases)('%s', async (_, options, source, output, ends) => {
    const clock = new VirtualClock()
    const outcomes: string[] = []
    // How long an item takes to give itself and be done: `a` two columns, the others three.
    function project(value: string): Observable<string> {
      return marbles(clock, value === 'a' ? `--(${value}|)` : `---(${value}|)`)
    }
    const onOutcome = ({ kind, value }: ItemOutcome<string>): void => {
      outcomes.push(`${kind} ${value}`)
    }
    const drawn = draw(clock, marbles(clock, source).pipe(boundedBuffer(project, { ...options, onOutcome, clock })))
    await clock.runAll()
    expect(drawn()).toBe(output)
    expect(outcomes.join(', ')).toBe(ends)
    expect(clock.pending).toBe(0)
  })
})

describe.each(strategies)('re-entrant, %s', (_, strategy) => {
  const overflow = typeof strategy === 'object' ? ({ drop: 'lowest', priority: () => 1 } as const) : strategy
  const count = scaled(100_000)
  const inOrder = (values: readonly number[]): boolean => values.every((value, index) => value === index)

  test.each([1, 2, 64, Infinity])('concurrency %s: 100,000 outputs, each the cause of an input', (concurrency) => {
    const source$ = new Subject<number>()
    const outputs: number[] = []
    let completed = 0
    const onOutcome = ({ kind }: ItemOutcome<number>): void => {
      if (kind === 'completed') completed += 1
    }
    source$.pipe(boundedBuffer((value) => of(value), { capacity: 1, concurrency, overflow, onOutcome })).subscribe(
      listener((value) => {
        outputs.push(value)
        if (value + 1 < count) source$.next(value + 1)
      }),
    )
    source$.next(0)
    expect(outputs.length).toBe(count)
    expect(inOrder(outputs)).toBe(true)
    expect(completed).toBe(count)
  })

  test.each([1, 2, 64])('concurrency %s: 100,000 queued synchronous inners', (concurrency) => {
    const source$ = new Subject<number>()
    const gates = Array.from({ length: concurrency }, () => new Subject<never>())
    const outputs: number[] = []
    source$
      .pipe(
        boundedBuffer((value) => (value < 0 ? gates[-value - 1]! : of(value)), {
          capacity: count,
          concurrency,
          overflow,
        }),
      )
      .subscribe(listener((value) => outputs.push(value)))
    for (let gate = 1; gate <= concurrency; gate++) source$.next(-gate)
    for (let value = 0; value < count; value++) source$.next(value)
    expect(outputs).toEqual([])
    for (const gate$ of gates) gate$.complete()
    expect(outputs.length).toBe(count)
    expect(inOrder(outputs)).toBe(true)
  })

  test.each([1, 2, Infinity])('concurrency %s: empty, throwing and failing inners free their slots', (concurrency) => {
    const kinds = { completed: 0, failed: 0, shed: 0, expired: 0, discarded: 0 }
    function project(value: number): Observable<number> {
      if (value % 3 === 0) throw new Error('thrown')
      return value % 3 === 1 ? EMPTY : throwError(() => new Error('told'))
    }
    const onOutcome = ({ kind, value }: ItemOutcome<number>): void => {
      kinds[kind] += 1
      if (value + 1 < count) source$.next(value + 1)
    }
    const source$ = new Subject<number>()
    source$.pipe(boundedBuffer(project, { capacity: 1, concurrency, overflow, onOutcome })).subscribe(listener())
    for (let value = 0; value < 10; value++) {
      const before = kinds.completed + kinds.failed
      source$.next(count + value)
      expect(kinds.completed + kinds.failed).toBe(before + 1)
    }
    expect(kinds.shed).toBe(0)
  })

  test('several inputs for an output keep their order, too', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.nat({ max: 3 }), { maxLength: 200, size: 'max' }),
        (concurrency, causes) => {
          const source$ = new Subject<number>()
          const outputs: number[] = []
          let next = 1
          source$.pipe(boundedBuffer((value) => [value], { capacity: Infinity, concurrency, overflow })).subscribe(
            listener((value) => {
              outputs.push(value)
              for (let i = causes[value] ?? 0; i > 0; i--) source$.next(next++)
            }),
          )
          source$.next(0)
          expect(outputs.length).toBe(next)
          expect(inOrder(outputs)).toBe(true)
        },
      ),
    )
  })
})

test.each([
  [of({ capacty: 1 }), 'limits$: unknown option "capacty"; known are capacity, concurrency'],
  [of({ capacity: -1 }), 'capacity must be a whole number from 0 to Infinity, got -1'],
  [throwError(() => new Error('no limits')), 'no limits'],
])('limits that are bad or fail end the output: %#', (limits$, message) => {
  const errors: string[] = []
  NEVER.pipe(boundedBuffer(() => EMPTY, { capacity: 1, limits$: limits$ as Observable<object> })).subscribe({
    error: (error: unknown) => errors.push((error as Error).message),
  })
  expect(errors).toEqual([message])
})

test('limits that are no Observable are refused', () => {
  const create = (): unknown => boundedBuffer(() => EMPTY, { capacity: 1, limits$: {} as never })
  expect(create).toThrow('limits$ must be an Observable, got an object without subscribe')
})

test('an overflow that fails says how much may wait', () => {
  const errors: string[] = []
  of(1, 2, 3)
    .pipe(boundedBuffer(() => NEVER, { capacity: 1, overflow: 'fail' }))
    .subscribe({ error: (error: unknown) => errors.push((error as Error).message) })
  expect(errors).toEqual(['boundedBuffer: more arrived than its capacity of 1 lets wait, and overflow is "fail"'])
})

test('what arrives while an overflow that fails is told is discarded', () => {
  const source$ = new Subject<string>()
  const [outcomes, errors]: [ItemOutcome<string>[], string[]] = [[], []]
  const onOutcome = (outcome: ItemOutcome<string>): void => {
    outcomes.push(outcome)
    if (outcome.value === 'too many') source$.next('too late')
  }
  source$
    .pipe(boundedBuffer(() => NEVER, { capacity: 1, overflow: 'fail', onOutcome, clock: new VirtualClock() }))
    .subscribe({ error: (error: unknown) => errors.push((error as Error).name) })
  for (const value of ['runs', 'waits', 'too many']) source$.next(value)
  const never = { waitedMs: 0, ranMs: 0 }
  expect(outcomes).toStrictEqual([
    { kind: 'discarded', value: 'waits', ...never },
    { kind: 'shed', value: 'too many', reason: 'full', ...never },
    { kind: 'discarded', value: 'too late', ...never },
    { kind: 'discarded', value: 'runs', ...never },
  ])
  expect(errors).toEqual(['OverflowError'])
})

test.each(['priority', 'weight'])('a %s that is no function is refused before anything is subscribed', (option) => {
  const create = (): unknown => boundedBuffer(() => EMPTY, { capacity: 1, [option]: 1 })
  expect(create).toThrow(`${option} must be a function, got 1`)
})
