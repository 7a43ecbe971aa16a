import { show } from '../../operators/index.ts'
import type { Capability, ModelInfo } from '../workers/model-worker.ts'
import { accepted, type Checked, refused } from './checked.ts'
import { badInput } from './refusal.ts'
import { unknownModel } from './unknown-model.ts'

/** A model that is asked for, and whose it is. */
export interface AskedModel {
  readonly name: string
  readonly info: ModelInfo
}

/**
 * The model that is asked for, and whose it is; where none is asked for, the first that can.
 *
 * @param needs What it has to be able to do; default nothing beyond what every model does.
 */
export function checkedModel(
  asked: string | null | undefined,
  models: readonly ModelInfo[],
  needs?: Capability,
): Checked<AskedModel> {
  const able = needs === undefined ? models : models.filter(({ capabilities }) => capabilities.includes(needs))
  const names = able.flatMap((info) => info.models)
  const name = asked ?? names[0]
  const info = able.find((candidate) => name !== undefined && candidate.models.includes(name))
  if (name !== undefined && info !== undefined) return accepted({ name, info })
  if (needs !== undefined && (names.length === 0 || models.some((each) => each.models.includes(name ?? '')))) {
    const sentence =
      names.length === 0
        ? `no model here is for ${needs}`
        : `the model ${show(name)} is not for ${needs}, only ${names.map(show).join(', ')}`
    return refused(badInput('model', sentence, 'not_supported'))
  }
  return refused(unknownModel(name, names))
}
