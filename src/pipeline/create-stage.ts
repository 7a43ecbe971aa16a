import { isObservable } from 'rxjs'
import { StageRunner } from '../../actors/index.ts'
import { Channel } from '../../operators/index.ts'
import type { Handler } from '../handler.ts'
import type { StageMeter } from '../metrics/stage-meter.ts'
import type { Carried, Stage, StageContext } from './stage-context.ts'
import { StageNode } from './stage-node.ts'
import type { StageSettings } from './stage-options.ts'
import type { StartSettings } from './start-options.ts'

/** A stage as it was defined. */
export interface StageDefinition {
  readonly name: string
  readonly handler: Handler<unknown, unknown>
  readonly settings: StageSettings
}

/** What happens to requests in a stage. */
export interface StageHooks {
  begin(envelope: Carried, attempt: number, stage: Stage): StageContext
  handOn(value: unknown, run: StageContext): void
  handlerFailed(error: unknown, run: StageContext): void
  putBack(run: StageContext): void
  evicted(envelope: Carried, stage: Stage): void
}

/** Makes a stage of a running pipeline: its channel, its runner, its figures. */
export function createStage(
  { name, handler, settings }: StageDefinition,
  index: number,
  { clock, logger, scale, meter }: StartSettings & { readonly meter: StageMeter },
  hooks: StageHooks,
): Stage {
  const { concurrency, overflow } = settings
  // A stage that lets nothing wait does so at every scale.
  const capacity = settings.capacity === 0 ? 0 : Math.max(1, Math.round(settings.capacity * scale))
  const channel = new Channel<Carried>({
    capacity,
    concurrency,
    overflow,
    onLost: (envelope, reason) => {
      if (reason === 'evicted') hooks.evicted(envelope, stage)
    },
  })
  const stage: Stage = new StageNode(
    index,
    name,
    settings,
    { clock, logger, meter, channel },
    (node) =>
      new StageRunner<Carried, unknown, StageContext>((envelope, run) => handler(envelope.value, run), {
        channel,
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
