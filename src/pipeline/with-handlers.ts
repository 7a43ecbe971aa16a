import type { Handler } from '../handler.ts'
import { Pipeline } from './pipeline.ts'
import type { StageRanking } from './stage-ranking.ts'

/**
 * The same pipeline with other handlers, for what stands between a stage and its work, such as the faults of a test.
 *
 * @param wrap Gets each stage's handler, its name and its index, and gives the one that is to run.
 * @param rank The same for the functions that rank requests, of a stage that has some; default as they are.
 */
export function withHandlers<Request, Current, Stage extends string>(
  definition: Pipeline<Request, Current, Stage>,
  wrap: (handler: Handler<unknown, unknown>, stage: string, index: number) => Handler<unknown, unknown>,
  rank: (ranking: StageRanking, index: number) => StageRanking = (ranking) => ranking,
): Pipeline<Request, Current, Stage> {
  const stages = definition['definitions'].map((stage, index) => ({
    ...stage,
    handler: wrap(stage.handler, stage.name, index),
    ranking: stage.ranking && rank(stage.ranking, index),
  }))
  return new Pipeline(definition.name, stages)
}
