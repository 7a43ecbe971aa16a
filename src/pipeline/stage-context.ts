import { Run } from '../../actors/index.ts'
import type { Clock, WheelTimer } from '../../operators/index.ts'
import type { HandlerContext } from '../handler.ts'
import type { Logger } from '../logger.ts'
import type { StageMeter } from '../metrics/stage-meter.ts'
import type { Envelope } from './envelope.ts'
import type { RequestSession } from './request-session.ts'
import type { StageNode } from './stage-node.ts'

/** A stage of the pipeline, and a request on its way, as all but these files know them. */
export type Stage = StageNode<StageContext>
export type Carried = Envelope<StageContext>

/** What a handler is told, and the run that owns the slot: one object for each run of a handler. */
export class StageContext extends Run<Envelope<StageContext>> implements HandlerContext {
  readonly node: Stage
  readonly startedAt: number
  /** Takes the slot back from a handler that does not return after it was called off. */
  grace: WheelTimer | undefined
  /** Its result is a stream: unsubscribes it, whoever reads it. */
  closeStream: (() => void) | undefined
  /** The run whose stream an earlier stage made of the same request, and a stage in between used up. */
  earlier: StageContext | undefined

  constructor(envelope: Carried, attempt: number, node: Stage, startedAt: number) {
    super(envelope, attempt)
    this.node = node
    this.startedAt = startedAt
  }

  get request(): unknown {
    return this.item.request
  }

  get logger(): Logger {
    return this.node.logger.child({ request: this.item.id })
  }

  get clock(): Clock {
    return this.node.clock
  }

  get meter(): StageMeter {
    return this.node.meter
  }

  get session(): RequestSession | undefined {
    return this.node.sessions?.of(this.item.request)
  }

  ready(): Promise<void> | undefined {
    return this.item.pacemaker?.ready()
  }

  taken(): Promise<void> | undefined {
    return this.item.pacemaker?.taken()
  }
}
