import * as fc from 'fast-check'
import { vi } from 'vitest'
import { Channel } from '../../../operators/index.ts'
import { PlainLine } from '../../../operators/line.ts'
import { RankedLine } from '../../../operators/ranked-line.ts'
import { Slots } from '../../../operators/slots.ts'
import { type Pipeline, pipeline, type StageOptions } from '../../../src/index.ts'
import { Carrier } from '../../../src/pipeline/carrier.ts'
import type { Carried, Stage } from '../../../src/pipeline/stage-context.ts'
import { StageNode } from '../../../src/pipeline/stage-node.ts'
import type { InvariantName, PipelineCheckOptions } from '../../../src/testing/index.ts'

/** What stages rank and weigh by. */
export interface Request {
  readonly rank: number
  readonly units: number
}

/** Of one such stage. */
export type Options = StageOptions<unknown, Request>
/** A pipeline of such stages. */
export type Ranked = Pipeline<Request, unknown, string>

export const request: fc.Arbitrary<Request> = fc.record({
  rank: fc.constantFrom(0, 0, 1, 2),
  units: fc.constantFrom(1, 1, 2, 0.5, 3, 8),
})
export const priority: NonNullable<Options['priority']> = (_, { rank }) => rank
export const weight: NonNullable<Options['weight']> = (_, { units }) => units

/** A pipeline of stages that give what they are given. */
export function stagesOf(...stages: readonly Options[]): Ranked {
  let made = pipeline<Request>('stages') as unknown as Ranked
  for (const [index, options] of stages.entries()) {
    made = made.stage(`stage ${index}`, (value) => value, options as never)
  }
  return made
}

/** Something that is wrong with a stage, or with what is beneath it. */
export interface Planted {
  readonly bug: string
  readonly stage: Options
  readonly plant: () => void
  /** How many requests show it at the most. */
  readonly most: number
  readonly invariant: InvariantName
  readonly says: RegExp
  readonly options?: Partial<PipelineCheckOptions<Request>>
}

/** The channel is told another thing than the stage's functions have said. */
function liesToTheChannel(lie: (envelope: Carried) => void): () => void {
  return () => {
    const { offer } = Channel.prototype
    vi.spyOn(Channel.prototype, 'offer').mockImplementation(function (this: Channel<unknown>, value) {
      lie(value as Carried)
      return offer.call(this, value)
    })
  }
}

/** The channel looks for room for another weight than it is told. */
function weighsAnew(weigh: (units: number) => number): () => void {
  return () => {
    const prototype = Channel.prototype as unknown as { hasRoom(value: unknown, units: number): boolean }
    const { hasRoom } = prototype
    vi.spyOn(prototype, 'hasRoom').mockImplementation(function (this: typeof prototype, value, units) {
      return hasRoom.call(this, value, weigh(units))
    })
  }
}

