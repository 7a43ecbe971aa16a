import { isObservable } from 'rxjs'
import { type LifeSettings, type StageHandler, StageRunner } from '../../actors/index.ts'
import { Channel, type LossReason, type OverflowStrategy, type OverloadReason } from '../../operators/index.ts'
import type { Handler } from '../handler.ts'
import type { StageMeter } from '../metrics/stage-meter.ts'
import { mayPass } from './session-turns.ts'
import type { Sessions } from './sessions.ts'
import type { Carried, Stage, StageContext } from './stage-context.ts'
import { StageNode } from './stage-node.ts'
import { createStageOverload } from './stage-overload.ts'
import type { CheckedStage, StageSettings, StageSetupContext } from './stage-options.ts'
import type { StartSettings } from './start-options.ts'

/** A stage as it was defined. */
export interface StageDefinition extends CheckedStage {
  readonly name: string
  readonly handler: Handler<unknown, unknown>
}

/** What happens to requests in a stage. */
export interface StageHooks {
  begin(envelope: Carried, attempt: number, stage: Stage): StageContext
  handOn(value: unknown, run: StageContext): void
  handlerFailed(error: unknown, run: StageContext): void
  putBack(run: StageContext): void
  /** Its channel has lost a request, or sheds the one that is being brought; or its policy sheds one that was to start. */
  lost(envelope: Carried, stage: Stage, reason: LossReason | OverloadReason): void
  /** There may be room in its channel again. */
  roomMade(stage: Stage): void
}

/** Makes a stage of a running pipeline: its channel, its runner, its figures. */
export function createStage(
  { name, handler, settings, ranking, life, overload: policy }: StageDefinition,
  index: number,
  {
    clock,
    logger,
    random,
    scale,
    meter,
    admission,
    waits,
    sessions,
  }: Omit<StartSettings, 'sessions'> & {
    readonly meter: StageMeter
    readonly waits: boolean
    readonly sessions: Sessions<Carried> | undefined
  },
  hooks: StageHooks,
): Stage {
  const { concurrency, overflow, weighted, prioritised, ttlMs } = settings
  // A stage that lets nothing wait does so at every scale.
  const capacity = settings.capacity === 0 ? 0 : Math.max(1, Math.round(settings.capacity * scale))
  const channel = new Channel<Carried>({
    capacity,
    concurrency,
    overflow: strategyOf(overflow),
    ...(prioritised && overflow !== 'drop-lowest' && { priority: priorityOf }),
    ...(weighted && { weight: weightOf }),
    ...(index === 0 && sessions?.serial === true && { mayStart: mayPass }),
    ttlMs,
    clock,
    onLost: (envelope, reason) => {
      hooks.lost(envelope, stage, reason)
    },
    ...(waits && {
      onRoom: () => {
        hooks.roomMade(stage)
      },
    }),
  })
  const overload = policy && createStageOverload('overload', policy, random)
  const stage: Stage = new StageNode(
    index,
    name,
    settings,
    {
      clock,
      logger,
      meter,
      channel,
      ranking,
      sessions,
      overload,
      reserves: admission === 'door' && !weighted && overflow !== 'over-share',
    },
    (node) =>
      new StageRunner<Carried, unknown, StageContext>(onEnvelopes(handler), {
        channel,
        clock,
        life: { ...life, setup: withLogger(life.setup, node) },
        onCrash: settings.onCrash,
        onPhase: (phase) => {
          node.watcher?.entered(phase)
        },
        onTrouble: (trouble) => {
          node.watcher?.troubled(trouble)
        },
        ...(overload !== undefined && {
          sheds: (envelope) => {
            const now = clock.now()
            if (!overload.sheds(envelope, now - envelope.arrivedAt, now)) return undefined
            return () => {
              hooks.lost(envelope, node, overload.reason)
            }
          },
        }),
        createRun: (envelope, attempt) => hooks.begin(envelope, attempt, node),
        // A stream that was made of a value; one that was made of a stream passes on.
        holds: (value, run) => isObservable(value) && !isObservable(run.item.value),
        onValue: (value, run) => {
          hooks.handOn(value, run)
        },
        onError: (error, run) => {
          hooks.handlerFailed(error, run)
        },
        onPutBack: (run) => {
          hooks.putBack(run)
        },
      }),
  )
  return stage
}

/** Puts another handler into a stage, with what it needs, if that is its own. */
export function swapHandler(node: Stage, handler: Handler<unknown, unknown>, life?: LifeSettings): Promise<void> {
  const settings = life && { ...life, setup: withLogger(life.setup, node) }
  return node.runner.swap(onEnvelopes(handler), settings)
}

function onEnvelopes(handler: Handler<unknown, unknown>): StageHandler<Carried, unknown, StageContext> {
  return (envelope, run) => handler(envelope.value, run)
}

function withLogger(setup: LifeSettings['setup'], { logger }: Stage): LifeSettings['setup'] {
  if (setup === undefined) return undefined
  return (context) => {
    const known: StageSetupContext = { ...context, logger }
    return setup(known)
  }
}

/** A stage's strategy, asked of what was noted on a request as it came. */
function strategyOf(overflow: StageSettings['overflow']): OverflowStrategy<Carried> {
  if (overflow === 'drop-lowest') return { drop: 'lowest', priority: priorityOf }
  if (overflow !== 'over-share') return overflow
  return { drop: 'over-share', tenant: ({ claim }) => claim?.tenant ?? '', share: ({ claim }) => claim?.share ?? 1 }
}

function priorityOf({ priority }: Carried): number {
  return priority
}

function weightOf({ weight }: Carried): number {
  return weight
}
