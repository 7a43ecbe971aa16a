import { messageOf } from '../../operators/index.ts'
import { defer, type Observable, startWith, Subject } from 'rxjs'
import { type Actor, type AnyActorRef, createActor } from 'xstate'
import {
  fromRunner,
  type StageEvent,
  type StagePhase,
  type StageTrouble,
  supervise,
  type SupervisorEvent,
  type SupervisorLogic,
} from '../../actors/index.ts'
import { describeError } from './describe-error.ts'
import type { PipelineEvent } from './running.ts'
import type { Stage } from './stage-context.ts'
import type { StartSettings } from './start-options.ts'

/** What the pipeline does when a stage is down. */
export interface SupervisionHooks {
  onCrash(node: Stage, error: unknown): void
  /** The stage is down for good, and all others are stopped. */
  onGiveUp(node: Stage, error: unknown): void
}

/** The control plane of a running pipeline: one actor for each stage under one supervisor. */
export class StageSupervision {
  /** What happens to the stages; every subscriber is first told which have started, and how those ended that have. */
  readonly events$: Observable<PipelineEvent>
  private readonly events = new Subject<PipelineEvent>()
  /** Those that have run. */
  private readonly started = new Set<Stage>()
  /** Whose crash is the reason for a stage's next restart, by name. */
  private readonly startedFor = new Map<string, string>()
  /** How those ended that have. */
  private ends: readonly PipelineEvent[] = []
  private begun = false
  private readonly nodes: readonly Stage[]
  private readonly settings: StartSettings
  private readonly hooks: SupervisionHooks
  private readonly supervisor: Actor<SupervisorLogic>

  constructor(nodes: readonly Stage[], settings: StartSettings, hooks: SupervisionHooks) {
    const { clock, supervision } = settings
    const { shutdownTimeoutMs, ...options } = supervision
    this.nodes = nodes
    this.settings = settings
    this.hooks = hooks
    const children = nodes.map(({ name, runner }) => ({
      id: name,
      start: fromRunner(runner),
      ...(shutdownTimeoutMs !== undefined && { shutdownTimeoutMs }),
    }))
    this.events$ = defer(() => {
      const started = [...this.started].map(({ name }) => ({ type: 'started' as const, stage: name }))
      return this.events.pipe(startWith(...started, ...this.ends))
    })
    // From the sink to the source, so that no stage starts before the one that it feeds.
    this.supervisor = createActor(supervise(children, { ...options, clock, startFrom: 'last' }), { clock })
    this.watch()
    this.supervisor.start()
    this.begun = true
  }

  /** Lets a stage finish what it has and stop; `drained` tells that it has. */
  drain(node: Stage): void {
    node.state = 'draining'
    const { children } = this.supervisor.getSnapshot() as { readonly children: Partial<Record<string, AnyActorRef>> }
    const drain: StageEvent = { type: 'drain' }
    const stage = children[node.name]
    const snapshot = stage?.getSnapshot() as { readonly status: string } | undefined
    // One that has just crashed is drained once it has started again.
    if (snapshot?.status === 'active') stage?.send(drain)
  }

  /** Tells of something that happened to a stage beside its supervision. */
  announce(event: PipelineEvent): void {
    this.events.next(event)
  }

  /** Tells how a stage has ended, also those who come late. */
  announceEnd(event: PipelineEvent): void {
    this.ends = [...this.ends, event]
    this.events.next(event)
  }

  /** Whether nothing will run in the stage any more. */
  hasEnded(node: Stage): boolean {
    return node.state === 'stopped' || this.hasGivenUp
  }

  private get hasGivenUp(): boolean {
    return this.nodes.some(({ state }) => state === 'failed')
  }

  /** Stops all stages at once, and resolves once all are torn down and have ended. */
  async stop(): Promise<void> {
    const busy = new Set(this.nodes.filter(({ runner }) => runner.runs.size > 0))
    this.supervisor.stop()
    await Promise.all(this.nodes.map((node) => this.end(node, busy.has(node) ? 'forced' : 'stopped')))
    this.events.complete()
  }

  /** It has been stopped with the supervisor, unless it had ended before. */
  private async end(node: Stage, how: 'stopped' | 'forced'): Promise<void> {
    const hadEnded = node.state === 'stopped' || node.state === 'failed'
    if (!hadEnded) node.state = 'stopping'
    await node.runner.released()
    node.runner.callOffSwap()
    if (hadEnded) return
    node.state = 'stopped'
    this.tellStopped(node, how)
  }

