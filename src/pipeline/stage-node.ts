import type { Run, StagePhase, StageRunner, StageTrouble } from '../../actors/index.ts'
import {
  type Channel,
  ChannelClosedError,
  type Clock,
  OverflowError,
  type OverloadReason,
  show,
  type ShedReason,
} from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import type { StageMeter } from '../metrics/stage-meter.ts'
import { LatencyHistogram } from '../metrics/latency-histogram.ts'
import type { Envelope } from './envelope.ts'
import { StageError } from './errors.ts'
import type { RequestSession } from './request-session.ts'
import type { StageFigures, StageState } from './running.ts'
import type { StageSettings } from './stage-options.ts'
import type { StagePolicy } from './stage-overload.ts'
import type { StageRanking } from './stage-ranking.ts'

/** What a stage stands on: it belongs to the pipeline. */
export interface StageGround<C> {
  readonly clock: Clock
  readonly logger: Logger
  readonly meter: StageMeter
  readonly channel: Channel<Envelope<C>>
  readonly ranking: StageRanking | undefined
  readonly reserves: boolean
  readonly sessions: SessionsOfRequests | undefined
  readonly overload: StagePolicy | undefined
}

/** Where a request's session is to be found. */
interface SessionsOfRequests {
  of(request: unknown): RequestSession | undefined
}

/** Who hears what happens to a stage. */
export interface StageWatcher {
  entered(phase: StagePhase): void
  troubled(trouble: StageTrouble): void
}

/** One stage of a running pipeline: its channel, its runner and its figures. `C` is a run of its handler. */
export class StageNode<C extends Run<Envelope<C>>> {
  readonly index: number
  readonly name: string
  readonly settings: StageSettings
  readonly clock: Clock
  readonly logger: Logger
  readonly meter: StageMeter
  readonly sessions: SessionsOfRequests | undefined
  readonly channel: Channel<Envelope<C>>
  readonly runner: StageRunner<Envelope<C>, unknown, C>
  /** How it ranks requests, if it does. */
  readonly ranking: StageRanking | undefined
  /** A place in its channel is reserved at the door; otherwise the channel decides when a request arrives. */
  readonly reserves: boolean
  /** What sheds before the channel is full, if anything does. */
  readonly overload: StagePolicy | undefined
  /** Requests with a reservation that have not reached this stage. */
  ahead = 0
  /** Requests that wait for room by its terms. */
  pending = 0
  state: StageState = 'starting'
  /** When it is expected to start again, once it is down; `Infinity` when it is down for good. */
  upAt: number = -Infinity
  /** The delay of its last restart: 0 before the first. */
  backoffMs = 0
  watcher: StageWatcher | undefined
  restarts = 0
  failedChecks = 0
  failedTeardowns = 0
  processed = 0
  abandoned = 0
  /** Start to value, stream or error. */
  readonly latency: LatencyHistogram = new LatencyHistogram()
  /** Arrival to start. */
  readonly wait: LatencyHistogram = new LatencyHistogram()
  /** Start of the handler to the end of the stream that it returned. */
  readonly streamDuration: LatencyHistogram = new LatencyHistogram()
  readonly shed: Map<ShedReason, number> = new Map()
  readonly errors: Map<string, number> = new Map()
  private slotMs = 0
  private slots = 0

  constructor(
    index: number,
    name: string,
    settings: StageSettings,
    ground: StageGround<C>,
    createRunner: (node: StageNode<C>) => StageRunner<Envelope<C>, unknown, C>,
  ) {
    this.index = index
    this.name = name
    this.settings = settings
    this.clock = ground.clock
    this.logger = ground.logger.child({ stage: name })
    this.meter = ground.meter
    this.sessions = ground.sessions
    this.channel = ground.channel
    this.ranking = ground.ranking
    this.reserves = ground.reserves
    this.overload = ground.overload
    this.runner = createRunner(this)
  }

