import fc from 'fast-check'
import { EMPTY, type Observable, of, Subject, throwError } from 'rxjs'
import { describe, expect, test } from 'vitest'
import {
  boundedBuffer,
  type BoundedBufferOptions,
  type ItemOutcome,
  type ChannelLimits,
} from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { listener } from './listener.ts'
import { draw, marbles } from './marbles.ts'
import { anyLimits, WatchedBuffer } from './watched-buffer.ts'
import { anyWork } from './work.ts'

/** A change of the limits comes with some of the arrivals, before them. */
const anyChange: fc.Arbitrary<ChannelLimits> = fc.oneof(
  fc.record({ capacity: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ concurrency: fc.integer({ min: 1, max: 3 }) }),
)
const anyArrival = fc.record({
  afterMs: fc.integer({ min: 0, max: 15 }),
  work: anyWork,
  change: fc.option(anyChange, { freq: 12, nil: undefined }),
})
const anyArrivals = fc.array(anyArrival, { maxLength: 25, size: 'max' })

interface Arrival {
  readonly afterMs: number
  readonly change?: ChannelLimits | undefined
}

async function feed(buffer: WatchedBuffer, arrivals: readonly Arrival[]): Promise<void> {
  for (const [item, { afterMs, change }] of arrivals.entries()) {
    // Items of one moment arrive in one turn of the event loop, before promises settle.
    if (afterMs > 0) await buffer.clock.advance(afterMs)
    buffer.keepsItsBounds()
    if (change !== undefined) buffer.change(change)
    if (!buffer.sourceIsObserved) return
    buffer.arrive(item)
  }
}

describe('whatever the projects do', () => {
  test('each item has one outcome, with its times, and the end comes after all of them', async () => {
    await fc.assert(
      fc.asyncProperty(anyLimits, anyArrivals, fc.boolean(), async (limits, arrivals, errs) => {
        const buffer = new WatchedBuffer(
          arrivals.map(({ work }) => work),
          limits,
          'drain',
        )
        await feed(buffer, arrivals)
        if (errs) buffer.error()
        else buffer.complete()
        await buffer.clock.runAll()
        buffer.keepsItsBounds()
        if (!buffer.hasFailed)
          expect(buffer.endings).toEqual(buffer.idle ? [errs ? buffer.sourceError : 'complete'] : [])
        const left = buffer.unfinished
        buffer.unsubscribe()
        for (const item of left) expect(buffer.outcomes.get(item)?.kind).toBe('discarded')
        buffer.isOver()
      }),
      { numRuns: 150 },
    )
  })

  test('unsubscribing and an immediate source error discard and abort what is left, and report it', async () => {
    await fc.assert(
      fc.asyncProperty(anyLimits, anyArrivals, fc.boolean(), async (limits, arrivals, errs) => {
        const buffer = new WatchedBuffer(
          arrivals.map(({ work }) => work),
          limits,
          'immediate',
        )
        await feed(buffer, arrivals)
        const left = buffer.unfinished
        if (errs) buffer.error()
        else buffer.unsubscribe()
        if (!buffer.hasFailed) expect(buffer.endings).toEqual(errs ? [buffer.sourceError] : [])
        for (const item of left) expect(buffer.outcomes.get(item)?.kind).toBe('discarded')
        buffer.isOver()
        const outputs = buffer.outputs.length
        await buffer.clock.runAll()
        expect(buffer.outputs.length).toBe(outputs)
        buffer.isOver()
      }),
      { numRuns: 150 },
    )
  })

  test('with room for all, nothing is shed; with one slot, the outputs are in order', async () => {
    await fc.assert(
      fc.asyncProperty(anyLimits, anyArrivals, async (limits, arrivals) => {
        const works = arrivals.map(({ work }) => work)
        const roomy = { ...limits, capacity: arrivals.length, ttlMs: Infinity, weights: [1], priorities: [0] }
        const buffer = new WatchedBuffer(works, roomy, 'drain')
        await feed(
          buffer,
          arrivals.map(({ afterMs }) => ({ afterMs })),
        )
        buffer.complete()
        await buffer.clock.runAll()
        for (const { kind } of buffer.outcomes.values()) expect(kind).not.toBe('shed')
        const items = buffer.outputs.map(({ item }) => item)
        if (limits.concurrency === 1) expect(items).toEqual(items.toSorted((a, b) => a - b))
        buffer.unsubscribe()
        buffer.isOver()
      }),
    )
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

const strategies: readonly (readonly [string, BoundedBufferOptions<number>['overflow'] & {}])[] = [
  ['drop-newest', 'drop-newest'],
  ['drop-oldest', 'drop-oldest'],
  ['drop lowest', { drop: 'lowest', priority: () => 1 }],
  ['fail', 'fail'],
]

describe.each(strategies)('re-entrant, %s', (_, overflow) => {
  const count = 100_000
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
        fc.array(fc.nat({ max: 3 }), { maxLength: 200 }),
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
