import { show } from '../../../operators/index.ts'

/** An array, each element as `check` has it. */
export function checkArray<T>(option: string, values: readonly T[], check: (value: T, index: number) => void): void {
  const given: unknown = values
  if (!Array.isArray(given)) throw new TypeError(`${option} must be an array, got ${show(given)}`)
  for (const [index, value] of values.entries()) check(value, index)
}
