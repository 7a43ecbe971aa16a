import { show } from '../../operators/index.ts'
import { badInput, type Refusal } from './refusal.ts'

/** Says that a model does not exist, and which ones do. */
export function unknownModel(model: string | undefined, models: readonly string[]): Refusal {
  const known = `${models.length === 1 ? 'there is' : 'there are'} ${models.map((name) => JSON.stringify(name)).join(', ')}`
  return badInput('model', `the model ${show(model)} does not exist; ${known}`, 'model_not_found', 404)
}
