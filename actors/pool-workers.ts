import { finalize } from 'rxjs'
import {
  Channel,
  type ChannelOptions,
  checkFunction,
  checkInteger,
  checkKeys,
  shardOf,
  show,
} from '../operators/index.ts'
import type { ChildSpec } from './child-spec.ts'
import { checkLife, checkOnCrash, lifeKeys } from './life-options.ts'
import { Run } from './run.ts'
import { checkTelling, type StageChannel, type StageHandler, tellingKeys } from './runner-options.ts'
import { SharedChannel } from './shared-channel.ts'
import { StageRunner } from './stage-runner.ts'
import type {
  WorkerFigures,
  WorkerPoolFigures,
  WorkerPoolOptions,
  WorkerRouting,
  WorkerRun,
} from './worker-pool-options.ts'

class PoolRun<T> extends Run<T> implements WorkerRun<T> {
  readonly worker: number
  /** The how-manieth run of the pool it is. */
  readonly order: number

  constructor(item: T, attempt: number, worker: number, order: number) {
    super(item, attempt)
    this.worker = worker
    this.order = order
  }
}

/** Where a worker takes its items from. */
interface Place<T> {
  readonly channel: StageChannel<T>
  load(): number
  /** The worker is about to put back the item of the run of this order. */
  puttingBack(order: number): void
  /** The worker is down. */
  left(): void
}

/** Where the items of a pool wait. */
interface Lines<T> {
  readonly channels: readonly Channel<T>[]
  readonly places: readonly Place<T>[]
  channelOf(item: T): Channel<T>
}

/** The data plane of a worker pool: a stage's runner for each worker, and the lines before them. */
export class PoolWorkers<T, R> {
  /** The workers, to be supervised. */
  readonly children: readonly ChildSpec[]
  private readonly lines: Lines<T>
  private readonly runners: readonly StageRunner<T, R, PoolRun<T>>[]
  private readonly states: WorkerFigures['state'][]
  private runs = 0
  private draining = false
  /** It drains, and nothing is left. */
  private emptied = false

  /** @throws RangeError or TypeError that names the option, its value and what is allowed. */
  constructor(handler: StageHandler<T, R, WorkerRun<T>>, options: WorkerPoolOptions<T, R>) {
    checkKeys('fromWorkerPool', options, optionKeys)
    checkTelling(options)
    checkKeys('supervision', options.supervision ?? {}, ['maxRestarts', 'withinMs', 'backoff', 'healthyAfterMs'])
    const workers = checkInteger('workers', options.workers, { min: 1 })
    const channel: ChannelOptions<T> = { ...(options.clock && { clock: options.clock }), ...options.channel }
    const affinity = checkRouting(options.routing ?? 'least-load')
    this.lines = affinity === undefined ? this.oneLine(workers, channel) : ownLines(workers, channel, affinity)
    this.states = this.lines.places.map(() => 'down')
    this.runners = this.lines.places.map((place, worker) => this.createRunner(handler, options, place, worker))
    const { shutdownTimeoutMs } = options
    this.children = this.lines.places.map((place, worker) => ({
      ...this.childOf(place, worker),
      ...(shutdownTimeoutMs !== undefined && { shutdownTimeoutMs }),
    }))
  }

  offer(item: T): 'accepted' | 'shed' | 'closed' {
    return this.lines.channelOf(item).offer(item)
  }

  discard(): readonly T[] {
    return this.lines.channels.flatMap((channel) => channel.discard())
  }

  /** Takes in nothing more, and has each worker end once nothing is left for it. */
  drain(): void {
    this.draining = true
    for (const channel of this.lines.channels) channel.close()
    for (const runner of this.runners) runner.drain()
  }

  /** Has all workers take nothing more at once, whomever the supervisor asks first. */
  stop(): void {
    for (const runner of this.runners) runner.stop()
  }

