import { setImmediate as turn } from 'node:timers/promises'
import fc from 'fast-check'
import {
  debounceTime,
  delay,
  interval,
  map,
  merge,
  type Observable,
  observeOn,
  of,
  type SchedulerAction,
  take,
  throttleTime,
  timer,
  toArray,
} from 'rxjs'
import { createActor, setup } from 'xstate'
import { describe, expect, test } from 'vitest'
import { VirtualClock } from '../../../src/testing/index.ts'
import { listener } from '../../operators/listener.ts'
import { chunksOf } from '../../fixtures/chunks-of.ts'

type Step =
  | { readonly do: 'set'; readonly ms: number; readonly again: number }
  | { readonly do: 'clear'; readonly pick: number }
  | { readonly do: 'advance'; readonly ms: number }

const anyMs = fc.integer({ min: 0, max: 30 })
const anyStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('set' as const), ms: anyMs, again: fc.integer({ min: -30, max: 30 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('clear' as const), pick: fc.nat({ max: 50 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: anyMs }) },
)

describe('against a sorted list', () => {
  test('timers fire when they are due, those of one time in the order of setting, and not when cleared', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(anyStep, { maxLength: 60 }), async (steps) => {
        const clock = new VirtualClock()
        const handles: unknown[] = []
        const set: { readonly id: number; readonly dueAt: number }[] = []
        const first = (): { readonly id: number; readonly dueAt: number } | undefined =>
          set.toSorted((a, b) => a.dueAt - b.dueAt || a.id - b.id)[0]
        const start = (ms: number, again: number): void => {
          const id = handles.length
          set.push({ id, dueAt: clock.now() + ms })
          handles.push(
            clock.setTimeout(() => {
              expect(first()).toEqual({ id, dueAt: clock.now() })
              set.splice(
                set.findIndex((one) => one.id === id),
                1,
              )
              if (again > 0) start(again, 0)
            }, ms),
          )
        }
        for (const step of steps) {
          if (step.do === 'set') {
            start(step.ms, step.again)
          } else if (step.do === 'clear' && handles.length > 0) {
            const id = step.pick % handles.length
            clock.clearTimeout(handles[id])
            const index = set.findIndex((one) => one.id === id)
            if (index !== -1) set.splice(index, 1)
          } else if (step.do === 'advance') {
            const until = clock.now() + step.ms
            await clock.advance(step.ms)
            expect(clock.now()).toBe(until)
            expect(first()?.dueAt ?? Infinity).toBeGreaterThan(until)
          }
          expect(clock.pending).toBe(set.length)
        }
        await clock.runAll()
        expect([set.length, clock.pending]).toEqual([0, 0])
      }),
    )
  })
})

describe('a clock', () => {
  test('starts at 0, says the time of day that it was given, and stands still by itself', async () => {
    const clock = new VirtualClock({ startAt: 1_700_000_000_000 })
    await turn()
    expect([clock.now(), clock.wallTime()]).toEqual([0, 1_700_000_000_000])
    await clock.advance(90.5)
    expect([clock.now(), clock.wallTime()]).toEqual([90.5, 1_700_000_000_090.5])
  })

  test.each([0, -5, NaN, undefined as unknown as number])('takes a delay of %s for none', async (ms) => {
    const clock = new VirtualClock()
    const at: number[] = []
    await clock.advance(7)
    clock.setTimeout(() => at.push(clock.now()), ms)
    expect(at).toEqual([])
    await clock.advance(0)
    expect(at).toEqual([7])
  })

  test('lets promises settle between one timer and the next', async () => {
    const clock = new VirtualClock()
    const log: string[] = []
    const work = async (name: string): Promise<void> => {
      for (const step of [1, 2, 3]) {
        await Promise.resolve()
        log.push(`${name}${step}`)
      }
    }
    clock.setTimeout(() => void work('a'), 5)
    clock.setTimeout(() => void work('b'), 5)
    clock.setTimeout(() => void work('c'), 6)
    await clock.runAll()
    expect(log.join(' ')).toBe('a1 a2 a3 b1 b2 b3 c1 c2 c3')
  })

  test('settle lets promises settle and no time pass', async () => {
    const clock = new VirtualClock()
    const log: string[] = []
    clock.setTimeout(() => log.push('timer'), 0)
    void Promise.resolve().then(() => log.push('promise'))
    await clock.settle()
    expect([...log, clock.now()]).toEqual(['promise', 0])
  })

  test('never comes to a timer that is infinitely far', async () => {
    const clock = new VirtualClock()
    const called: string[] = []
    const never = clock.setTimeout(() => called.push('never'), Infinity)
    clock.setTimeout(() => called.push('in a year'), 365 * 86_400_000)
    await clock.runAll()
    expect([called, clock.now(), clock.pending]).toEqual([['in a year'], 365 * 86_400_000, 1])
    clock.clearTimeout(never)
    expect(clock.pending).toBe(0)
  })

  test('gives up on timers that set each other without end, and says so', async () => {
    const clock = new VirtualClock({ maxSteps: 100 })
    const again = (): void => {
      clock.setTimeout(again, 0)
    }
    again()
    await expect(clock.runAll()).rejects.toThrow('maxSteps is 100')
  })

  test('hands on what a timer throws; the others are still set', async () => {
    const clock = new VirtualClock()
    const called: string[] = []
    clock.setTimeout(() => {
      throw new Error('broken')
    }, 1)
    clock.setTimeout(() => called.push('other'), 2)
    await expect(clock.runAll()).rejects.toThrow('broken')
    expect([called, clock.pending, clock.now()]).toEqual([[], 1, 1])
    await clock.runAll()
    expect(called).toEqual(['other'])
  })

  test('refuses bad options and bad times by name', async () => {
    expect(() => new VirtualClock({ startAt: -1 })).toThrow('startAt')
    expect(() => new VirtualClock({ maxSteps: 0 })).toThrow('maxSteps')
    expect(() => new VirtualClock({ speed: 2 } as object)).toThrow('"speed"')
    await expect(new VirtualClock().advance(-1)).rejects.toThrow(RangeError)
    await expect(new VirtualClock().advance(NaN)).rejects.toThrow(RangeError)
  })
})

