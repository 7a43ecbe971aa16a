import { checkLife, lifeKeys, StageStoppedError } from '../../actors/index.ts'
import { checkFunction, checkInteger, checkKeys } from '../../operators/index.ts'
import type { Handler } from '../handler.ts'
import { swapHandler } from './create-stage.ts'
import type { PipelineState, StageControl, StageSwap, StageTypes } from './running.ts'
import type { Stage } from './stage-context.ts'
import type { StageSupervision } from './stage-supervision.ts'

const swapKeys = ['handler', ...lifeKeys.filter((key) => key !== 'onCrash')]

/** What changes a stage while it runs. */
export function controlOf(node: Stage, supervision: StageSupervision, pipeline: () => PipelineState): StageControl {
  const of = (option: string): string => `stage ${JSON.stringify(node.name)}: ${option}`
  const refuse = (what: string): never => {
    const states = `the stage is ${node.state}, the pipeline is ${pipeline()}`
    const when = supervision.hasEnded(node) ? 'any more' : 'in a drain'
    throw new StageStoppedError(`${of(what)} has no effect ${when}: ${states}`)
  }
  const swap = async (next: Handler<unknown, unknown> | StageSwap<StageTypes, unknown>): Promise<void> => {
    if (supervision.hasEnded(node)) refuse('swap')
    if (typeof next === 'function') {
      await swapHandler(node, next)
    } else {
      checkKeys(of('swap'), next, swapKeys)
      await swapHandler(node, checkFunction(of('handler'), next.handler), checkLife(next, of))
    }
    node.logger.info({}, 'stage swapped')
    supervision.announce({ type: 'swapped', stage: node.name })
  }
  return {
    setCapacity: (capacity) => {
      if (supervision.hasEnded(node)) refuse('setCapacity')
      node.channel.setCapacity(checkInteger(of('capacity'), capacity))
    },
    setConcurrency: (concurrency) => {
      if (supervision.hasEnded(node)) refuse('setConcurrency')
      node.channel.setConcurrency(checkInteger(of('concurrency'), concurrency, { min: 1 }))
    },
    pause: () => {
      if (pipeline() !== 'running') refuse('pause')
      node.runner.pause()
    },
    resume: () => {
      if (supervision.hasEnded(node)) refuse('resume')
      node.runner.resume()
    },
    swap,
  }
}
