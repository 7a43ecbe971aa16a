import fc from 'fast-check'
import { config } from 'rxjs'
import { describe, expect, test } from 'vitest'
import { Breaker, type BreakerOptions, type BreakerState, CircuitOpenError, type Clock } from '../../operators/index.ts'
import { scaled } from '../effort.ts'

class HandClock implements Clock {
  time = 0
  now(): number {
    return this.time
  }
  wallTime(): number {
    return this.time
  }
  setTimeout(): never {
    throw new Error('a breaker needs no timer')
  }
  clearTimeout(): void {}
}

interface Rule {
  readonly failureRate: number
  readonly windowCalls: number
  readonly minimumCalls: number
}

/** The rules in plain words: what a breaker that lets calls pass one by one must do. */
class Model {
  state: BreakerState = 'closed'
  readonly changes: string[] = []
  private readonly rule: Rule
  private readonly openMs: (openings: number) => number
  private ends: boolean[] = []
  private openUntil = 0
  private openings = 0
  /** Calls that count when they end. */
  private current = new Set<number>()

  constructor(rule: Rule, openMs: (openings: number) => number) {
    this.rule = rule
    this.openMs = openMs
  }

  /** `true`, or what a refusal says. */
  begin(call: number, now: number): true | number | undefined {
    if (this.state === 'open') {
      if (now < this.openUntil) return Math.ceil(this.openUntil - now)
      this.become('half-open')
    } else if (this.state === 'half-open' && this.current.size > 0) return undefined
    this.current.add(call)
    return true
  }

  end(call: number, end: 'succeed' | 'fail' | 'abandon', now: number): void {
    if (!this.current.delete(call) || end === 'abandon') return
    if (this.state === 'half-open') {
      if (end === 'fail') this.open(now)
      else {
        this.openings = 0
        this.ends = []
        this.become('closed')
      }
      return
    }
    this.ends.push(end === 'fail')
    const last = this.ends.slice(-this.rule.windowCalls)
    const rate = last.filter((failed) => failed).length / last.length
    if (last.length >= this.rule.minimumCalls && rate >= this.rule.failureRate) this.open(now)
  }

  private open(now: number): void {
    this.openings += 1
    this.openUntil = now + this.openMs(this.openings)
    this.become('open')
  }

  private become(to: BreakerState): void {
    this.changes.push(`${this.state} → ${to}`)
    this.state = to
    this.current = new Set()
  }
}

const anyRule = fc.integer({ min: 1, max: 8 }).chain((windowCalls) =>
  fc.record({
    windowCalls: fc.constant(windowCalls),
    minimumCalls: fc.integer({ min: 1, max: windowCalls }),
    failureRate: fc.constantFrom(0.1, 0.3, 1 / 3, 0.5, 0.6, 1),
  }),
)
const anyStep = fc.oneof(
  { weight: 5, arbitrary: fc.constant({ kind: 'begin' } as const) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('succeed', 'succeed', 'fail', 'fail', 'abandon'),
      // Counted from the newest: most calls end soon, some late, some twice.
      back: fc.oneof({ weight: 3, arbitrary: fc.nat({ max: 1 }) }, fc.nat({ max: 12 })),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 30 }) }) },
)