  private watch(): void {
    const { logger } = this.settings
    for (const node of this.nodes) {
      node.watcher = {
        entered: (phase) => {
          this.entered(node, phase)
        },
        troubled: (trouble) => {
          this.troubled(node, trouble)
        },
      }
    }
    this.supervisor.on('crashed', ({ type, id, error, ...decision }) => {
      const node = this.node(id)
      node.state = 'backing-off'
      const upAt = this.settings.clock.now() + decision.delayMs
      for (const member of decision.starting) {
        this.startedFor.set(member, id)
        Object.assign(this.node(member), { upAt, backoffMs: decision.delayMs })
      }
      logger.error({ stage: id, ...describeError(error), ...decision }, 'stage crashed')
      this.hooks.onCrash(node, error)
      this.events.next({ type, stage: id, error, ...decision })
    })
    this.supervisor.on('stopped', (event) => {
      this.stopped(this.node(event.id), event)
    })
    this.supervisor.on('escalated', ({ id, reason }) => {
      const node = this.node(id)
      node.state = 'failed'
      for (const { runner } of this.nodes) runner.callOffSwap()
      logger.error({ stage: id, ...describeError(reason) }, 'stage is down for good: the pipeline has failed')
      // Before the others are stopped, which then have nothing to wait for.
      this.hooks.onGiveUp(node, reason)
      this.announceEnd({ type: 'escalated', stage: id, error: reason })
    })
    // It has told of that already.
    this.supervisor.subscribe({ error: () => undefined })
  }

  private stopped(node: Stage, event: SupervisorEvent & { readonly type: 'stopped' }): void {
    const stage = node.name
    if (event.how === 'ended' && event.decision === 'leave') {
      node.state = 'stopped'
      this.announceEnd({ type: 'drained', stage })
      return
    }
    node.state = this.hasGivenUp ? 'stopped' : 'backing-off'
    this.tellStopped(node, event.how === 'forced' ? 'forced' : 'stopped')
  }

  private tellStopped(node: Stage, how: 'stopped' | 'forced'): void {
    const { name: stage } = node
    this.settings.logger.info({ stage, how }, 'stage stopped')
    const event: PipelineEvent = { type: 'stopped', stage, how }
    if (node.state === 'stopped') this.announceEnd(event)
    else this.events.next(event)
  }

  private entered(node: Stage, phase: StagePhase): void {
    const before = node.state
    const hasStarted = before === 'starting' && phase !== 'starting' && phase !== 'stopping'
    node.state = phase
    if (phase === 'starting' && node.runner.epoch > 1) node.restarts += 1
    if (hasStarted) this.hasStarted(node)
    if (phase === 'paused' || (before === 'paused' && phase === 'running')) {
      const type = phase === 'paused' ? 'paused' : 'resumed'
      this.settings.logger.info({ stage: node.name }, `stage ${type}`)
      this.events.next({ type, stage: node.name })
    }
  }

  private hasStarted(node: Stage): void {
    const { logger } = this.settings
    const { name: stage, restarts } = node
    if (this.started.has(node)) {
      const by = this.startedFor.get(stage) as string
      // One that had been drained may be started again with its group.
      this.ends = this.ends.filter((end) => end.stage !== stage)
      logger.info({ stage, by, restarts }, 'stage restarted')
      this.events.next({ type: 'restarted', stage, by })
      return
    }
    this.started.add(node)
    // Those that have nothing to wait for run before anybody could ask whether they do.
    if (this.begun) logger.info({ stage }, 'stage started')
    this.events.next({ type: 'started', stage })
  }

  private troubled(node: Stage, trouble: StageTrouble): void {
    const { logger } = this.settings
    const { type, error } = trouble
    // Neither a check nor a teardown has seen a prompt.
    const fields = { stage: node.name, error: messageOf(error) }
    if (trouble.type === 'unhealthy') {
      node.failedChecks += 1
      logger.warn({ ...fields, failures: trouble.failures }, 'stage is unhealthy')
    } else {
      node.failedTeardowns += 1
      logger.error({ ...fields, reason: trouble.reason }, 'stage could not be torn down')
    }
    this.events.next({ type, stage: node.name, error })
  }

  private node(name: string): Stage {
    return this.nodes.find((node) => node.name === name) as Stage
  }
}
