import fc from 'fast-check'
import { concat, defer, NEVER, Observable, of, Subject, Subscriber, take, throwError } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { retryBackoff, type RetryBackoffOptions, RetryBudget, type RetryVerdict } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { scaled } from '../effort.ts'
import { listener } from './listener.ts'
import { draw, marbles } from './marbles.ts'

/** What one attempt does: so many values, then it ends. */
interface Attempt {
  readonly values: number
  readonly end: 'completes' | 'fails'
  readonly verdict: RetryVerdict
}

const anyAttempt: fc.Arbitrary<Attempt> = fc.record({
  values: fc.nat({ max: 2 }),
  end: fc.constantFrom('fails', 'fails', 'fails', 'completes'),
  verdict: fc.oneof(
    { weight: 6, arbitrary: fc.constant(true) },
    { weight: 1, arbitrary: fc.constant(false) },
    { weight: 3, arbitrary: fc.record({ afterMs: fc.oneof(fc.nat({ max: 900 }), fc.constant(undefined)) }) },
  ),
})
const anyOptions = fc.record({
  attempts: fc.oneof(fc.integer({ min: 1, max: 6 }), fc.constant(Infinity)),
  initialMs: fc.nat({ max: 100 }),
  more: fc.nat({ max: 400 }),
  factor: fc.constantFrom(1, 1.5, 2, 3),
  resetOnSuccess: fc.boolean(),
  chance: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  reserve: fc.option(fc.nat({ max: 4 }), { nil: undefined }),
})

