import { checkLife, lifeKeys } from '../../actors/index.ts'
import { checkFunction, checkInteger, checkKeys } from '../../operators/index.ts'
import type { Handler } from '../handler.ts'
import { swapHandler } from './create-stage.ts'
import type { StageControl, StageSwap, StageTypes } from './running.ts'
import type { Stage } from './stage-context.ts'
import type { StageSupervision } from './stage-supervision.ts'

const swapKeys = ['handler', ...lifeKeys.filter((key) => key !== 'onCrash')]

/** What changes a stage while it runs. */
export function controlOf(node: Stage, supervision: StageSupervision): StageControl {
  const of = (option: string): string => `stage ${JSON.stringify(node.name)}: ${option}`
  const swap = async (next: Handler<unknown, unknown> | StageSwap<StageTypes, unknown>): Promise<void> => {
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
      node.channel.setCapacity(checkInteger(of('capacity'), capacity))
    },
    setConcurrency: (concurrency) => {
      node.channel.setConcurrency(checkInteger(of('concurrency'), concurrency, { min: 1 }))
    },
    pause: () => {
      node.runner.pause()
    },
    resume: () => {
      node.runner.resume()
    },
    swap,
  }
}
