import { config, Subject } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { rateLimit, type RateLimitOptions } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { listener } from './listener.ts'

describe('what users give rateLimit', () => {
  test('an item whose weight or key cannot be told fails alone', () => {
    const source$ = new Subject<number>()
    const outcomes: string[] = []
    const outputs: number[] = []
    source$
      .pipe(
        rateLimit({
          rate: 1,
          burst: 9,
          weight: (value) => value,
          key: (value) => {
            if (value === 2) throw new Error('no key')
            return value
          },
          onOutcome: ({ kind, value, error }) => {
            outcomes.push(`${kind} ${value} ${error instanceof Error ? error.message : ''}`.trim())
          },
        }),
      )
      .subscribe(listener((value) => outputs.push(value)))
    for (const value of [0, 1, 2, NaN, Infinity, '3' as unknown as number]) source$.next(value)
    expect(outputs).toEqual([1])
    const refused = 'weight must give a finite number above 0, gave'
    expect(outcomes).toEqual([
      `failed 0 ${refused} 0`,
      'completed 1',
      'failed 2 no key',
      `failed NaN ${refused} NaN`,
      `failed Infinity ${refused} Infinity`,
      `failed 3 ${refused} "3"`,
    ])
  })

  test('a key that unsubscribes lets its item be discarded', () => {
    const clock = new VirtualClock()
    const outcomes: string[] = []
    const source$ = new Subject<number>()
    const subscription = source$
      .pipe(
        rateLimit({
          rate: 1,
          capacity: 1,
          clock,
          key: (value) => {
            if (value === 2) subscription.unsubscribe()
          },
          onOutcome: ({ kind, value }) => outcomes.push(`${kind} ${value}`),
        }),
      )
      .subscribe()
    source$.next(1)
    source$.next(2)
    expect(outcomes).toEqual(['completed 1', 'discarded 2'])
    expect(clock.pending).toBe(0)
  })

  test('what onOutcome throws is reported as unhandled and changes nothing', async () => {
    const clock = new VirtualClock()
    const unhandled: unknown[] = []
    config.onUnhandledError = (error) => unhandled.push(error)
    const source$ = new Subject<number>()
    const outputs: number[] = []
    const onOutcome = (): never => {
      throw new Error('mine')
    }
    source$.pipe(rateLimit({ rate: 1, onOutcome, clock })).subscribe(listener((value) => outputs.push(value)))
    source$.next(1)
    source$.next(2)
    await new Promise((resolve) => setTimeout(resolve))
    config.onUnhandledError = null
    expect(outputs).toEqual([1])
    expect(unhandled).toEqual([new Error('mine'), new Error('mine')])
  })

  test('each subscription has a limit of its own', () => {
    const source$ = new Subject<number>()
    const outputs: number[] = []
    const limited$ = source$.pipe(rateLimit({ rate: 1 }))
    for (let i = 0; i < 2; i++) limited$.subscribe(listener((value) => outputs.push(value)))
    source$.next(1)
    expect(outputs).toEqual([1, 1])
  })

  const bad: readonly (readonly [string, unknown, typeof Error])[] = [
    ['options must be an object', undefined, TypeError],
    ['rate must be', {}, TypeError],
    ['burst must be', { rate: 1, burst: 0 }, RangeError],
    ['perMs must be', { rate: 1, perMs: '1s' }, TypeError],
    ['weight must be a function', { rate: 1, weight: 1 }, TypeError],
    ['key must be a function', { rate: 1, key: 'user' }, TypeError],
    ['capacity must be', { rate: 1, capacity: -1 }, RangeError],
    ['perKeyCapacity must be', { rate: 1, perKeyCapacity: 1.5 }, RangeError],
    ['onSourceError must be', { rate: 1, onSourceError: 'wait' }, RangeError],
    ['clock must be', { rate: 1, clock: {} }, TypeError],
    ['onOutcome must be', { rate: 1, onOutcome: true }, TypeError],
    ['unknown option "interval"', { rate: 1, interval: 1 }, TypeError],
  ]
  test.each(bad)('%s: %j is refused before anything is subscribed', (message, options, type) => {
    const create = (): unknown => rateLimit(options as RateLimitOptions<unknown>)
    expect(create).toThrow(type)
    expect(create).toThrow(message)
  })
})
