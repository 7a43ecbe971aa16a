import { messageOf, show } from '../../operators/index.ts'
import { UnstorableError } from './store-error.ts'

/**
 * Writes JSON, if it will be read as what was written: a `Date` would come back as a text, a `Map` as `{}`. Fields that
 * are `undefined` are left out, as JSON has it.
 *
 * @param name What the message calls the value.
 * @param write Gives the text, if the value is plain.
 * @throws UnstorableError that names the first part which JSON cannot hold.
 */
export function storableJson(name: string, value: unknown, write: () => string): string {
  try {
    // Also finds cycles, before the walk would run in them.
    const text = write()
    checkPlain(name, value)
    return text
  } catch (error) {
    if (error instanceof UnstorableError) throw error
    throw new UnstorableError(`${name} cannot be written as JSON: ${messageOf(error)}`, { cause: error })
  }
}

function checkPlain(path: string, value: unknown): void {
  if (value === null || typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value)) return
  if (Array.isArray(value)) {
    for (const [at, item] of value.entries()) checkPlain(`${path}[${at}]`, item)
  } else if (isPlainObject(value)) {
    for (const [key, field] of Object.entries(value)) {
      if (field !== undefined) checkPlain(`${path}.${key}`, field)
    }
  } else {
    throw new UnstorableError(`${path} must be plain JSON to be kept, got ${show(value)}`)
  }
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