describe('Breaker', () => {
  test('does what the rules say, whatever is begun and however it ends', () => {
    fc.assert(
      fc.property(anyRule, fc.boolean(), fc.array(anyStep, { maxLength: 120, size: 'max' }), (rule, grows, steps) => {
        const clock = new HandClock()
        const openMs = (openings: number): number => (grows ? 10 * openings + 0.5 : 20)
        const changes: string[] = []
        const onStateChange = (to: BreakerState, from: BreakerState): void => {
          changes.push(`${from} → ${to}`)
        }
        const breaker = new Breaker({ ...rule, openMs: grows ? openMs : 20, clock, onStateChange })
        const model = new Model(rule, openMs)
        const calls: ReturnType<Breaker['begin']>[] = []
        const begin = (): void => {
          const expected = model.begin(calls.length, clock.time)
          try {
            calls.push(breaker.begin())
            expect(expected).toBe(true)
          } catch (error) {
            if (!(error instanceof CircuitOpenError)) throw error
            expect(error.retryAfterMs).toBe(expected)
          }
        }
        for (const step of steps) {
          if (step.kind === 'begin') begin()
          else if (step.kind === 'pass') clock.time += step.ms
          else {
            const index = calls.length - 1 - step.back
            if (index >= 0) {
              calls[index]![step.kind](new Error('down'))
              model.end(index, step.kind, clock.time)
            }
          }
          expect(breaker.state).toBe(model.state)
          expect(changes).toEqual(model.changes)
        }
        // However it was left, once nobody holds a probe any more a call gets through, and its success closes it.
        for (const call of calls) call.abandon()
        clock.time += openMs(model.changes.length)
        if (breaker.state !== 'closed') {
          breaker.begin().succeed()
          expect(breaker.state).toBe('closed')
        }
      }),
      { numRuns: scaled(1000) },
    )
  })

  test('with a share of 1, n failures in a row open it', () => {
    const breaker = new Breaker({ windowCalls: 3, failureRate: 1 })
    for (const end of ['fail', 'fail', 'succeed', 'fail', 'fail'] as const) breaker.begin()[end](new Error('down'))
    expect(breaker.state).toBe('closed')
    breaker.begin().fail(new Error('down'))
    expect(breaker.state).toBe('open')
  })

  test('seven of a hundred are 0.07, to the last digit', () => {
    const breaker = new Breaker({ windowCalls: 100, minimumCalls: 100, failureRate: 0.07 })
    for (let call = 0; call < 7; call++) breaker.begin().fail(new Error('down'))
    for (let call = 7; call < 99; call++) breaker.begin().succeed()
    expect(breaker.state).toBe('closed')
    breaker.begin().succeed()
    expect(breaker.state).toBe('open')
  })

  test('what was counted before it opened is forgotten once it is closed', () => {
    const clock = new HandClock()
    const breaker = new Breaker({ windowCalls: 4, minimumCalls: 2, openMs: 1, clock })
    for (let call = 0; call < 2; call++) breaker.begin().fail(new Error('down'))
    clock.time = 1
    breaker.begin().succeed()
    breaker.begin().fail(new Error('down'))
    expect(breaker.state).toBe('closed')
    breaker.begin().succeed()
    expect(breaker.state).toBe('open')
  })

  test('opens by default when five of ten calls have failed, for 30 s', () => {
    const clock = new HandClock()
    const breaker = new Breaker({ clock })
    const ends = ['fail', 'fail', 'fail', 'fail', 'fail', 'succeed', 'succeed', 'succeed', 'succeed'] as const
    for (const end of ends) breaker.begin()[end](new Error('down'))
    expect(breaker.state).toBe('closed')
    breaker.begin().succeed()
    expect(breaker.state).toBe('open')
    clock.time = 29_999.5
    expect(() => breaker.begin()).toThrow('the circuit is open, because too many calls have failed; try again in 1 ms')
    clock.time = 30_000
    breaker.begin()
    expect(() => breaker.begin()).toThrow('half-open')
  })

  test('an error that is no failure counts as a success, of a probe, too', () => {
    const clock = new HandClock()
    const isFailure = (error: unknown): boolean => error !== 'bad input'
    const breaker = new Breaker({ windowCalls: 2, failureRate: 0.6, openMs: 1, isFailure, clock })
    for (const error of ['bad input', 'down']) breaker.begin().fail(error)
    expect(breaker.state).toBe('closed')
    breaker.begin().fail('down')
    expect(breaker.state).toBe('open')
    clock.time = 1
    breaker.begin().fail('bad input')
    expect(breaker.state).toBe('closed')
  })

  test('whoever is told or asked may call at once', () => {
    const clock = new HandClock()
    const seen: string[] = []
    const tryIt = (): void => {
      try {
        breaker.begin().abandon()
        seen.push('passes')
      } catch {
        seen.push('refused')
      }
    }
    const onStateChange = (to: BreakerState): void => {
      seen.push(to)
      tryIt()
    }
    let asked = 0
    const isFailure = (): boolean => {
      asked += 1
      // It judges while another call changes the state; that one is judged once, although it ends again.
      if (breaker.state === 'closed') other.fail(new Error('down'))
      return true
    }
    const breaker = new Breaker({ windowCalls: 1, openMs: 5, clock, onStateChange, isFailure })
    const [first, other] = [breaker.begin(), breaker.begin()]
    first.fail(new Error('down'))
    expect(asked).toBe(2)
    expect(seen).toEqual(['open', 'refused'])
    clock.time = 5
    const probe = breaker.begin()
    expect(seen.splice(2)).toEqual(['half-open', 'refused'])
    probe.succeed()
    expect(seen.splice(2)).toEqual(['closed', 'passes'])
  })

  test('what callbacks throw is reported as unhandled: an error counts as a failure, and it opens for 30 s', async () => {
    const clock = new HandClock()
    const unhandled: unknown[] = []
    config.onUnhandledError = (error) => unhandled.push((error as Error).message)
    const thrower = (message: string) => (): never => {
      throw new Error(message)
    }
    const breaker = new Breaker({
      windowCalls: 1,
      clock,
      isFailure: thrower('isFailure'),
      onStateChange: thrower('onStateChange'),
      openMs: () => NaN,
    })
    breaker.begin().fail(new Error('down'))
    clock.time = 29_999
    expect(() => breaker.begin()).toThrow('try again in 1 ms')
    await new Promise((resolve) => setTimeout(resolve))
    config.onUnhandledError = null
    expect(unhandled).toEqual([
      'isFailure',
      expect.stringContaining('openMs, which the backoff gives,'),
      'onStateChange',
    ])
  })

  const bad: readonly (readonly [string, unknown, typeof Error])[] = [
    ['failureRate must be a number from 0.001 to 1', { failureRate: 50 }, RangeError],
    ['windowCalls must be', { windowCalls: 0 }, RangeError],
    ['minimumCalls must be a whole number from 1 to 4', { windowCalls: 4, minimumCalls: 5 }, RangeError],
    ['openMs must be', { openMs: 0 }, RangeError],
    ['openMs must be', { openMs: '10s' }, TypeError],
    ['isFailure must be a function', { isFailure: true }, TypeError],
    ['onStateChange must be a function', { onStateChange: true }, TypeError],
    ['clock must be', { clock: {} }, TypeError],
    ['unknown option "threshold"', { threshold: 1 }, TypeError],
  ]
  test.each(bad)('%s: %j is refused', (message, options, type) => {
    const create = (): unknown => new Breaker(options as BreakerOptions)
    expect(create).toThrow(type)
    expect(create).toThrow(message)
  })
})
