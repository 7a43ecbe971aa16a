import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { pipeline, ShedError, StageCrash, type StageOptions, type StartOptions } from '../../../src/index.ts'
import { insideOf } from '../../../src/pipeline/inside-of.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { createModelSessionStore, ModelData } from '../../fixtures/model-session-store.ts'
import { gatedHandler } from './gated-handler.ts'

interface Ask {
  readonly id: string
  readonly session?: string
  readonly deadlineMs?: number
  readonly rank?: number
}

/** A pipeline whose second stage holds each request until the test lets it go. */
function serial(
  {
    first = {},
    start = {},
    ...sessions
  }: {
    readonly first?: Partial<StageOptions<Ask, Ask>>
    readonly start?: Partial<StartOptions>
    readonly maxWaiting?: number
    readonly serial?: boolean
  } = {},
  clock = new VirtualClock(),
) {
  const store = createModelSessionStore({ clock, data: new ModelData() })
  const gate = gatedHandler<Ask, string>()
  const running = pipeline<Ask>('p')
    .stage('first', (ask) => ask, { capacity: 8, ...first })
    .stage('second', gate.handler, { capacity: 8, concurrency: 8 })
    .start({ clock, sessions: { store, ...sessions }, ...start })
  return {
    clock,
    running,
    submit: (id: string, session?: string, more: Partial<Ask> = {}) =>
      running.submit({ id, ...(session !== undefined && { session }), ...more }),
    begun: () => gate.runs.map(({ input }) => input.id),
    finish: async (id: string) => {
      gate.runs.find(({ input }) => input.id === id)?.resolve(id)
      await clock.settle()
    },
    sessionsKnown: () => insideOf(running)['sessions']?.size,
  }
}

describe('of one session', () => {
  it('one request is past the first channel, the others keep their place and are overtaken', async () => {
    const { running, submit, begun, finish, sessionsKnown } = serial()
    const replies = ['a1', 'a2', 'a3'].map((id) => submit(id, 'a'))
    submit('b1', 'b')
    submit('x')
    submit('y')
    expect(begun()).toEqual(['a1', 'b1', 'x', 'y'])
    expect(running.stages.first).toMatchObject({ queueDepth: 2, running: 0 })
    await finish('a1')
    expect(begun()).toEqual(['a1', 'b1', 'x', 'y', 'a2'])
    replies[1]?.cancel()
    expect(begun().at(-1)).toBe('a3')
    for (const id of ['a3', 'b1', 'x', 'y']) await finish(id)
    expect(running.ledger()).toMatchObject({ submitted: 6, completed: 5, cancelled: 1, inFlight: 0 })
    expect(sessionsKnown()).toBe(0)
  })

  it('the next begins before the end of the one before is told, so that its caller finds room', async () => {
    const { submit, begun, finish } = serial({ maxWaiting: 0 })
    const first = submit('a1', 'a')
    first.output$.subscribe({
      error: (error: unknown) => {
        throw error
      },
      complete: () => {
        submit('a2', 'a')
      },
    })
    await finish('a1')
    expect(begun()).toEqual(['a1', 'a2'])
  })

  it('requests begin side by side where serial is false', () => {
    const { submit, begun } = serial({ serial: false })
    submit('a1', 'a')
    submit('a2', 'a')
    expect(begun()).toEqual(['a1', 'a2'])
  })

  it('one that waits longer than it may expires, by its deadline or the ttlMs of the first stage', async () => {
    const { clock, submit, begun, finish, sessionsKnown } = serial({ first: { ttlMs: 50 } })
    submit('a1', 'a')
    const [late, old] = [submit('a2', 'a', { deadlineMs: 20 }), submit('a3', 'a')]
    await clock.advance(49)
    const last = submit('a4', 'a')
    await clock.advance(1)
    expect(late.settled).toMatchObject({ kind: 'expired', reason: 'deadline' })
    expect(old.settled).toMatchObject({ kind: 'expired', reason: 'ttl' })
    await finish('a1')
    expect(begun()).toEqual(['a1', 'a4'])
    await finish('a4')
    expect(last.settled?.kind).toBe('completed')
    expect(sessionsKnown()).toBe(0)
  })

  it('has the place in the line again that it had, once its turn has come', async () => {
    const clock = new VirtualClock()
    const gate = gatedHandler<Ask, Ask>()
    const later = gatedHandler<Ask, string>()
    const store = createModelSessionStore({ clock, data: new ModelData() })
    const running = pipeline<Ask>('p')
      .stage('first', gate.handler, { capacity: 8 })
      .stage('second', later.handler, { capacity: 8, concurrency: 8 })
      .start({ clock, sessions: { store } })
    const begun = (): readonly string[] => gate.runs.map(({ input }) => input.id)
    const pass = async (): Promise<void> => {
      const run = gate.runs.at(-1)
      run?.resolve(run.input)
      await clock.settle()
    }
    running.submit({ id: 'a1', session: 'a' })
    await pass()
    running.submit({ id: 'a2', session: 'a' })
    for (const id of ['x', 'y', 'z']) running.submit({ id })
    expect(begun()).toEqual(['a1', 'x'])
    later.runs[0]?.resolve('done')
    await clock.settle()
    await pass()
    expect(begun()).toEqual(['a1', 'x', 'a2'])
  })
})

