import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createActor } from 'xstate'
import { fromWorkerPool, StageCrash, type WorkerPoolLogic, type WorkerRun } from '../../actors/public.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { scaled } from '../effort.ts'

interface Item {
  readonly index: number
  readonly session: string
  readonly workMs: number
  /** How its handler ends; `'crash'` crashes its worker. */
  readonly ends: 'well' | 'badly' | 'crash'
}

/** What happens, one after the other. */
type Step =
  | ({ readonly does: 'offer' } & Omit<Item, 'index'>)
  | { readonly does: 'pass'; readonly ms: number }
  /** The worker fails its next health check. */
  | { readonly does: 'break'; readonly worker: number }

interface Plan {
  readonly byLoad: boolean
  readonly workers: number
  readonly concurrency: number
  readonly capacity: number
  readonly overflow: 'drop-newest' | 'drop-oldest'
  readonly ttlMs: number
  readonly setupMs: number
  readonly steps: readonly Step[]
}

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      does: fc.constant('offer' as const),
      session: fc.constantFrom('a', 'b', 'c', 'd', 'x'),
      workMs: fc.integer({ min: 0, max: 8 }),
      ends: fc.constantFrom('well' as const, 'well' as const, 'well' as const, 'badly' as const, 'crash' as const),
    }),
  },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 12 }) }) },
  { weight: 1, arbitrary: fc.record({ does: fc.constant('break' as const), worker: fc.nat(3) }) },
)

const plan: fc.Arbitrary<Plan> = fc.record({
  byLoad: fc.boolean(),
  workers: fc.integer({ min: 1, max: 4 }),
  concurrency: fc.integer({ min: 1, max: 2 }),
  capacity: fc.integer({ min: 0, max: 6 }),
  overflow: fc.constantFrom('drop-newest' as const, 'drop-oldest' as const),
  ttlMs: fc.constantFrom(4, Infinity, Infinity),
  setupMs: fc.constantFrom(0, 3),
  steps: fc.array(step, { minLength: 1, maxLength: 40 }),
})

/** One play of a plan, and what is checked while it is played. */
class World {
  readonly clock = new VirtualClock()
  readonly pool: WorkerPoolLogic<Item>
  readonly items: Item[] = []
  readonly outcomes: string[][] = []
  /** Of each session, in the order in which their runs ended for good. */
  readonly ended = new Map<string, number[]>()
  /** What did not hold where nobody would hear of an error. */
  readonly faults: unknown[] = []
  private readonly plan: Plan
  private readonly attempts = new Map<Item, number>()
  private readonly broken = new Set<number>()

  constructor(plan: Plan) {
    this.plan = plan
    const { clock } = this
    const { byLoad, workers, concurrency, capacity, overflow, ttlMs, setupMs } = plan
    this.pool = fromWorkerPool<Item, number, number>((item, run) => this.run(item, run), {
      workers,
      channel: {
        capacity,
        concurrency,
        overflow,
        ...(ttlMs < Infinity && { ttlMs }),
        onLost: (item, reason) => this.outcomes[item.index]?.push(reason),
      },
      routing: byLoad ? 'least-load' : { affinity: ({ session }) => session },
      setup: ({ worker }) =>
        new Promise((resolve) => {
          clock.setTimeout(() => {
            this.broken.delete(worker)
            resolve(worker)
          }, setupMs)
        }),
      teardown: () => undefined,
      health: { check: (worker) => !this.broken.has(worker), everyMs: 1, failures: 1 },
      supervision: { maxRestarts: 1_000, backoff: () => 5 },
      onValue: (_, { item }) => {
        this.end(item, 'well')
      },
      onError: (error, run) => {
        if (error instanceof StageCrash) this.broken.add(run.worker)
        this.end(run.item, 'badly')
      },
      onPutBack: ({ worker }) => {
        this.checkBroken(worker)
      },
      clock,
    })
  }

