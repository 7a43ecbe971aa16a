import { show } from '../../operators/index.ts'
import type { DocumentMetadata, SearchFilter } from './retriever.ts'

const longestValue = 1_000
const mostValues = 1_000

/**
 * Checks what is known of a document: names of letters, digits, `_`, `-` and `.`, values that are strings of at
 * most 1,000 characters, numbers or booleans.
 *
 * @throws TypeError or RangeError naming `subject`, the value and what is allowed.
 */
export function checkMetadata(subject: string, metadata: DocumentMetadata | undefined): void {
  if (metadata === undefined) return
  if (typeof metadata !== 'object' || (metadata as unknown) === null || Array.isArray(metadata)) {
    throw new TypeError(`${subject} must be an object, got ${show(metadata)}`)
  }
  for (const [name, value] of Object.entries(metadata)) {
    checkName(subject, name)
    checkValue(`${subject}.${name}`, value)
  }
}

/**
 * Checks what documents are to be searched: names and values as in metadata, and of several values at least one.
 *
 * @throws TypeError or RangeError naming `subject`, the value and what is allowed.
 */
export function checkFilter(subject: string, filter: SearchFilter | undefined): void {
  if (filter === undefined) return
  if (typeof filter !== 'object' || (filter as unknown) === null || Array.isArray(filter)) {
    throw new TypeError(`${subject} must be an object, got ${show(filter)}`)
  }
  for (const [name, value] of Object.entries(filter)) {
    checkName(subject, name)
    const allowed: readonly unknown[] = Array.isArray(value) ? value : [value]
    if (allowed.length === 0 || allowed.length > mostValues) {
      throw new RangeError(`${subject}.${name} must have 1 to ${mostValues} values, got ${allowed.length}`)
    }
    for (const each of allowed) checkValue(`${subject}.${name}`, each)
  }
}

function checkName(subject: string, name: string): void {
  if (/^[\p{L}\p{N}_.-]{1,64}$/u.test(name)) return
  throw new RangeError(`${subject}: names are 1 to 64 letters, digits, "_", "-" or ".", got ${show(name)}`)
}

function checkValue(subject: string, value: unknown): void {
  if (typeof value === 'boolean') return
  if (typeof value !== 'string' && typeof value !== 'number') {
    throw new TypeError(`${subject} must be a string, a number or a boolean, got ${show(value)}`)
  }
  if (typeof value === 'number' ? Number.isFinite(value) : value.length <= longestValue) return
  throw new RangeError(`${subject} must be finite or have at most ${longestValue} characters, got ${show(value)}`)
}