describe('how many may wait', () => {
  it('is at most maxWaiting of a session; one more is shed as rate, with when to try again', async () => {
    const { clock, submit, finish } = serial({ maxWaiting: 1 })
    const before = submit('a0', 'a')
    await clock.advance(3_000)
    await finish('a0')
    expect(before.settled?.kind).toBe('completed')
    submit('a1', 'a')
    submit('a2', 'a')
    const refused = submit('a3', 'a')
    expect(refused.settled).toMatchObject({ kind: 'shed', stage: 'first', reason: 'rate', retryAfterMs: 6_000 })
    const errors: unknown[] = []
    refused.output$.subscribe({ error: (error: unknown) => errors.push(error) })
    expect(errors[0]).toBeInstanceOf(ShedError)
    expect((errors[0] as ShedError).cause).toMatchObject({
      message: '1 requests of the session wait for their turn already, which is maxWaiting',
    })
    expect(submit('b1', 'b').settled).toBeUndefined()
  })

  it.each(['door', 'stage'] as const)(
    "is the first channel's capacity; slots stay free for others, admission %s",
    (admission) => {
      const { running, submit, begun } = serial({ first: { capacity: 1 }, start: { admission } })
      submit('a1', 'a')
      submit('a2', 'a')
      const reason = admission === 'door' ? 'door' : 'full'
      expect(submit('a3', 'a').settled).toMatchObject({ kind: 'shed', stage: 'first', reason })
      for (const id of ['x', 'y', 'z']) submit(id)
      expect(begun()).toEqual(['a1', 'x', 'y', 'z'])
      expect(running.stages.first.queueDepth).toBe(1)
    },
  )

  it('is not more for the wait of the first stage: who waits for its session does not wait for room', () => {
    const { running, submit } = serial({ first: { capacity: 0, wait: { ms: 100, max: 4 } } })
    submit('a1', 'a')
    expect(submit('a2', 'a').settled).toMatchObject({ kind: 'shed', reason: 'door' })
    expect(running.stages.first.pending).toBe(0)
  })
})

describe('a drain', () => {
  it('serves those that wait for their session, one after the other', async () => {
    const { running, clock, submit, begun, finish } = serial()
    for (const id of ['a1', 'a2', 'a3']) submit(id, 'a')
    const drained = running.drain()
    for (const id of ['a1', 'a2', 'a3']) await finish(id)
    await clock.settle()
    expect(begun()).toEqual(['a1', 'a2', 'a3'])
    expect(await drained).toMatchObject({ inFlight: 3, completed: 3 })
  })

  it('begins with none of them when its time is over', async () => {
    const { running, clock, submit, begun } = serial()
    for (const id of ['a1', 'a2', 'a3']) submit(id, 'a')
    const drained = running.drain({ timeoutMs: 10 })
    await clock.advance(10)
    await clock.runAll()
    expect(await drained).toMatchObject({ inFlight: 3, failed: 3, timedOut: 3 })
    expect(begun()).toEqual(['a1'])
  })
})

interface Plan {
  readonly atMs: number
  readonly session: string | undefined
  readonly cancelAfterMs: number | undefined
  readonly deadlineMs: number | undefined
  readonly rank: number
  /** Of each of the two stages. */
  readonly steps: readonly { readonly ms: number; readonly end: 'value' | 'throw' | 'crash' }[]
}

const rarely = (max: number): fc.Arbitrary<number | undefined> =>
  fc.option(fc.integer({ min: 1, max }), { freq: 3, nil: undefined })

const plan: fc.Arbitrary<Plan> = fc.record({
  atMs: fc.integer({ min: 0, max: 30 }),
  session: fc.constantFrom(undefined, 'a', 'a', 'b', 'c'),
  cancelAfterMs: rarely(20),
  deadlineMs: rarely(30),
  rank: fc.integer({ min: 0, max: 2 }),
  steps: fc.array(
    fc.record({
      ms: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 8 })),
      end: fc.oneof({ weight: 8, arbitrary: fc.constant('value' as const) }, fc.constantFrom('throw', 'crash')),
    }),
    { minLength: 2, maxLength: 2 },
  ),
})

