import { defer, mergeMap, Observable, type OperatorFunction } from 'rxjs'
import { checkKeys, checkNumber, type Clock, show } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import { Carrier } from './carrier.ts'
import { DeadLetters } from './dead-letters.ts'
import type { StageDefinition } from './create-stage.ts'
import { drainStages } from './drain-stages.ts'
import { describeError } from './describe-error.ts'
import { DrainTimeoutError, StageError } from './errors.ts'
import type { Outcome } from './outcome.ts'
import { countsOf } from './dead-letter-metrics.ts'
import { registerPipelineMetrics } from './pipeline-metrics.ts'
import { noRedrives, Redriving } from './redrive/redriving.ts'
import type { Reply } from './reply.ts'
import type {
  DeadLetterFigures,
  DrainReport,
  Ledger,
  PipelineEvent,
  PipelineState,
  RedriveFigures,
  Running,
  StageControl,
  StageFigures,
} from './running.ts'
import type { Stage } from './stage-context.ts'
import { controlOf } from './stage-control.ts'
import { StageSupervision } from './stage-supervision.ts'
import type { StartSettings } from './start-options.ts'

const drainTimeoutMs = 30_000
/** What dead letters get of a drain's time when the stages have used it up. */
const leastFlushMs = 5_000

const noLetters: DeadLetterFigures = {
  selected: 0,
  pending: 0,
  stored: 0,
  duplicate: 0,
  conflict: 0,
  full: 0,
  dropped: 0,
}

/** A pipeline at work: the data plane, the control plane, and what users see of them. */
export class Runtime implements Running<unknown, unknown> {
  readonly name: string
  readonly outcomes$: Observable<Outcome<unknown>>
  private readonly clock: Clock
  private readonly logger: Logger
  private readonly carrier: Carrier
  private readonly letters: DeadLetters | undefined
  private readonly supervision: StageSupervision
  private readonly redriving: Redriving | undefined
  private lifecycle: PipelineState = 'running'
  private drained: Promise<DrainReport> | undefined

  constructor(name: string, stages: readonly StageDefinition[], settings: StartSettings) {
    const { clock, logger, registry, metricsPrefix, deadLetters, redrive } = settings
    const onStored = (): void => this.redriving?.wake()
    const letters = deadLetters && new DeadLetters(name, stages, deadLetters, settings, onStored)
    const onOverflow = (node: Stage, error: unknown): void => {
      this.failBy(node, error)
    }
    const carrier = new Carrier(stages, settings, onOverflow, letters)
    this.letters = letters
    this.name = name
    this.clock = clock
    this.logger = logger
    this.carrier = carrier
    this.outcomes$ = carrier.teller.outcomes$
    if (registry !== undefined)
      registerPipelineMetrics(
        registry,
        metricsPrefix,
        {
          ...{ nodes: carrier.nodes, book: carrier.book, meter: carrier.meter },
          deadLetters: () => this.deadLetters(),
          store: countsOf(deadLetters, clock),
          origins: redrive === undefined ? ['client'] : ['client', 'redrive'],
        },
        () => this.lifecycle === 'stopped',
      )
    this.supervision = new StageSupervision(carrier.nodes, settings, {
      onCrash: (node, error) => {
        carrier.failStreamsThrough(node, error)
      },
      onGiveUp: (node, error) => {
        this.lifecycle = 'failed'
        carrier.refuse('stage-down', node)
        carrier.failAll(() => new StageError(node.name, 'is down for good', { cause: error }), node)
        this.redriving?.stop()
      },
    })
    this.redriving =
      redrive &&
      new Redriving(redrive.store, redrive.settings, settings, {
        ...{ name, nodes: carrier.nodes, book: carrier.book },
        state: () => this.lifecycle,
        submit: (request) => carrier.submit(request, 'redrive'),
      })
    // A stage may have been given up as it was started.
    if (this.state === 'failed') this.redriving?.stop()
  }

  get events$(): Observable<PipelineEvent> {
    return this.supervision.events$
  }

  get state(): PipelineState {
    return this.lifecycle
  }

  get stages(): Readonly<Record<string, StageFigures>> {
    return Object.fromEntries(this.carrier.nodes.map((node) => [node.name, node.figures]))
  }