describe('retryBackoff', () => {
  test('subscribes again when it should, at the time it should, and passes the last error', async () => {
    await fc.assert(
      fc.asyncProperty(
        anyOptions,
        fc.array(anyAttempt, { minLength: 1, maxLength: 12, size: 'max' }),
        async (given, script) => {
          const { attempts, initialMs, more, factor, resetOnSuccess, chance, reserve } = given
          const maxMs = initialMs + more
          const clock = new VirtualClock()
          const startedAt: number[] = []
          const seen: unknown[] = []
          const asked: number[] = []
          const budget = reserve === undefined ? undefined : new RetryBudget({ ratio: 1, reserve })
          const source$ = new Observable<string>((subscriber) => {
            const number = startedAt.push(clock.now()) - 1
            const attempt = script[number]
            // Beyond the script it succeeds.
            for (let value = 0; value < (attempt?.values ?? 0); value++) subscriber.next(`${number}.${value}`)
            if (attempt?.end === 'fails') subscriber.error(number)
            else subscriber.complete()
          })
          source$
            .pipe(
              retryBackoff({
                ...{ attempts, initialMs, maxMs, factor, resetOnSuccess, clock, random: () => chance },
                ...(budget !== undefined && { budget }),
                retryIf: (error, attempt) => {
                  asked.push(attempt)
                  return script[error as number]!.verdict
                },
              }),
            )
            .subscribe({
              next: (value) => seen.push(value),
              error: (error: unknown) => seen.push({ error }),
              complete: () => seen.push('complete'),
            })
          await clock.runAll()

          const [starts, expected, questions]: [number[], unknown[], number[]] = [[0], [], []]
          let [now, failures, tokens] = [0, 0, reserve ?? Infinity]
          for (let number = 0; ; number++) {
            const attempt = script[number]
            for (let value = 0; value < (attempt?.values ?? 0); value++) expected.push(`${number}.${value}`)
            if (resetOnSuccess && failures > 0 && (attempt?.values ?? 0) > 0) {
              failures = 0
              tokens = Math.min(tokens + 1, reserve ?? Infinity)
            }
            if (attempt?.end !== 'fails') {
              expected.push('complete')
              break
            }
            failures += 1
            if (failures < attempts) questions.push(failures)
            if (failures >= attempts || attempt.verdict === false || tokens < 1) {
              expected.push({ error: number })
              break
            }
            tokens -= 1
            const afterMs = attempt.verdict === true ? 0 : (attempt.verdict.afterMs ?? 0)
            now += afterMs + chance * Math.min(maxMs, initialMs * factor ** (failures - 1))
            starts.push(now)
          }
          expect(seen).toEqual(expected)
          expect(asked).toEqual(questions)
          expect(startedAt.length).toBe(starts.length)
          for (const [number, at] of startedAt.entries()) expect(at).toBeCloseTo(starts[number]!, 6)
          expect(clock.pending).toBe(0)
        },
      ),
      { numRuns: scaled(300) },
    )
  })

  test('a budget that is shared bounds the retries of all, also when everything fails', async () => {
    const clock = new VirtualClock()
    const budget = new RetryBudget({ ratio: 0.1, reserve: 5 })
    let subscriptions = 0
    let errors = 0
    const call$ = defer(() => {
      subscriptions += 1
      return throwError(() => new Error('down'))
    }).pipe(retryBackoff({ attempts: 10, budget, clock }))
    for (let call = 0; call < 1000; call++) call$.subscribe({ error: () => (errors += 1) })
    await clock.runAll()
    expect(errors).toBe(1000)
    // While there are retries in reserve, calls earn none.
    expect(subscriptions - 1000).toBeGreaterThan(99)
    expect(subscriptions - 1000).toBeLessThanOrEqual(5 + 100)
  })

  test('unsubscribing while it waits, or while an attempt runs, leaves nothing', async () => {
    const clock = new VirtualClock()
    const source$ = new Subject<number>()
    let attempts = 0
    const options = { clock, random: () => 0.5 }
    const waiting = throwError(() => new Error('down'))
      .pipe(retryBackoff(options))
      .subscribe(listener())
    const running = defer(() => {
      attempts += 1
      return attempts === 1 ? throwError(() => new Error('down')) : source$
    })
      .pipe(retryBackoff(options))
      .subscribe(listener())
    expect(clock.pending).toBe(2)
    waiting.unsubscribe()
    expect(clock.pending).toBe(1)
    await clock.advance(50)
    expect([clock.pending, source$.observed]).toEqual([0, true])
    running.unsubscribe()
    expect([clock.pending, source$.observed]).toEqual([0, false])
  })

  test('does not begin when nobody listens any more', () => {
    const budget = new RetryBudget({ reserve: 1, ratio: 1 })
    budget.withdraw()
    let begun = 0
    const source$ = new Observable<number>(() => {
      begun += 1
    })
    // What an operator hands on when its own subscriber has left already.
    // eslint-disable-next-line @typescript-eslint/no-deprecated
    const closed = new Subscriber<number>()
    closed.unsubscribe()
    source$.pipe(retryBackoff({ budget })).subscribe(closed)
    expect([begun, budget.available]).toEqual([0, 0])
  })

  test('values earn a retry only after a failure', async () => {
    const clock = new VirtualClock()
    const budget = new RetryBudget({ reserve: 5, ratio: 1 })
    while (budget.withdraw());
    const options: RetryBackoffOptions = { budget, resetOnSuccess: true, clock }
    of(1, 2, 3).pipe(retryBackoff(options)).subscribe(listener())
    expect(budget.available).toBe(1)
    let attempts = 0
    const failsOnce$ = defer(() => (++attempts === 1 ? throwError(() => new Error('down')) : of(1, 2, 3)))
    failsOnce$.pipe(retryBackoff(options)).subscribe(listener())
    await clock.runAll()
    // Both were calls; the retry that it cost is earned again once.
    expect([attempts, budget.available]).toEqual([2, 2])
  })

  test('what is unsubscribed within its first value, or by retryIf, is not tried again', async () => {
    const clock = new VirtualClock()
    let attempts = 0
    const source$ = defer(() => {
      attempts += 1
      return concat(
        of(1, 2),
        throwError(() => new Error('down')),
      )
    })
    const values: number[] = []
    source$.pipe(retryBackoff({ clock }), take(1)).subscribe(listener((value) => values.push(value)))
    const retryIf = (): boolean => {
      subscription.unsubscribe()
      return true
    }
    const late$ = new Subject<number>()
    const subscription = late$.pipe(retryBackoff({ clock, retryIf })).subscribe(listener())
    late$.error(new Error('down'))
    expect(clock.pending).toBe(0)
    await clock.runAll()
    expect([values, attempts, clock.pending]).toEqual([[1], 1, 0])
  })

  test('100,000 failures within their own subscription, without a delay', async () => {
    const count = scaled(100_000)
    const timers: (() => void)[] = []
    const clock = {
      now: () => 0,
      wallTime: () => 0,
      setTimeout: (fn: () => void) => timers.push(fn),
      clearTimeout() {},
    }
    let attempts = 0
    const source$ = defer(() => {
      attempts += 1
      return attempts < count ? throwError(() => new Error('down')) : NEVER
    })
    source$.pipe(retryBackoff({ attempts: Infinity, initialMs: 0, clock })).subscribe(listener())
    for (let timer = timers.pop(); timer !== undefined; timer = timers.pop()) timer()
    expect(attempts).toBe(count)
  })

  const cases: readonly (readonly [string, RetryBackoffOptions, readonly string[], string])[] = [
    ['after one column, then after two', {}, ['-#', '-#', '-a|'], '------a|'],
    ['the last error passes', { attempts: 2 }, ['a#', 'b#'], 'a-b#'],
    ['a value starts over', { attempts: 2, resetOnSuccess: true }, ['#', 'a#', 'b|'], '-a-b|'],
    ['the server says when', { retryIf: () => ({ afterMs: 30 }) }, ['#', 'a|'], '----a|'],
    ['not after this error', { retryIf: () => false }, ['a#', 'b|'], 'a#'],
  ]
  test.each(cases)('in pictures: %s', async (_, options, attempts, output) => {
    const clock = new VirtualClock()
    let number = 0
    const source$ = defer(() => marbles(clock, attempts[number++]!))
    // The delays are 10 ms, a column, then 20 ms.
    const drawn = draw(clock, source$.pipe(retryBackoff({ initialMs: 20, ...options, random: () => 0.5, clock })))
    await clock.runAll()
    expect(drawn()).toBe(output)
    expect(clock.pending).toBe(0)
  })

  test.each([
    ['a verdict that is none', 'yes', 'retryIf must give true, false or { afterMs }, gave "yes"'],
    ['no verdict', null, 'retryIf must give true, false or { afterMs }, gave null'],
    ['a time that is none', { afterMs: NaN }, 'afterMs, which retryIf gives, must be a number from 0'],
  ])('%s is the error of the output', (_, verdict, message) => {
    const errors: unknown[] = []
    throwError(() => new Error('down'))
      .pipe(retryBackoff({ retryIf: () => verdict as RetryVerdict }))
      .subscribe({ error: (error: unknown) => errors.push((error as Error).message) })
    expect(errors).toEqual([expect.stringContaining(message)])
  })

  const bad: readonly (readonly [string, unknown, typeof Error])[] = [
    ['attempts must be', { attempts: 0 }, RangeError],
    ['initialMs must be', { initialMs: -1 }, RangeError],
    ['maxMs must be a number from 100', { maxMs: 1 }, RangeError],
    ['factor must be', { factor: 0.5 }, RangeError],
    ['random must be a function', { random: 1 }, TypeError],
    ['retryIf must be a function', { retryIf: true }, TypeError],
    ['budget must be a RetryBudget', { budget: { ratio: 0.1 } }, TypeError],
    ['resetOnSuccess must be true or false', { resetOnSuccess: 'yes' }, TypeError],
    ['clock must be', { clock: {} }, TypeError],
    ['unknown option "count"', { count: 3 }, TypeError],
  ]
  test.each(bad)('%s: %j is refused before anything is subscribed', (message, options, type) => {
    const create = (): unknown => retryBackoff(options as RetryBackoffOptions)
    expect(create).toThrow(type)
    expect(create).toThrow(message)
  })
})
