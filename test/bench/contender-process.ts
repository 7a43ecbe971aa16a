/**
 * The process of one contender: does a round whenever it is asked for one. A process of its own keeps one
 * contender's garbage and compiled code out of the other's figures.
 */
import { closedLoop, type RoundFigures, type RoundSize } from './closed-loop.ts'
import type { Contender } from './contender.ts'
import { createMergeMapContender } from './merge-map-contender.ts'
import { createRingContender } from './ring-contender.ts'
import { createSpillwayContender, promisedInference } from './spillway-contender.ts'
import { inference } from './workload.ts'

/** What the process answers. */
export type RoundReply = { readonly figures: RoundFigures } | { readonly error: string }

async function serveRounds<Result>(contender: Contender<Result>): Promise<void> {
  let completed = 0
  const round = async (size: RoundSize): Promise<RoundReply> => {
    try {
      const figures = await closedLoop(contender, size)
      completed += size.requests
      await contender.check(completed)
      return { figures }
    } catch (error) {
      return { error: error instanceof Error ? error.message : String(error) }
    }
  }
  process.on('message', (size: RoundSize) => {
    void round(size).then((reply) => process.send?.(reply))
  })
}

const contenders: Readonly<Record<string, () => Promise<void>>> = {
  spillway: () => serveRounds(createSpillwayContender(inference)),
  'spillway-promised': () => serveRounds(createSpillwayContender(promisedInference)),
  'merge-map': () => serveRounds(createMergeMapContender()),
  rings: () => serveRounds(createRingContender()),
}

const name = process.argv[2] ?? ''
const serve = contenders[name]
if (serve === undefined) throw new RangeError(`there is no contender ${JSON.stringify(name)}`)
await serve()
