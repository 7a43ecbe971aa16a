import { of, type Subscription } from 'rxjs'
import {
  type HandlerContext,
  type LifeOptions,
  pipeline,
  type Reply,
  StageCrash,
  StageStoppedError,
} from '../../src/index.ts'
import type { RestartStrategy } from '../../actors/index.ts'
import { VirtualClock } from '../../src/testing/index.ts'
import { mulberry32 } from '../fixtures/mulberry32.ts'
import { balances } from './crash-under-load.ts'
import { liveHeapMb } from './resident-memory.ts'

/** What random crashes, swaps, pauses and drains under load came to. */
export interface LivesReport {
  readonly strategy: RestartStrategy
  readonly requests: number
  readonly seed: number
  /** How often each kind of outcome was told. */
  readonly outcomes: Readonly<Record<string, number>>
  readonly pipelines: number
  readonly crashes: number
  readonly restarts: number
  readonly swaps: number
  /** Looks at the ledger, one for each millisecond of virtual time. */
  readonly samples: number
  /** In sentences; none where everything is as it must be. */
  readonly faults: readonly string[]
}

const names = ['one', 'two', 'three', 'four', 'five'] as const
type Name = (typeof names)[number]

/** What a setup acquired; it is to be given back once. */
interface Holding {
  givenBack: number
}

/** One pipeline after the other under a load that never stops, until so many requests have been submitted. */
export class LivesUnderLoad {
  private readonly strategy: RestartStrategy
  private readonly requests: number
  private readonly seed: number
  private readonly clock = new VirtualClock()
  private readonly random: () => number
  private readonly holdings: Holding[] = []
  private readonly faults: string[] = []
  private readonly pipelines: WeakRef<object>[] = []
  private readonly outcomes: Record<string, number> = {}
  private submitted = 0
  private counts = { crashes: 0, restarts: 0, swaps: 0, samples: 0 }

  constructor(strategy: RestartStrategy, requests: number, seed: number) {
    this.strategy = strategy
    this.requests = requests
    this.seed = seed
    this.random = mulberry32(seed)
  }

  async run(): Promise<LivesReport> {
    while (this.submitted < this.requests) await this.onePipeline()
    if (this.holdings.some(({ givenBack }) => givenBack !== 1)) this.faults.push('a setup was not torn down just once')
    const kept = await this.kept()
    if (kept > 0) this.faults.push(`${kept} of ${this.pipelines.length} pipelines are still held by something`)
    const told = Object.values(this.outcomes).reduce((sum, count) => sum + count, 0)
    if (told !== this.submitted) this.faults.push(`${this.submitted} requests, ${told} outcomes`)
    const { strategy, seed, outcomes, counts, faults } = this
    return { strategy, requests: this.submitted, seed, outcomes, pipelines: this.pipelines.length, ...counts, faults }
  }

  /** Whatever a pipeline is held by would keep it: a timer, a subscription, an actor, a listener. */
  private async kept(): Promise<number> {
    let kept = this.pipelines.length
    // What was on a stack may outlive a look.
    for (let looks = 0; looks < 5 && kept > 0; looks++) {
      await liveHeapMb()
      kept = this.pipelines.filter((reference) => reference.deref() !== undefined).length
    }
    return kept
  }

  private async onePipeline(): Promise<void> {
    const { clock } = this
    const replies: Reply<unknown>[] = []
    const readers: Subscription[] = []
    const running = this.start()
    this.pipelines.push(new WeakRef(running))
    const told = new Map<string, number>()
    const error = (failure: unknown): void => {
      this.faults.push(`the outcomes or events fail: ${String(failure)}`)
    }
    running.outcomes$.subscribe({
      next: ({ submissionId, kind }) => {
        told.set(submissionId, (told.get(submissionId) ?? 0) + 1)
        this.outcomes[kind] = (this.outcomes[kind] ?? 0) + 1
      },
      error,
    })
    running.events$.subscribe({
      next: ({ type }) => {
        if (type === 'crashed') this.counts.crashes += 1
        if (type === 'restarted') this.counts.restarts += 1
      },
      error,
    })
    const look = (): void => {
      this.counts.samples += 1
      const ledger = running.ledger()
      const open = replies.reduce((count, { settled }) => (settled === undefined ? count + 1 : count), 0)
      if (!balances(ledger) || ledger.inFlight !== open) {
        this.faults.push(`at ${clock.now()} ms ${JSON.stringify(ledger)}, but ${open} are open`)
      }
    }
    const until = Math.min(this.requests, this.submitted + this.between(200, 1500))
    while (this.submitted < until && running.state === 'running') {
      for (let more = this.between(0, 6); more > 0; more--) {
        const reply = running.submit({ id: this.submitted++, deadlineMs: this.chance(0.05) ? 3 : 60_000 })
        replies.push(reply)
        if (!this.chance(0.02)) readers.push(reply.output$.subscribe({ error: () => undefined }))
      }
      if (this.chance(0.05)) replies[this.between(0, replies.length - 1)]?.cancel()
      if (this.chance(0.05)) this.change(running)
      await clock.advance(1)
      look()
    }
    const timeoutMs = [0, 20, 5_000][this.between(0, 2)] as number
    const drained = running.drain({ timeoutMs })
    await clock.advance(timeoutMs + 20_000)
    await drained
    look()
    for (const [id, count] of told) if (count !== 1) this.faults.push(`request ${id} has ${count} outcomes`)
    if (told.size !== replies.length) this.faults.push(`${replies.length} requests, ${told.size} with an outcome`)
    if (running.ledger().inFlight > 0) this.faults.push(`${running.ledger().inFlight} are in flight after the drain`)
    for (const reader of readers) if (!reader.closed) this.faults.push('a reader was not told the end')
    // What handlers, setups and teardowns of the user's own still wait for.
    await clock.runAll()
    if (clock.pending > 0) this.faults.push(`${clock.pending} timers are left`)
  }