  get figures(): StageFigures {
    const { channel, state, restarts, failedChecks, failedTeardowns, processed, abandoned, latency } = this
    let shed = 0
    for (const count of this.shed.values()) shed += count
    return {
      queueDepth: this.depth,
      pending: this.pending,
      capacity: channel.capacity,
      running: channel.running,
      concurrency: channel.concurrency,
      state,
      restarts,
      failedChecks,
      failedTeardowns,
      shed,
      processed,
      abandoned,
      latency: {
        count: latency.count,
        meanMs: latency.meanMs,
        p50Ms: latency.quantileMs(0.5),
        p99Ms: latency.quantileMs(0.99),
      },
    }
  }

  /** How much of the capacity is taken up: requests that wait, or their units. */
  get depth(): number {
    return this.settings.weighted ? this.channel.stats.waitingWeight : this.channel.size
  }

  /** Whether a request more would find neither a slot nor room once all that are let in have reached the stage. */
  get full(): boolean {
    const { channel } = this
    return this.ahead + channel.size + channel.running >= channel.capacity + channel.concurrency
  }

  /** Whether a request weighs more than may ever wait. */
  isTooLarge({ weight }: Envelope<C>): boolean {
    const { capacity } = this.channel
    return this.settings.weighted && capacity > 0 && weight > capacity
  }

  /** Why its channel turns a request away. */
  shedReasonOf(envelope: Envelope<C>): ShedReason {
    if (this.isTooLarge(envelope)) return 'too-large'
    return this.state === 'running' ? 'full' : 'stage-down'
  }

  /**
   * Why its policy turns a request away that comes; a `StageError` where a function of the policy cannot tell what it is
   * asked.
   */
  refusalOf(envelope: Envelope<C>, now: number): OverloadReason | StageError | undefined {
    const { overload, channel, ahead } = this
    const queue = { ahead: ahead + channel.size, running: channel.running, concurrency: channel.concurrency }
    try {
      return overload?.refuses(envelope, queue, now) === true ? overload.reason : undefined
    } catch (error) {
      // What it threw may quote the request, and this is logged.
      const fault = 'could not tell what overload asks of the request: the function threw'
      return new StageError(this.name, fault, { cause: error })
    }
  }

  /** What requests fail with when its channel must lose nothing and was given more than it holds. */
  overflowError(): ChannelClosedError {
    const name = show(this.name)
    const given = `the channel of stage ${name} was given more than its capacity of ${this.channel.capacity}`
    return new ChannelClosedError(`the channel of stage ${name} is closed: it has overflowed`, {
      cause: new OverflowError(given),
    })
  }

  /** Counts the time for which a slot was owned, a stream's included. */
  slotFreed(ownedMs: number): void {
    this.slotMs += ownedMs
    this.slots += 1
    this.overload?.ran(ownedMs)
  }

  /**
   * When it is worth trying again, 100 … 60,000 ms.
   *
   * @param toldMs What is known of it; default when a place is likely to be free: once it is up, what waits, each for
   * its share of the mean service time. A stage whose restart takes longer than its backoff (a setup that hangs, a group
   * that has yet to stop) is expected to take as long again.
   */
  retryAfterMs(toldMs: number = this.placeFreeInMs): number {
    return Math.min(60_000, Math.max(100, Math.ceil(toldMs)))
  }

  private get placeFreeInMs(): number {
    const meanServiceMs = this.slots === 0 ? 0 : this.slotMs / this.slots
    const leftMs = this.upAt - this.clock.now()
    const isDown = this.state === 'backing-off' || this.state === 'starting'
    const upInMs = leftMs > 0 ? leftMs : isDown ? this.backoffMs : 0
    return upInMs + ((this.channel.size + 1) * meanServiceMs) / this.channel.concurrency
  }
}

/** Adds one to a count kept by key. */
export function countUp<K>(counts: Map<K, number>, key: K): void {
  counts.set(key, (counts.get(key) ?? 0) + 1)
}
