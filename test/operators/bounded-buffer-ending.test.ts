import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import {
  concat,
  config,
  defer,
  from,
  map,
  NEVER,
  Observable,
  of,
  range,
  Subject,
  Subscriber,
  Subscription,
  take,
  toArray,
} from 'rxjs'
import { afterEach, describe, expect, test } from 'vitest'
import { boundedBuffer, type ItemOutcome } from '../../operators/index.ts'
import { scaled } from '../effort.ts'
import { listener } from './listener.ts'

describe('ending early', () => {
  /** A source that would never end by itself, and says how often it was asked. */
  const endless = (asked: { count: number }): Iterable<number> => ({
    *[Symbol.iterator]() {
      for (;;) yield asked.count++
    },
  })

  test('stops a source that gives everything in one call', () => {
    const values: number[] = []
    const outcomes: string[] = []
    const onOutcome = ({ kind, value }: ItemOutcome<number>): void => {
      outcomes.push(`${kind} ${value}`)
    }
    range(0, Number.MAX_SAFE_INTEGER)
      .pipe(
        boundedBuffer((value) => concat(of(value), NEVER), { capacity: 2, concurrency: 3, onOutcome }),
        take(3),
      )
      .subscribe(listener((value) => values.push(value)))
    expect(values).toEqual([0, 1, 2])
    expect(outcomes).toEqual(['discarded 0', 'discarded 1', 'discarded 2'])
  })

  test('stops an inner that gives everything in one call', () => {
    const asked = { count: 0 }
    const values: number[] = []
    of('a')
      .pipe(
        boundedBuffer(() => endless(asked), { capacity: 0 }),
        take(3),
      )
      .subscribe(listener((value) => values.push(value)))
    expect(values).toEqual([0, 1, 2])
    expect(asked.count).toBe(3)
  })

  test('within an output, an outcome, a project or deep within starts, nothing starts afterwards', () => {
    const places = fc.constantFrom('output' as const, 'outcome' as const, 'project' as const)
    const anyCase = fc.record({
      place: places,
      at: fc.nat({ max: 40 }),
      capacity: fc.integer({ min: 0, max: 50 }),
      concurrency: fc.constantFrom(1, 2, 3, 20, Infinity),
      causes: fc.integer({ min: 1, max: 3 }),
    })
    fc.assert(
      fc.property(anyCase, ({ place, at, capacity, concurrency, causes }) => {
        const source$ = new Subject<number>()
        const subscription = new Subscription()
        const offered = new Map<number, string[]>()
        const [startedLate, subscribedLate]: [number[], number[]] = [[], []]
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
          return defer(() => {
            if (subscription.closed) subscribedLate.push(value)
            return value % 5 === 4 ? NEVER : of(value)
          })
        }
        const onOutcome = ({ kind, value }: ItemOutcome<number>): void => {
          offered.get(value)!.push(kind)
          pass('outcome')
        }
        subscription.add(
          source$.pipe(boundedBuffer(project, { capacity, concurrency, onOutcome })).subscribe(
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
        expect(subscribedLate).toEqual([])
        for (const outcomes of offered.values()) expect(outcomes.length).toBe(1)
        expect(source$.observed).toBe(false)
      }),
      { numRuns: scaled(300) },
    )
  })

  test('aborts the one signal that an item has, however often it is read', () => {
    const signals: AbortSignal[] = []
    function project(_: number, __: number, context: { readonly signal: AbortSignal }): Observable<never> {
      signals.push(context.signal, context.signal)
      return NEVER
    }
    of(1)
      .pipe(boundedBuffer(project, { capacity: 0 }))
      .subscribe(listener())
      .unsubscribe()
    expect(signals[0]).toBe(signals[1])
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true])
  })

  test('aborts a signal that is first read afterwards', () => {
    const signals: (() => AbortSignal)[] = []
    function project(_: number, __: number, context: { readonly signal: AbortSignal }): Observable<never> {
      signals.push(() => context.signal)
      return NEVER
    }
    of(1, 2)
      .pipe(boundedBuffer(project, { capacity: 0, concurrency: 2 }))
      .subscribe(listener())
      .unsubscribe()
    expect(signals.map((signal) => signal().aborted)).toEqual([true, true])
  })

  test('leaves no rejection unhandled when the project itself unsubscribes', async () => {
    const subscription = new Subscription()
    const source$ = new Subject<number>()
    const outcomes: string[] = []
    const project = async (): Promise<number> => {
      subscription.unsubscribe()
      outcomes.push('has left')
      throw new Error('nobody wants to hear of it')
    }
    const onOutcome = ({ kind }: ItemOutcome<number>): void => {
      outcomes.push(kind)
    }
    subscription.add(source$.pipe(boundedBuffer(project, { capacity: 0, onOutcome })).subscribe(listener()))
    source$.next(1)
    await turn()
    expect(outcomes).toEqual(['discarded', 'has left'])
  })

  test('asks for no more than a first value when the project itself unsubscribes', () => {
    const asked = { count: 0 }
    const subscription = new Subscription()
    const source$ = new Subject<number>()
    function* three(): Generator<number> {
      for (let value = 0; value < 3; value++) yield asked.count++
    }
    const project = (): Iterable<number> => {
      subscription.unsubscribe()
      return three()
    }
    subscription.add(source$.pipe(boundedBuffer(project, { capacity: 0 })).subscribe(listener()))
    source$.next(1)
    expect(asked.count).toBeLessThanOrEqual(1)
  })

  test('does not begin when nobody listens any more', () => {
    let begun = 0
    const source$ = new Observable<number>(() => {
      begun += 1
    })
    // What an operator hands on when its own subscriber has left already.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    const closed = new Subscriber<number>()
    closed.unsubscribe()
    source$.pipe(boundedBuffer((value) => of(value), { capacity: 1 })).subscribe(closed)
    expect(begun).toBe(0)
  })

  test('tells of the end once, however often the source does', () => {
    const endings: string[] = []
    const source$ = new Observable<number>((subscriber) => {
      subscriber.next(1)
      subscriber.complete()
      // A source that breaks the rules is the point here.
      /* eslint-disable rxjs-x/no-redundant-notify */
      subscriber.complete()
      subscriber.error(new Error('after the end'))
      subscriber.next(2)
      /* eslint-enable rxjs-x/no-redundant-notify */
    })
    source$.pipe(boundedBuffer((value) => of(value, value), { capacity: 0 })).subscribe({
      next: (value) => endings.push(String(value)),
      error: () => endings.push('error'),
      complete: () => endings.push('complete'),
    })
    expect(endings).toEqual(['1', '1', 'complete'])
  })

  test('holds an inner to the rules: what it says after its end is not heard', () => {
    const inner$ = new Observable<string>((subscriber) => {
      subscriber.next('in time')
      subscriber.complete()
      // An inner that breaks the rules is the point here.
      /* eslint-disable rxjs-x/no-redundant-notify */
      subscriber.next('late')
      subscriber.error(new Error('late'))
      /* eslint-enable rxjs-x/no-redundant-notify */
    })
    const [values, outcomes]: [string[], string[]] = [[], []]
    const onOutcome = ({ kind }: ItemOutcome<number>): void => {
      outcomes.push(kind)
    }
    of(1, 2)
      .pipe(boundedBuffer(() => inner$, { capacity: 0, onOutcome }))
      .subscribe(listener((value) => values.push(value)))
    expect(values).toEqual(['in time', 'in time'])
    expect(outcomes).toEqual(['completed', 'completed'])
  })
})

