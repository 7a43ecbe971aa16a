import { checkText, show } from '../../operators/index.ts'

/** The names of a worker's models, the default first: one at least, none of them empty. */
export function checkModels(option: string, models: unknown): readonly string[] {
  if (!Array.isArray(models)) throw new TypeError(`${option} must be an array of names, got ${show(models)}`)
  if (models.length === 0) throw new RangeError(`${option} must name at least one model, got an empty array`)
  return Object.freeze(models.map((model: unknown, index) => checkText(`${option}[${index}]`, model)))
}
