import type { Subscription } from 'rxjs'
import { checkLife, type LifeOptions, type Run, StageCrash, type StagePhase, StageRunner } from '../../actors/index.ts'
import { Channel } from '../../operators/index.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

export const crash: StageCrash = new StageCrash('broken')

/** A runner of two slots whose items end when the test says so (those that begin with "now" at once), and what it told. */
export class RunnerBench {
  readonly clock: VirtualClock = new VirtualClock()
  readonly log: string[] = []
  readonly phases: StagePhase[] = []
  readonly runs: Run<string>[] = []
  readonly channel: Channel<string>
  readonly runner: StageRunner<string, string>
  private readonly results = new Map<string, PromiseWithResolvers<string>>()

  constructor(
    life: LifeOptions<string> = {},
    { capacity = 10, holds = false }: { capacity?: number; holds?: boolean } = {},
  ) {
    const { clock, log, phases } = this
    this.channel = new Channel<string>({ capacity, concurrency: 2, overflow: 'drop-oldest' })
    this.runner = new StageRunner<string, string>(this.handler('first'), {
      channel: this.channel,
      clock,
      life: checkLife(life),
      onPhase: (phase) => phases.push(phase),
      onError: (error, run) => log.push(`error ${run.item} ${(error as Error).message}`),
      ...(holds && { holds: () => true }),
    })
  }

  readonly begin = (): Subscription =>
    this.runner.epoch$.subscribe({
      error: (error: unknown) => this.log.push(`crashed ${(error as Error).message}`),
      complete: () => this.log.push('complete'),
    })

  /** A life that tells of its teardowns, by what its setup has acquired. */
  readonly told = (state: string): LifeOptions<string> => ({
    setup: () => state,
    teardown: (held, { reason }) => {
      this.log.push(`teardown ${held} ${reason}`)
    },
  })

  /** Swaps to another handler, and tells what becomes of that. */
  readonly swap = (life?: LifeOptions<string>, name = 'second'): { outcome: string } => {
    const swapped = { outcome: 'pending' }
    this.runner.swap(this.handler(name), life && checkLife(life)).then(
      () => (swapped.outcome = 'swapped'),
      (error: unknown) => (swapped.outcome = String(error)),
    )
    return swapped
  }

  readonly answer = async (item: string): Promise<void> => {
    this.results.get(item)!.resolve(item)
    await this.clock.settle()
  }

  readonly fail = async (item: string, error: Error): Promise<void> => {
    this.results.get(item)!.reject(error)
    await this.clock.settle()
  }

  private handler(name: string) {
    return (item: string, run: Run<string>): string | Promise<string> => {
      this.log.push(`${name} ${item} ${String(run.state)}${run.attempt > 1 ? ' again' : ''}`)
      this.runs.push(run)
      if (item.startsWith('now')) return item
      const result = Promise.withResolvers<string>()
      this.results.set(item, result)
      return result.promise
    }
  }
}

/** A life whose setup ends when the test says so, and the signals that it was given. */
export class SlowLife {
  readonly signals: AbortSignal[] = []
  readonly life: LifeOptions<string>
  private readonly state: string
  private readonly ready = Promise.withResolvers<string>()

  constructor(state: string, log: string[]) {
    this.state = state
    this.life = {
      setup: ({ signal }) => {
        this.signals.push(signal)
        return this.ready.promise
      },
      teardown: (held, { reason }) => {
        log.push(`teardown ${held} ${reason}`)
      },
    }
  }

  done(): void {
    this.ready.resolve(this.state)
  }

  failed(): void {
    this.ready.reject(new Error('no port'))
  }
}