  figures(): WorkerPoolFigures {
    const { channels, places } = this.lines
    return {
      waiting: sumOf(channels, ({ size }) => size),
      running: sumOf(channels, ({ running }) => running),
      workers: places.map((place, worker) => ({
        state: this.states[worker] ?? 'down',
        load: place.load(),
        restarts: Math.max(0, (this.runners[worker]?.epoch ?? 0) - 1),
      })),
    }
  }

  private createRunner(
    handler: StageHandler<T, R, WorkerRun<T>>,
    options: WorkerPoolOptions<T, R>,
    place: Place<T>,
    worker: number,
  ): StageRunner<T, R, PoolRun<T>> {
    const { setup, onPutBack, onTrouble } = options
    const life = checkLife(options)
    return new StageRunner<T, R, PoolRun<T>>(handler, {
      ...options,
      channel: place.channel,
      onCrash: checkOnCrash(options),
      life: setup === undefined ? life : { ...life, setup: (context) => setup({ ...context, worker }) },
      createRun: (item, attempt) => new PoolRun(item, attempt, worker, this.runs++),
      onPutBack: (run) => {
        place.puttingBack(run.order)
        onPutBack?.(run)
      },
      onPhase: (phase) => {
        this.states[worker] = phase
      },
      onTrouble: (trouble) => onTrouble?.(trouble, worker),
    })
  }

  private childOf(place: Place<T>, worker: number): ChildSpec {
    const runner = this.runners[worker] as StageRunner<T, R, PoolRun<T>>
    return {
      id: `worker ${worker}`,
      start: ({ signal }) => {
        const stop = (): void => {
          runner.stop()
        }
        signal.addEventListener('abort', stop, { once: true })
        // The lines are closed for good, but a runner that has been drained forgets it.
        if (this.draining) runner.drain()
        return runner.epoch$.pipe(
          finalize(() => {
            signal.removeEventListener('abort', stop)
            this.states[worker] = 'down'
            place.left()
          }),
        )
      },
    }
  }

  private oneLine(workers: number, options: ChannelOptions<T>): Lines<T> {
    const shared = new SharedChannel<T>(workers, options, () => {
      // A worker that has nothing to do hears nothing of the others' last item.
      if (!this.draining || this.emptied) return
      this.emptied = true
      this.drain()
    })
    return {
      channels: [shared.channel],
      channelOf: () => shared.channel,
      places: shared.shares.map((share) => ({
        channel: share,
        load: () => share.load,
        puttingBack: (order) => {
          share.note(order)
        },
        left: () => {
          share.handBack()
        },
      })),
    }
  }
}

const optionKeys = [
  ...lifeKeys,
  ...tellingKeys,
  'workers',
  'channel',
  'routing',
  'supervision',
  'shutdownTimeoutMs',
  'clock',
]

function ownLines<T>(workers: number, options: ChannelOptions<T>, affinity: (item: T) => string): Lines<T> {
  const channels = Array.from({ length: workers }, () => new Channel(options))
  return {
    channels,
    channelOf: (item) => channels[shardOf(affinity(item), workers)] as Channel<T>,
    places: channels.map((channel) => ({
      channel,
      load: () => channel.size + channel.running,
      puttingBack: () => undefined,
      left: () => undefined,
    })),
  }
}

/** @returns What gives an item's session; `undefined` where the load decides. */
function checkRouting<T>(routing: WorkerRouting<T>): ((item: T) => string) | undefined {
  if (routing === 'least-load') return undefined
  if (typeof routing !== 'object') {
    const message = `routing must be "least-load" or { affinity: (item) => string }, got ${show(routing)}`
    throw typeof routing === 'string' ? new RangeError(message) : new TypeError(message)
  }
  checkKeys('routing', routing, ['affinity'])
  return checkFunction('routing.affinity', routing.affinity)
}

function sumOf<V>(values: readonly V[], figure: (value: V) => number): number {
  return values.reduce((sum, value) => sum + figure(value), 0)
}
