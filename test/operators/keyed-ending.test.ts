import fc from 'fast-check'
import { NEVER, type Observable, of, Subject, Subscription, take } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { type ItemOutcome, keyed } from '../../operators/index.ts'
import { scaled } from '../effort.ts'
import { listener } from './listener.ts'

describe('the end', () => {
  test('stops an inner that gives everything in one call, and discards the lanes', () => {
    const values: number[] = []
    const outcomes: string[] = []
    const onOutcome = ({ kind, value }: ItemOutcome<number>): void => {
      outcomes.push(`${kind} ${value}`)
    }
    const source$ = new Subject<number>()
    source$
      .pipe(
        keyed((value) => (value === 3 ? of(3, 4, 5) : NEVER), {
          key: (value) => value % 3,
          perKeyCapacity: 1,
          onOutcome,
        }),
        take(2),
      )
      .subscribe(listener((value) => values.push(value)))
    for (const value of [1, 4, 2]) source$.next(value)
    source$.next(3)
    expect(values).toEqual([3, 4])
    expect(outcomes).toEqual(['discarded 4', 'discarded 1', 'discarded 2', 'discarded 3'])
    expect(source$.observed).toBe(false)
  })

  test('within an output, an outcome or a project, nothing starts afterwards', () => {
    const anyCase = fc.record({
      place: fc.constantFrom('output' as const, 'outcome' as const, 'project' as const),
      at: fc.nat({ max: 40 }),
      keys: fc.integer({ min: 1, max: 20 }),
      perKeyCapacity: fc.integer({ min: 0, max: 5 }),
      concurrency: fc.constantFrom(1, 2, 20, Infinity),
      causes: fc.integer({ min: 1, max: 3 }),
    })
    fc.assert(
      fc.property(anyCase, ({ place, at, keys, perKeyCapacity, concurrency, causes }) => {
        const source$ = new Subject<number>()
        const subscription = new Subscription()
        const offered = new Map<number, string[]>()
        const startedLate: number[] = []
        let seen = 0
        const pass = (here: typeof place): void => {
          if (here === place && seen++ === at) subscription.unsubscribe()
        }
        const bring = (): void => {
          const value = offered.size
          if (value > 120 || subscription.closed) return
          offered.set(value, [])
          source$.next(value)
        }
        function project(value: number): Observable<number> {
          if (subscription.closed) startedLate.push(value)
          pass('project')
          return value % 5 === 4 ? NEVER : of(value)
        }
        const onOutcome = ({ kind, value }: ItemOutcome<number>): void => {
          offered.get(value)!.push(kind)
          pass('outcome')
        }
        subscription.add(
          source$
            .pipe(keyed(project, { key: (value) => value % keys, perKeyCapacity, concurrency, onOutcome }))
            .subscribe(
              listener(() => {
                expect(subscription.closed).toBe(false)
                pass('output')
                for (let i = 0; i < causes; i++) bring()
              }),
            ),
        )
        for (let i = 0; i < 10; i++) bring()
        subscription.unsubscribe()
        expect(startedLate).toEqual([])
        for (const outcomes of offered.values()) expect(outcomes.length).toBe(1)
        expect(source$.observed).toBe(false)
      }),
      { numRuns: scaled(300) },
    )
  })

  test('aborts the signals of what runs', () => {
    const signals: AbortSignal[] = []
    of('a', 'b')
      .pipe(
        keyed(
          (_, __, { signal }) => {
            signals.push(signal)
            return NEVER
          },
          { key: (value) => value, perKeyCapacity: 1 },
        ),
      )
      .subscribe(listener())
      .unsubscribe()
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  })
})
