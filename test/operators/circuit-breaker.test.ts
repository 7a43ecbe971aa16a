import fc from 'fast-check'
import { concat, defer, EMPTY, firstValueFrom, NEVER, Observable, of, Subject, throwError } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { boundedBuffer, Breaker, circuitBreaker, CircuitOpenError, retryBackoff } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { scaled } from '../effort.ts'
import { listener } from './listener.ts'
import { draw, marbles } from './marbles.ts'

const anyCall = fc.record({
  afterMs: fc.nat({ max: 12 }),
  gives: fc.boolean(),
  end: fc.constantFrom('completes', 'fails', 'fails', 'hangs'),
  /** 0 is within the very subscription. */
  endsAfterMs: fc.constantFrom(0, 1, 15, 40),
  unsubscribesAfterMs: fc.constantFrom(0, 2, 20, 100, 100),
})

describe('circuitBreaker', () => {
  test('subscribes no source while open and one at a time while half-open, however calls end', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(0.5, 1),
        fc.array(anyCall, { maxLength: 40, size: 'max' }),
        async (windowCalls, failureRate, calls) => {
          const clock = new VirtualClock()
          const options = { windowCalls, minimumCalls: windowCalls, failureRate, openMs: 25, clock }
          let probes = 0
          let opened = 0
          const faults: string[] = []
          const breaker = new Breaker({
            ...options,
            onStateChange: (to) => {
              if (to === 'open') opened = clock.now()
              if (to === 'half-open' && clock.now() < opened + 25) faults.push('half-open too early')
            },
          })
          let at = 0
          for (const call of calls) {
            at += call.afterMs
            const source$ = new Observable<string>((subscriber) => {
              const { state } = breaker
              if (state === 'open') faults.push('called while open')
              if (state === 'half-open' && ++probes > 1) faults.push('two probes')
              subscriber.add(() => {
                if (state === 'half-open') probes -= 1
              })
              const finish = (): void => {
                if (call.end === 'completes') subscriber.complete()
                if (call.end === 'fails') subscriber.error(new Error('down'))
              }
              if (call.gives) subscriber.next('value')
              if (call.endsAfterMs === 0) finish()
              else subscriber.add(clock.schedule(finish, call.endsAfterMs))
            })
            const error = (thrown: unknown): void => {
              if (thrown instanceof CircuitOpenError && breaker.state === 'closed') faults.push('refused while closed')
            }
            clock.setTimeout(() => {
              const subscription = source$.pipe(circuitBreaker(breaker)).subscribe({ error })
              clock.setTimeout(() => {
                subscription.unsubscribe()
              }, call.unsubscribesAfterMs)
            }, at)
          }
          await clock.runAll()
          expect(faults).toEqual([])
          expect(clock.pending).toBe(0)
          // All have ended: whatever the state, it is left after openMs at the latest.
          await clock.advance(25)
          if (breaker.state === 'closed') return
          await firstValueFrom(of(1).pipe(circuitBreaker(breaker)))
          expect(breaker.state).toBe('closed')
        },
      ),
      { numRuns: scaled(300) },
    )
  })

  function down(): Observable<never> {
    return throwError(() => new Error('down'))
  }

  /** A breaker that a call has just opened. */
  function opened(openMs: number): { readonly clock: VirtualClock; readonly breaker: Breaker } {
    const clock = new VirtualClock()
    const breaker = new Breaker({ windowCalls: 1, openMs, clock })
    down()
      .pipe(circuitBreaker(breaker))
      .subscribe({ error() {} })
    return { clock, breaker }
  }

  test('a refused call does not subscribe, and says when to come back', async () => {
    const { clock, breaker } = opened(1000)
    await clock.advance(400.5)
    const errors: unknown[] = []
    const never$ = defer((): Observable<never> => {
      throw new Error('subscribed')
    })
    never$.pipe(circuitBreaker(breaker)).subscribe({ error: (error: unknown) => errors.push(error) })
    expect(errors[0]).toBeInstanceOf(CircuitOpenError)
    expect(errors[0]).toMatchObject({ code: 'circuit_open', retryAfterMs: 600, name: 'CircuitOpenError' })
    expect(clock.pending).toBe(0)
  })

  test('a probe that is unsubscribed before its first value makes room for the next, which decides', async () => {
    const { clock, breaker } = opened(10)
    await clock.advance(10)
    const probe = NEVER.pipe(circuitBreaker(breaker)).subscribe(listener())
    expect(() => breaker.begin()).toThrow(CircuitOpenError)
    probe.unsubscribe()
    expect(breaker.state).toBe('half-open')
    expect(await firstValueFrom(concat(of(1), NEVER).pipe(circuitBreaker(breaker)))).toBe(1)
    expect(breaker.state).toBe('closed')
  })

  test('a probe that ends without a value closes it', async () => {
    const { clock, breaker } = opened(10)
    await clock.advance(10)
    const states: string[] = []
    EMPTY.pipe(circuitBreaker(breaker)).subscribe({
      error: (error: unknown) => states.push(String(error)),
      complete: () => states.push(breaker.state),
    })
    expect(states).toEqual(['closed'])
  })

  test('who calls again from within a failure, a value or an end finds the state as it is then', () => {
    const clock = new VirtualClock()
    const breaker = new Breaker({ windowCalls: 1, clock })
    const source$ = new Subject<number>()
    const states: string[] = []
    const note = (): number => states.push(breaker.state)
    source$.pipe(circuitBreaker(breaker)).subscribe({ next: note, error: note })
    source$.next(1)
    source$.error(new Error('down'))
    expect(states).toEqual(['closed', 'open'])
  })

  test('a listener that unsubscribes when the breaker becomes half-open is not called for', async () => {
    const clock = new VirtualClock()
    let subscribed = 0
    const stop$ = new Subject<never>()
    const breaker = new Breaker({
      windowCalls: 1,
      openMs: 1,
      clock,
      onStateChange: (to) => {
        if (to === 'half-open') stop$.error(new Error('stop'))
      },
    })
    down()
      .pipe(circuitBreaker(breaker))
      .subscribe({ error() {} })
    await clock.advance(1)
    new Observable<number>((subscriber) => {
      subscriber.add(stop$.subscribe(subscriber))
      const call$ = defer(() => of(++subscribed))
      call$.pipe(circuitBreaker(breaker)).subscribe(subscriber)
    }).subscribe({ error() {} })
    expect(subscribed).toBe(0)
    breaker.begin()
  })

  test('100,000 calls in the project of another operator, each the cause of the next', () => {
    const breaker = new Breaker()
    const count = scaled(100_000)
    const outputs: number[] = []
    const source$ = new Subject<number>()
    source$.pipe(boundedBuffer((value) => of(value).pipe(circuitBreaker(breaker)), { capacity: 1 })).subscribe(
      listener((value) => {
        outputs.push(value)
        if (value + 1 < count) source$.next(value + 1)
      }),
    )
    source$.next(0)
    expect(outputs).toEqual(Array.from({ length: count }, (_, index) => index))
    expect(breaker.state).toBe('closed')
  })

  test('in pictures: two failures open it for four columns, and then a probe closes it', async () => {
    const clock = new VirtualClock()
    const breaker = new Breaker({ windowCalls: 2, failureRate: 1, openMs: 40, clock })
    const attempts = ['-#', '-#', '-a|']
    let number = 0
    const call$ = defer(() => marbles(clock, attempts[number++]!)).pipe(circuitBreaker(breaker))
    // Failures are repeated at once, refusals when the breaker says.
    const retryIf = (error: unknown): { afterMs: number | undefined } => ({
      afterMs: error instanceof CircuitOpenError ? error.retryAfterMs : 0,
    })
    const drawn = draw(clock, call$.pipe(retryBackoff({ attempts: 9, initialMs: 0, maxMs: 0, clock, retryIf })))
    await clock.runAll()
    expect(drawn()).toBe('-------a|')
    expect([number, breaker.state, clock.pending]).toEqual([3, 'closed', 0])
  })

  test('a breaker that is none is refused', () => {
    expect(() => circuitBreaker({ openMs: 1 } as unknown as Breaker)).toThrow('breaker must be a Breaker')
  })
})