  private start() {
    const { strategy, clock } = this
    return pipeline<{ readonly id: number; readonly deadlineMs: number }>('lives')
      .stage('one', (request, context) => this.work(request, context), this.life())
      .stage('two', (value, context) => this.work(value, context), this.life())
      .stage('three', (value, context) => this.streams(value, context), this.life())
      .stage('four', (value, context) => this.work(value, context), this.life())
      .stage('five', (value, context) => this.work(value, context), this.life())
      .start({
        clock,
        random: this.random,
        abortGraceMs: 50,
        stallTimeoutMs: 100,
        admission: this.chance(0.5) ? 'door' : 'stage',
        supervision: { strategy, shutdownTimeoutMs: 20, backoff: () => 5, maxRestarts: 40, withinMs: 1000 },
      })
  }

  private life(): LifeOptions<Holding> & { readonly capacity: number; readonly concurrency: number } {
    return {
      capacity: 16,
      concurrency: 8,
      setupTimeoutMs: 10,
      teardownTimeoutMs: 10,
      onCrash: this.chance(0.7) ? 'requeue-once' : 'fail',
      health: { check: () => !this.chance(0.02), everyMs: 20, timeoutMs: 5, failures: 2 },
      setup: () =>
        this.late(() => {
          const holding: Holding = { givenBack: 0 }
          this.holdings.push(holding)
          return holding
        }),
      teardown: (holding) => {
        holding.givenBack += 1
        return this.late(() => undefined)
      },
    }
  }

  /** At once, later, too late, or with an error. */
  private late<V>(done: () => V): V | Promise<V> {
    if (this.chance(0.02)) throw new Error('it was to fail')
    if (this.chance(0.7)) return done()
    return this.after(this.between(1, 15), () => done())
  }

  private work(value: unknown, { state }: HandlerContext<unknown, Holding>): unknown {
    if (state.givenBack > 0) this.faults.push('a handler began to work with what was given back')
    if (this.chance(0.001)) throw new StageCrash('it was to crash')
    if (this.chance(0.005)) throw new Error('it was to fail')
    if (this.chance(0.5)) return value
    if (this.chance(0.005)) return new Promise(() => undefined)
    return this.after(this.between(1, 5), () => {
      if (this.chance(0.002)) throw new StageCrash('it was to crash')
      return value
    })
  }

  private streams(value: unknown, context: HandlerContext<unknown, Holding>): unknown {
    if (!this.chance(0.2)) return this.work(value, context)
    return of(value, value, value)
  }

  private change(running: ReturnType<LivesUnderLoad['start']>): void {
    const control = running.stage(names[this.between(0, 4)] as Name)
    const handler = (value: unknown, context: HandlerContext<unknown, Holding>): unknown => this.work(value, context)
    switch (this.between(0, 4)) {
      case 0:
        this.unlessEnded(() => {
          control.pause()
        })
        this.clock.setTimeout(
          () => {
            this.unlessEnded(() => {
              control.resume()
            })
          },
          this.between(1, 30),
        )
        break
      case 1:
        this.unlessEnded(() => {
          control.setConcurrency(this.between(1, 12))
        })
        break
      case 2:
        this.unlessEnded(() => {
          control.setCapacity(this.between(0, 24))
        })
        break
      case 3:
        this.counts.swaps += 1
        control.swap(handler as never).catch(() => undefined)
        break
      default: {
        const { setup, teardown, setupTimeoutMs, teardownTimeoutMs } = this.life()
        this.counts.swaps += 1
        control.swap({ handler, setup, teardown, setupTimeoutMs, teardownTimeoutMs } as never).catch(() => undefined)
      }
    }
  }

  private unlessEnded(change: () => void): void {
    try {
      change()
    } catch (error) {
      if (!(error instanceof StageStoppedError)) throw error
    }
  }

  private after<V>(ms: number, done: () => V): Promise<V> {
    return new Promise((resolve, reject) => {
      this.clock.setTimeout(() => {
        try {
          resolve(done())
        } catch (error) {
          reject(error)
        }
      }, ms)
    })
  }

  private chance(share: number): boolean {
    return this.random() < share
  }

  private between(least: number, most: number): number {
    return least + Math.floor(this.random() * (most - least + 1))
  }
}

/** What the heap has grown by from the 200th to the 1,200th restart of one stage, in MB. */
export async function heapGrowthOverRestarts(): Promise<number> {
  const clock = new VirtualClock()
  const running = pipeline<number>('restarts')
    .stage(
      'one',
      (id): number => {
        if (id % 2 === 0) throw new StageCrash('it was to crash')
        return id
      },
      { capacity: 4, setup: () => new Array<number>(1000).fill(0), teardown: () => undefined },
    )
    .start({ clock, supervision: { maxRestarts: 1_000_000, backoff: () => 1 } })
  running.events$.subscribe({ error: () => undefined })
  const restart = async (times: number): Promise<number> => {
    for (let id = 0; id < times * 2; id++) {
      running.submit(id)
      await clock.advance(1)
    }
    return liveHeapMb()
  }
  const before = await restart(200)
  const after = await restart(1000)
  const { restarts } = running.stages.one
  await running.drain()
  if (restarts !== 1200) throw new Error(`1200 restarts were to be, ${restarts} there were`)
  return Math.round((after - before) * 100) / 100
}