const setting = fc.record({
  plans: fc.array(plan, { minLength: 1, maxLength: 25, size: 'max' }),
  admission: fc.constantFrom('door', 'stage'),
  capacity: fc.integer({ min: 0, max: 5 }),
  concurrency: fc.integer({ min: 1, max: 3 }),
  ttlMs: fc.constantFrom(Infinity, 5, 12),
  overflow: fc.constantFrom('drop-newest', 'drop-oldest', 'drop-lowest'),
  waits: fc.boolean(),
  maxWaiting: fc.constantFrom(0, 1, 3, Infinity),
})

describe('whatever arrives, ends, expires, fails and crashes', () => {
  it('no two of one session are past the first channel, and they begin in order of admission', async () => {
    await fc.assert(
      fc.asyncProperty(setting, async ({ plans, admission, overflow, waits, maxWaiting, ...limits }) => {
        const clock = new VirtualClock()
        const store = createModelSessionStore({ clock, data: new ModelData() })
        const live: { readonly plan: Plan; readonly reply: { readonly settled: unknown } }[] = []
        // What a handler throws would be its request's end.
        const overtaking: number[] = []
        const byPlan = (index: number): Plan => plans[index] as Plan
        const act = async (index: number, stage: number): Promise<number> => {
          const { ms, end } = byPlan(index).steps[stage] as Plan['steps'][number]
          await new Promise<void>((resolve) => {
            clock.setTimeout(resolve, ms)
          })
          if (end === 'throw') throw new Error('planned')
          if (end === 'crash') throw new StageCrash('planned')
          return index
        }
        const priority = (_: unknown, { index }: { index: number }): number => byPlan(index).rank
        const running = pipeline<{ index: number; session?: string; deadlineMs?: number }>('p')
          .stage(
            'first',
            ({ index }) => {
              const { session } = byPlan(index)
              const others = live.filter((one) => one.plan.session === session && one.reply.settled === undefined)
              const mine = others.findIndex((one) => one.plan === byPlan(index))
              // Within submit there is no reply yet: then all the others are before it.
              if (session !== undefined && (mine === -1 ? others.length : mine) > 0) overtaking.push(index)
              return act(index, 0)
            },
            {
              ...limits,
              overflow: overflow === 'drop-lowest' ? { drop: 'lowest', priority } : overflow,
              ...(waits && { wait: { ms: 5, max: 2 } }),
            },
          )
          .stage('second', (index) => act(index, 1), { capacity: 4, concurrency: 2 })
          .start({ clock, admission, sessions: { store, maxWaiting }, supervision: { maxRestarts: 100 } })
        const inside = insideOf(running)
        const rests = (): void => {
          const { submitted, inFlight, ...ends } = running.ledger()
          expect(Object.values(ends).reduce((sum, count) => sum + count, inFlight)).toBe(submitted)
          const [first] = inside.nodes
          if (first === undefined || first.state !== 'running' || first.channel.running >= limits.concurrency) return
          // A slot is free: whoever waits there waits for one of its session.
          const waiting = [...inside['live']].filter(({ place, stage }) => place === 'waiting' && stage === 0)
          for (const { turn } of waiting) expect(turn?.hasCome).toBe(false)
        }
        for (const [index, one] of plans.entries()) {
          clock.setTimeout(() => {
            const { session, deadlineMs, cancelAfterMs } = one
            const reply = running.submit({
              index,
              ...(session !== undefined && { session }),
              ...(deadlineMs !== undefined && { deadlineMs }),
            })
            live.push({ plan: one, reply })
            if (cancelAfterMs !== undefined) {
              clock.setTimeout(() => {
                reply.cancel()
              }, cancelAfterMs)
            }
          }, one.atMs)
        }
        for (let ms = 0; ms < 60; ms++) {
          await clock.advance(1)
          rests()
        }
        const drained = running.drain({ timeoutMs: 1_000 })
        await clock.runAll()
        const report = await drained
        expect(overtaking).toEqual([])
        expect(report.timedOut).toBe(0)
        expect(running.ledger()).toMatchObject({ submitted: plans.length, inFlight: 0 })
        expect(inside['sessions']?.size).toBe(0)
        for (const { channel, ahead } of inside.nodes) expect([channel.idle, ahead]).toEqual([true, 0])
      }),
      { numRuns: 150 },
    )
  })
})