  stage(name: string): StageControl {
    const { nodes } = this.carrier
    const node = nodes.find((candidate) => candidate.name === name)
    if (node === undefined) {
      const names = nodes.map((known) => JSON.stringify(known.name)).join(', ')
      throw new RangeError(`stage must be one of ${names}, got ${show(name)}`)
    }
    return controlOf(node, this.supervision, () => this.lifecycle)
  }

  ledger(): Ledger {
    return this.carrier.book.snapshot()
  }

  deadLetters(): DeadLetterFigures {
    return this.letters?.figures ?? noLetters
  }

  get sessionStore(): 'ready' | 'away' | undefined {
    return this.carrier.sessions?.state
  }

  redrives(): RedriveFigures {
    return this.redriving?.figures ?? noRedrives
  }

  submit(request: unknown): Reply<unknown> {
    return this.carrier.submit(request)
  }

  request(request: unknown): Observable<unknown> {
    return defer(() => this.submit(request).output$)
  }

  asOperator(): OperatorFunction<unknown, Outcome<unknown>> {
    return mergeMap(
      (request) =>
        new Observable<Outcome<unknown>>((subscriber) => {
          const reply = this.submit(request)
          const chunks: unknown[] = []
          const tell = (): void => {
            const outcome = reply.settled as Outcome<unknown>
            const streamed = outcome.kind === 'completed' && !('value' in outcome)
            subscriber.next(streamed ? { ...outcome, value: chunks } : outcome)
            subscriber.complete()
          }
          subscriber.add(reply.output$.subscribe({ next: (chunk) => chunks.push(chunk), error: tell, complete: tell }))
        }),
    )
  }

  drain(options: { readonly timeoutMs?: number } = {}): Promise<DrainReport> {
    checkKeys('drain', options, ['timeoutMs'])
    this.drained ??= this.startDrain(checkNumber('timeoutMs', options.timeoutMs ?? drainTimeoutMs))
    return this.drained
  }

  /** A channel that must lose nothing has overflowed. */
  private failBy(node: Stage, error: unknown): void {
    if (this.lifecycle !== 'running') return
    this.logger.error({ stage: node.name, ...describeError(error) }, 'channel overflowed: the pipeline has failed')
    this.drained = this.startDrain(drainTimeoutMs, node)
    this.supervision.announceEnd({ type: 'overflowed', stage: node.name, error })
  }

  /** @param failed The stage for which the pipeline has failed, if that is why it drains. */
  private async startDrain(timeoutMs: number, failed?: Stage): Promise<DrainReport> {
    const { carrier, clock, logger, supervision } = this
    const { nodes, book, teller } = carrier
    const startedAt = clock.now()
    const before = this.ledger()
    let timedOut = 0
    if (this.lifecycle === 'running') {
      this.lifecycle = failed === undefined ? 'draining' : 'failed'
      logger.info({ inFlight: before.inFlight }, 'draining')
      // What it has claimed is given back, and what it has submitted is now like any other request.
      this.redriving?.stop()
      carrier.refuse(failed === undefined ? 'draining' : 'stage-down', failed)
      carrier.clearRooms()
      // A stage that takes nothing would hold up the streams of those before it.
      for (const { runner } of nodes) runner.resume()
      const inTime = await drainStages({ clock, nodes, supervision, book, ends$: teller.outcomes$ }, timeoutMs)
      if (!inTime) timedOut = carrier.failAll((node) => new DrainTimeoutError(node.name, timeoutMs))
    }
    const flushMs = Math.max(startedAt + timeoutMs - clock.now(), Math.min(timeoutMs, leastFlushMs))
    await Promise.all([this.letters?.flush(flushMs), this.redriving?.finish(flushMs)])
    const stopped = supervision.stop()
    carrier.close()
    await stopped
    if (this.state === 'draining') this.lifecycle = 'stopped'
    const after = this.ledger()
    // Whatever was submitted meanwhile was refused, which is not how what was in flight ended.
    const refused = after.submitted - before.submitted
    return {
      inFlight: before.inFlight,
      completed: after.completed - before.completed,
      shed: after.shed - before.shed - refused,
      failed: after.failed - before.failed,
      expired: after.expired - before.expired,
      cancelled: after.cancelled - before.cancelled,
      refused,
      timedOut,
      durationMs: clock.now() - startedAt,
      ...(this.letters !== undefined && { deadLetters: this.letters.figures }),
      ...(this.redriving !== undefined && { redrives: this.redriving.figures }),
    }
  }
}
