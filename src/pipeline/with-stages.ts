import type { StageDefinition } from './create-stage.ts'
import { Pipeline } from './pipeline.ts'

/**
 * The same pipeline with its stages changed, for what stands between a stage and its work, such as the faults of a test
 * or a simulation.
 *
 * @param change Gets each stage's definition and its index, and gives the one that is to run.
 */
export function withStages<Request, Current, Stage extends string>(
  definition: Pipeline<Request, Current, Stage>,
  change: (stage: StageDefinition, index: number) => StageDefinition,
): Pipeline<Request, Current, Stage> {
  return new Pipeline(definition.name, definition['definitions'].map(change))
}
