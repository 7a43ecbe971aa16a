import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Clock, systemClock, TimerWheel, WheelTimer } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { scaled } from '../effort.ts'
import { type Act, anyAct, anyDelay, WatchedWheel } from './watched-wheel.ts'

/** A clock whose timers come when it is looked at, however late that is: as after a machine has slept. */
class SleepyClock implements Clock {
  readonly timers: Map<object, { readonly fn: () => void; readonly dueAt: number }> = new Map()
  private time = 0

  now(): number {
    return this.time
  }

  wallTime(): number {
    return this.time
  }

  setTimeout(fn: () => void, ms: number): object {
    const handle = {}
    this.timers.set(handle, { fn, dueAt: this.time + ms })
    return handle
  }

  clearTimeout(handle: unknown): void {
    this.timers.delete(handle as object)
  }

  /** Time passes unnoticed; then everything that is due comes at once. */
  sleep(ms: number): void {
    this.time += ms
    for (;;) {
      const due = [...this.timers].find(([, { dueAt }]) => dueAt <= this.time)
      if (due === undefined) return
      this.timers.delete(due[0])
      due[1].fn()
    }
  }
}

type Step = Act | { readonly do: 'wait'; readonly ms: number }

const anyStep = (delay: fc.Arbitrary<number>): fc.Arbitrary<Step> =>
  fc.oneof(
    { weight: 3, arbitrary: anyAct(delay) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: delay }) },
  )

const soon = fc.integer({ min: 1, max: 3000 })
const anyReactions = fc.array(fc.array(anyAct(soon), { maxLength: 3 }), { maxLength: 20 })

describe('against a plain list', () => {
  test('whole times: each timer is called exactly when it is due, in order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(anyStep(anyDelay), { maxLength: 60, size: 'max' }),
        anyReactions,
        async (steps, reactions) => {
          const clock = new VirtualClock({ maxSteps: 100_000 })
          const watched = new WatchedWheel(clock, reactions)
          for (const step of steps) {
            if (step.do === 'wait') await clock.advance(Math.max(0, step.ms))
            else watched.do(step)
            if (step.do === 'wait') watched.isUpToDate()
            expect(clock.pending, 'one timer of the clock for all').toBeLessThanOrEqual(1)
          }
          await clock.runAll()
          expect(watched.plans.size).toBe(0)
        },
      ),
      { numRuns: scaled(60) },
    )
  })

  test('fractions of milliseconds: never early, and late by less than one', async () => {
    const anyFraction = fc.double({ min: 0.001, max: 5000, noNaN: true })
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep(anyFraction), { maxLength: 60, size: 'max' }), async (steps) => {
        const clock = new VirtualClock({ maxSteps: 100_000 })
        const watched = new WatchedWheel(clock)
        watched.onTime = ({ dueAt }) => {
          expect(clock.now() - dueAt, 'late').toBeLessThan(1)
        }
        for (const step of steps) {
          if (step.do === 'wait') await clock.advance(Math.max(0, step.ms))
          else watched.do(step)
          if (step.do === 'wait') watched.isUpToDate()
        }
        await clock.runAll()
        expect(watched.plans.size).toBe(0)
      }),
    )
  })

  test('a clock that is late by up to years: what became due comes then, in order, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(anyStep(anyDelay), { maxLength: 100, size: 'max' }), anyReactions, (steps, reactions) => {
        const clock = new SleepyClock()
        const watched = new WatchedWheel(clock, reactions)
        watched.onTime = () => undefined
        for (const step of steps) {
          if (step.do === 'wait') clock.sleep(Math.max(0, step.ms))
          else watched.do(step)
          if (step.do === 'wait') watched.isUpToDate()
          expect(clock.timers.size).toBeLessThanOrEqual(1)
        }
      }),
      { numRuns: scaled(300) },
    )
  })
})

class Noting extends WheelTimer {
  private readonly note: () => void

  constructor(note: () => void) {
    super()
    this.note = note
  }

  onDue(): void {
    this.note()
  }
}

const day = 86_400_000

test.each([5 * day, 6.2 * day, 7 * day, 12.5 * day, 30 * day, 3650 * day])(
  'a timer in %d ms is called once, exactly then, after a time with nothing else to do',
  async (inMs) => {
    const clock = new VirtualClock({ maxSteps: 10_000 })
    const wheel = new TimerWheel(clock)
    const called: number[] = []
    await clock.advance(17)
    wheel.set(new Noting(() => called.push(clock.now())), 17 + inMs)
    await clock.runAll()
    expect(called).toEqual([17 + inMs])
    expect(clock.pending).toBe(0)
  },
)

test('timers beside each other are called in time, past a new beginning of the count', async () => {
  const clock = new VirtualClock({ maxSteps: 10_000 })
  const wheel = new TimerWheel(clock)
  const called: number[] = []
  const times = [5, 6.3, 7, 9, 12, 13, 20].map((days) => days * day + 17)
  for (const at of times) wheel.set(new Noting(() => called.push(clock.now())), at)
  await clock.runAll()
  expect(called).toEqual(times)
})