describe("RxJS's scheduler", () => {
  /** What is emitted, with the time at which it is. */
  async function timeline(create: (clock: VirtualClock) => Observable<number>): Promise<string> {
    const clock = new VirtualClock()
    const stamped = chunksOf(create(clock).pipe(map((value) => `${value}@${clock.now()}`)))
    await clock.runAll()
    expect(clock.pending).toBe(0)
    return (await stamped).join(' ')
  }

  test('interval, timer and delay', async () => {
    expect(await timeline((clock) => interval(100, clock).pipe(take(3)))).toBe('0@100 1@200 2@300')
    expect(await timeline((clock) => timer(50, 10, clock).pipe(take(3)))).toBe('0@50 1@60 2@70')
    expect(await timeline((clock) => of(1, 2).pipe(delay(25, clock)))).toBe('1@25 2@25')
  })

  test('debounceTime and throttleTime', async () => {
    function at(clock: VirtualClock): Observable<number> {
      return merge(...[0, 10, 20, 60, 65, 200].map((ms) => timer(ms, clock).pipe(map(() => ms))))
    }
    expect(await timeline((clock) => at(clock).pipe(debounceTime(30, clock)))).toBe('20@50 65@95 200@200')
    expect(await timeline((clock) => at(clock).pipe(throttleTime(30, clock)))).toBe('0@0 60@60 200@200')
  })

  test('observeOn: each value in a turn of its own, without time passing', async () => {
    const clock = new VirtualClock()
    const values: number[] = []
    of(1, 2, 3)
      .pipe(observeOn(clock))
      .subscribe(listener((value) => values.push(value)))
    expect(values).toEqual([])
    await clock.advance(0)
    expect([values, clock.now()]).toEqual([[1, 2, 3], 0])
  })

  test('work that is taken back does not run, and work may schedule itself again with a new state', async () => {
    const clock = new VirtualClock()
    const log: string[] = []
    clock.schedule(() => log.push('taken back'), 5).unsubscribe()
    const subscription = clock.schedule<number>(
      function (state) {
        log.push(`${state ?? '?'}@${clock.now()}`)
        if (state! < 3) this.schedule(state! + 1, 10)
      },
      5,
      1,
    )
    expect(clock.pending).toBe(1)
    await clock.runAll()
    expect(log).toEqual(['1@5', '2@15', '3@25'])
    expect(subscription.closed).toBe(true)
  })

  test('work that is scheduled again before it has run, runs once, at the later time', async () => {
    const clock = new VirtualClock()
    const log: number[] = []
    const action = clock.schedule(() => log.push(clock.now()), 5) as SchedulerAction<unknown>
    action.schedule(undefined, 20)
    expect(clock.pending).toBe(1)
    await clock.runAll()
    expect(log).toEqual([20])
  })

  test('what is unsubscribed leaves no timer', async () => {
    const clock = new VirtualClock()
    const subscription = interval(10, clock)
      .pipe(debounceTime(100, clock))
      .subscribe({ error: () => undefined })
    await clock.advance(55)
    expect(clock.pending).toBe(2)
    subscription.unsubscribe()
    expect(clock.pending).toBe(0)
  })
})

test("XState's clock: delayed transitions come in virtual time", async () => {
  const clock = new VirtualClock()
  const log: string[] = []
  const machine = setup({
    actions: { note: ({ self }) => log.push(`${self.getSnapshot().value as string}@${clock.now()}`) },
  }).createMachine({
    initial: 'red',
    states: {
      red: { after: { 3_600_000: 'green' }, exit: 'note' },
      green: { after: { 1000: 'never', 500: 'amber' }, exit: 'note' },
      amber: { after: { 100: 'red' }, exit: 'note' },
      never: {},
    },
  })
  const actor = createActor(machine, { clock }).start()
  await clock.advance(3_600_700)
  expect(log).toEqual(['red@3600000', 'green@3600500', 'amber@3600600'])
  actor.stop()
  expect(clock.pending).toBe(0)
})

test('the same seed gives the same trace', async () => {
  const traceOf = async (seed: number): Promise<readonly string[]> => {
    const clock = new VirtualClock()
    const trace: string[] = []
    let state = seed
    const random = (): number => (state = (state * 48_271) % 0x7fff_ffff) / 0x7fff_ffff
    const actor = async (name: string): Promise<void> => {
      for (let step = 0; step < 20; step++) {
        await new Promise<void>((resolve) => {
          clock.setTimeout(resolve, Math.floor(random() * 5))
        })
        if (random() < 0.5) await Promise.resolve()
        trace.push(`${name}${step}@${clock.now()}`)
      }
    }
    const ticks = chunksOf(
      interval(7, clock).pipe(
        take(5),
        map((tick) => trace.push(`tick${tick}@${clock.now()}`)),
        toArray(),
      ),
    )
    const actors = ['a', 'b', 'c'].map(actor)
    await clock.runAll()
    await Promise.all([...actors, ticks])
    return trace
  }
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1_000_000 }), async (seed) => {
      const trace = await traceOf(seed)
      expect(trace.length).toBe(65)
      expect(await traceOf(seed)).toEqual(trace)
    }),
    { numRuns: 20 },
  )
})