  offer(item: Omit<Item, 'index'>): void {
    const whole = { ...item, index: this.items.length }
    this.items.push(whole)
    this.outcomes.push([])
    this.pool.offer(whole)
    this.checkFigures()
  }

  break(worker: number): void {
    this.broken.add(worker)
  }

  /** Nobody who is up is idle while something waits that it could run. */
  checkFigures(): void {
    const { waiting, running, workers } = this.pool.figures()
    const up = workers.filter(({ state }) => state === 'running' || state === 'draining')
    const inPlaces = workers.reduce((sum, { load }) => sum + load, 0)
    if (this.plan.byLoad) {
      expect(inPlaces).toBe(running)
      if (waiting > 0) for (const { load } of up) expect(load).toBe(this.plan.concurrency)
    } else {
      expect(inPlaces).toBe(running + waiting)
    }
  }

  private run(item: Item, run: WorkerRun<Item, number>): Promise<number> {
    const { clock } = this
    const { worker, attempt, state, signal } = run
    const before = this.attempts.get(item) ?? 0
    if (attempt !== before + 1 || attempt > 2) this.faults.push({ item, attempt, before })
    if (state !== worker) this.faults.push({ worker, state })
    this.attempts.set(item, attempt)
    this.checkRoute(worker)
    signal.addEventListener('abort', () => {
      this.checkBroken(worker)
    })
    return new Promise((resolve, reject) => {
      clock.setTimeout(() => {
        if (item.ends === 'well') resolve(item.index)
        else if (item.ends === 'badly') reject(new Error('badly'))
        else if (signal.aborted) resolve(item.index)
        else {
          this.broken.add(worker)
          reject(new StageCrash('crashed'))
        }
      }, item.workMs)
    })
  }

  /** Whoever was given an item ran less than the others that had a slot, or as much and is the first of them. */
  private checkRoute(worker: number): void {
    if (!this.plan.byLoad) return
    const { workers } = this.pool.figures()
    const before = (workers[worker]?.load ?? 0) - 1
    workers.forEach(({ state, load }, other) => {
      if (other === worker || (state !== 'running' && state !== 'draining') || load >= this.plan.concurrency) return
      if (load < (other < worker ? before + 1 : before)) this.faults.push({ worker, other, workers })
    })
  }

  /** Only what a worker that crashes runs is called off and put back. */
  private checkBroken(worker: number): void {
    if (!this.broken.has(worker)) this.faults.push({ worker, broken: [...this.broken] })
  }

  private end({ index, session }: Item, how: string): void {
    this.outcomes[index]?.push(how)
    this.ended.set(session, [...(this.ended.get(session) ?? []), index])
  }
}

describe('a worker pool, whatever happens', () => {
  it('gives each item one outcome, at most two attempts, and lets nobody fall with another', async () => {
    const property = fc.asyncProperty(plan, async (drawn) => {
      const world = new World(drawn)
      const { clock, pool } = world
      const actor = createActor(pool, { clock })
      let ends = 0
      actor.subscribe({
        complete: () => {
          ends += 1
        },
      })
      actor.start()
      for (const each of drawn.steps) {
        if (each.does === 'offer') world.offer(each)
        else if (each.does === 'pass') await clock.advance(each.ms)
        else if (each.worker < drawn.workers) world.break(each.worker)
        world.checkFigures()
      }
      actor.send({ type: 'drain' })
      await clock.runAll()
      expect(world.faults).toEqual([])
      expect([ends, clock.pending]).toEqual([1, 0])
      expect(pool.figures()).toMatchObject({ waiting: 0, running: 0 })
      expect(world.outcomes.filter((outcomes) => outcomes.length !== 1)).toEqual([])
      if (drawn.byLoad || drawn.concurrency > 1) return
      for (const order of world.ended.values()) expect(order).toEqual(order.toSorted((a, b) => a - b))
    })
    await fc.assert(property, { numRuns: scaled(1_000) })
  })
})