describe('what others throw', () => {
  afterEach(() => {
    config.onUnhandledError = null
  })
  /** Settles once so many errors were handled by nobody. */
  const unhandled = (count: number): Promise<readonly unknown[]> =>
    new Promise((resolve) => {
      const errors: unknown[] = []
      config.onUnhandledError = (error) => {
        if (errors.push(error) === count) resolve(errors)
      }
    })

  test('onOutcome: it is reported as unhandled, and all goes on', async () => {
    const reported = unhandled(3)
    const values: number[] = []
    const broken = new Error('broken')
    const onOutcome = (): void => {
      throw broken
    }
    of(1, 2, 3)
      .pipe(boundedBuffer((value) => [value], { capacity: 0, onOutcome }))
      .subscribe(listener((value) => values.push(value)))
    expect(values).toEqual([1, 2, 3])
    expect(await reported).toEqual([broken, broken, broken])
  })

  test('the subscriber: it is reported as unhandled, and all goes on', async () => {
    const reported = unhandled(3)
    const outcomes: string[] = []
    const broken = new Error('broken')
    const onOutcome = ({ kind }: ItemOutcome<number>): void => {
      outcomes.push(kind)
    }
    of(1, 2, 3)
      .pipe(boundedBuffer((value) => [value], { capacity: 0, onOutcome }))
      .subscribe(
        listener(() => {
          throw broken
        }),
      )
    expect(outcomes).toEqual(['completed', 'completed', 'completed'])
    expect(await reported).toEqual([broken, broken, broken])
  })

  test('an operator behind it: it ends the output there, and what ran is discarded', () => {
    const outcomes: string[] = []
    const errors: unknown[] = []
    const broken = new Error('broken')
    const onOutcome = ({ kind, value }: ItemOutcome<number>): void => {
      outcomes.push(`${kind} ${value}`)
    }
    from([1, 2, 3])
      .pipe(
        boundedBuffer((value) => (value === 1 ? NEVER : of(value)), { capacity: 0, concurrency: 2, onOutcome }),
        map(() => {
          throw broken
        }),
        toArray(),
      )
      .subscribe({ error: (error: unknown) => errors.push(error) })
    expect(errors).toEqual([broken])
    expect(outcomes).toEqual(['discarded 1', 'discarded 2'])
  })
})