test.each([
  [10, 10],
  [40, 32],
  [1030, 1024],
])('for a timer in %d ms the clock wakes it after %d ms, when its slot begins', async (inMs, wakesAfterMs) => {
  const clock = new SleepyClock()
  clock.sleep(100)
  new TimerWheel(clock).set(new Noting(() => undefined), 100 + inMs)
  expect([...clock.timers.values()].map(({ dueAt }) => dueAt - 100)).toEqual([wakesAfterMs])
})

test('stopped, it lets go of the clock and calls nothing', async () => {
  const clock = new VirtualClock()
  const wheel = new TimerWheel(clock)
  const called: number[] = []
  wheel.set(new Noting(() => called.push(clock.now())), 10)
  wheel.stop()
  expect(clock.pending).toBe(0)
  await clock.advance(20)
  expect(called).toEqual([])
  wheel.set(new Noting(() => called.push(clock.now())), 30)
  await clock.runAll()
  expect(called).toContain(30)
})

test.each([null, 1, {}, { ref: 1, unref: 1 }])("works with a clock's handles of any kind: %j", (handle) => {
  const fns: (() => void)[] = []
  let time = 0
  const clock: Clock = {
    now: () => time,
    wallTime: () => time,
    setTimeout: (fn) => {
      fns.push(fn)
      return handle
    },
    clearTimeout: () => undefined,
  }
  const wheel = new TimerWheel(clock)
  const timer = new Noting(() => called.push(time))
  const called: number[] = []
  wheel.set(timer, 5)
  wheel.delete(timer)
  wheel.set(timer, 5)
  time = 5
  for (const fn of fns) fn()
  expect(called).toEqual([5])
})

test('a heartbeat keeps its beat for a month, past each new beginning of the count', () => {
  const clock = new SleepyClock()
  const wheel = new TimerWheel(clock)
  const beatMs = 60_000
  let beats = 0
  const heart = new Noting(() => {
    beats += 1
    expect(clock.now()).toBe(beats * beatMs)
    wheel.set(heart, clock.now() + beatMs)
  })
  wheel.set(heart, beatMs)
  while (clock.now() < 30 * day) {
    const [next] = clock.timers.values()
    clock.sleep(next!.dueAt - clock.now())
  }
  expect(beats).toBe((30 * day) / beatMs)
})

test('a timer that is never due stays set and calls nothing, however long the clock sleeps', () => {
  const clock = new SleepyClock()
  const wheel = new TimerWheel(clock)
  const called: number[] = []
  wheel.set(new Noting(() => called.push(clock.now())), Infinity)
  for (const ms of [1, 12.4 * day, 13 * day, 400 * day]) clock.sleep(ms)
  expect(called).toEqual([])
  expect(wheel.size).toBe(1)
})

test('a thousand timers of one time are called in the order in which they were set, on one timer of the clock', async () => {
  const clock = new VirtualClock()
  const wheel = new TimerWheel(clock)
  const called: number[] = []
  for (let id = 0; id < 1000; id++) {
    wheel.set(new Noting(() => called.push(id)), 70_000)
    expect(clock.pending).toBe(1)
    // Set from different distances, so that they lie in different levels for a while.
    if (id % 100 === 99) await clock.advance(6_999)
  }
  await clock.runAll()
  expect(called).toEqual(Array.from({ length: 1000 }, (_, id) => id))
})

test('a timer can be moved from one wheel to another and deleted twice', async () => {
  const clock = new VirtualClock()
  const [one, other] = [new TimerWheel(clock), new TimerWheel(clock)]
  const called: number[] = []
  const timer = new Noting(() => called.push(clock.now()))
  one.set(timer, 10)
  one.delete(timer)
  one.delete(timer)
  expect([one.size, timer.dueAt]).toEqual([0, Infinity])
  other.set(timer, 20)
  await clock.runAll()
  expect(called).toEqual([20])
})

test('on the system clock: only timers that are set keep the process alive', () => {
  const handles: NodeJS.Timeout[] = []
  const clock: Clock = {
    ...systemClock,
    setTimeout: (fn, ms) => {
      const handle = systemClock.setTimeout(fn, ms) as NodeJS.Timeout
      handles.push(handle)
      return handle
    },
  }
  const keepsAlive = (): boolean => handles.some((handle) => handle.hasRef())
  const wheel = new TimerWheel(clock)
  const timer = new Noting(() => undefined)
  wheel.set(timer, clock.now() + day)
  expect(keepsAlive()).toBe(true)
  wheel.delete(timer)
  expect(keepsAlive()).toBe(false)
  wheel.set(timer, clock.now() + 2 * day)
  expect(keepsAlive()).toBe(true)
  const other = new Noting(() => undefined)
  wheel.set(other, clock.now() + day)
  wheel.delete(other)
  expect(keepsAlive()).toBe(true)
  wheel.delete(timer)
  for (const handle of handles) systemClock.clearTimeout(handle)
})