const lowest: Options['overflow'] = { drop: 'lowest', priority }
const start = { admission: 'stage' } as const
export const plantedStages: readonly Planted[] = [
  {
    bug: 'starts the lowest priority first, because the channel is told the opposite',
    stage: { capacity: 3, priority },
    plant: liesToTheChannel((envelope) => (envelope.priority *= -1)),
    most: 3,
    invariant: 'Order',
    says: /at stage stage 0 request \d is started before request \d, which comes first/,
    options: { start },
  },
  {
    bug: 'has one priority for all',
    stage: { capacity: 3, priority },
    plant: () => {
      const { push } = RankedLine.prototype
      vi.spyOn(RankedLine.prototype, 'push').mockImplementation(function (
        this: RankedLine<unknown>,
        value,
        units,
        _,
        ...rest
      ) {
        push.call(this, value, units, 0, ...rest)
      })
    },
    most: 3,
    invariant: 'Order',
    says: /request \d is started before request \d, which comes first/,
  },
  {
    bug: 'evicts what has the same or a higher priority than the newcomer',
    stage: { capacity: 1, overflow: lowest },
    plant: () => {
      const { giveWay } = RankedLine.prototype as RankedLine<unknown>
      vi.spyOn(RankedLine.prototype, 'giveWay').mockImplementation(function (
        this: RankedLine<unknown>,
        units,
        _,
        most,
      ) {
        return giveWay.call(this, units, Infinity, most)
      })
    },
    most: 3,
    invariant: 'Sheds exactly when it must',
    says: /request 2 must be shed, because no slot is free and 1 of 1 places are taken, but it is let in/,
    options: { start },
  },
  {
    bug: 'sheds a higher priority while a lower one waits',
    stage: { capacity: 1, overflow: lowest },
    plant: () => {
      vi.spyOn(RankedLine.prototype, 'giveWay').mockReturnValue([])
    },
    most: 3,
    invariant: 'Sheds exactly when it must',
    says: /request 2 is shed \(full\), but request 1 must give way to it/,
    options: { start },
  },
  {
    bug: 'puts out what would have started first',
    stage: { capacity: 2, overflow: lowest },
    plant: () => {
      vi.spyOn(RankedLine.prototype, 'giveWay').mockImplementation(function (this: RankedLine<unknown>) {
        return [this.shift()]
      })
    },
    most: 4,
    invariant: 'Sheds exactly when it must',
    says: /request \d gives way to request \d, but request \d must|request \d must be shed, .* but it is let in/,
    options: { start },
  },
  {
    bug: 'lets more units wait than the capacity, because the last may be of any weight',
    stage: { capacity: 2, weight },
    plant: weighsAnew(() => 0.5),
    most: 4,
    invariant: 'Sheds exactly when it must',
    says: /request \d must be shed, because .*, but it is let in/,
  },
  {
    bug: 'sheds what would fit',
    stage: { capacity: 2, weight },
    plant: weighsAnew((units) => units + 1),
    most: 3,
    invariant: 'Sheds exactly when it must',
    says: /request \d is shed \(full\), but [\d.]+ of 2 units are taken/,
  },
  {
    bug: 'is told of less weight than its function says',
    stage: { capacity: 2, weight },
    plant: liesToTheChannel((envelope) => (envelope.weight /= 4)),
    most: 2,
    invariant: 'Conservation',
    says: /at stage stage 0 [\d.]+ units wait, but its channel says [\d.]+/,
  },
  {
    bug: 'counts wrongly how many units wait',
    stage: { capacity: 8, weight },
    plant: () => {
      vi.spyOn(RankedLine.prototype, 'load', 'get').mockReturnValue(0)
    },
    most: 2,
    invariant: 'Conservation',
    says: /at stage stage 0 [\d.]+ units wait, but its channel says 0/,
  },
  {
    bug: 'puts out the newest instead of the oldest',
    stage: { capacity: 2, overflow: 'drop-oldest' },
    plant: () => {
      vi.spyOn(PlainLine.prototype, 'giveWay').mockImplementation(function (this: PlainLine<unknown>) {
        return [this.removeAt(this.length - 1)]
      })
    },
    most: 4,
    invariant: 'Sheds exactly when it must',
    says: /request 2 gives way to request 3, but request 1 must/,
    options: { start },
  },
  {
    bug: 'puts back in the wrong order what a crash has stopped',
    stage: { capacity: 2, concurrency: 3 },
    plant: () => {
      const { requeue } = Channel.prototype
      vi.spyOn(Channel.prototype, 'requeue').mockImplementation(function (this: Channel<unknown>, values) {
        requeue.call(this, values.toReversed())
      })
    },
    most: 4,
    invariant: 'Order',
    says: /request \d is started before request \d, which comes first/,
  },
  {
    bug: 'starts what has expired',
    stage: { capacity: 2, ttlMs: 5 },
    plant: () => {
      vi.spyOn(RankedLine.prototype, 'nextExpiry', 'get').mockReturnValue(Infinity)
    },
    most: 2,
    invariant: 'Sheds exactly when it must',
    says: /request \d is started although it has waited its ttlMs of 5 ms/,
  },
  {
    bug: 'lets what arrives wait a turn beside a free slot',
    stage: { capacity: 2 },
    plant: () => {
      vi.spyOn(Slots.prototype, 'startNow').mockImplementation(function (this: Slots<unknown>, value) {
        this.grant(value)
        queueMicrotask(() => {
          this.drain()
        })
      })
    },
    most: 1,
    invariant: 'Work-conserving',
    says: /request 0 arrives while a slot is free, but does not start/,
  },
  {
    bug: 'says full of what is too large',
    stage: { capacity: 2, weight },
    plant: () => {
      vi.spyOn(StageNode.prototype, 'isTooLarge').mockReturnValue(false)
    },
    most: 2,
    invariant: 'Sheds exactly when it must',
    says: /request \d is shed as (full|stage-down), not as too-large/,
  },
  {
    bug: 'does not ask what priority a request has',
    stage: { capacity: 2, priority },
    plant: () => {
      const prototype = Carrier.prototype as unknown as { enter(envelope: Carried, node: Stage, now: number): void }
      vi.spyOn(prototype, 'enter').mockImplementation(function (this: typeof prototype, envelope, node) {
        const carrier = this as unknown as Carrier
        carrier.bring(envelope, node)
      })
    },
    most: 1,
    invariant: 'Order',
    says: /request 0 comes to the channel before the stage has asked for its rank/,
  },
  {
    bug: 'shows an overflow to nobody',
    stage: { capacity: 1, overflow: 'fail' },
    plant: () => {
      const prototype = Channel.prototype as unknown as { end(): void }
      vi.spyOn(prototype, 'end').mockReturnValue()
    },
    most: 3,
    invariant: 'Sheds exactly when it must',
    says: /request 2 /,
    options: { start },
  },
]
