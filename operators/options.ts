/**
 * Checks of options at construction: each returns the value that it was given, or throws an error that
 * names the option, the value and what is allowed.
 */

/** How a bad value reads in a message: strings quoted, long ones cut. */
export function show(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  if (typeof value === 'function') return 'a function'
  if (Array.isArray(value)) return 'an array'
  if (typeof value === 'object' && value !== null) return 'an object'
  return String(value)
}

/** What a number may be; both ends belong to the range. */
export interface NumberRange {
  readonly min?: number
  readonly max?: number
}

/** A whole number within the range; `Infinity` only where `max` is `Infinity`. */
export function checkInteger(option: string, value: unknown, range: NumberRange = {}): number {
  const { min = 0, max = Number.MAX_SAFE_INTEGER } = range
  if (typeof value !== 'number') {
    throw new TypeError(`${option} must be a whole number from ${min} to ${max}, got ${show(value)}`)
  }
  const whole = Number.isInteger(value) || value === Infinity
  if (!whole || value < min || value > max) {
    throw new RangeError(`${option} must be a whole number from ${min} to ${max}, got ${value}`)
  }
  return value
}

/** A number (fractions allowed, never `NaN`) within the range. */
export function checkNumber(option: string, value: unknown, range: NumberRange = {}): number {
  const { min = 0, max = Number.MAX_VALUE } = range
  if (typeof value === 'number' && value >= min && value <= max) return value
  const message = `${option} must be ${describeRange(min, range.max)}, got ${show(value)}`
  throw typeof value === 'number' ? new RangeError(message) : new TypeError(message)
}

function describeRange(min: number, max: number | undefined): string {
  if (min === -Number.MAX_VALUE) return 'a finite number'
  const from = min === Number.MIN_VALUE ? 'a number above 0' : `a number from ${min}`
  if (max === undefined) return `${from}, and finite`
  return min === Number.MIN_VALUE ? `${from}, at most ${max}` : `${from} to ${max}`
}

/** One of a closed set of strings. */
export function checkOneOf<T extends string>(option: string, value: unknown, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value)
  if (found !== undefined) return found
  const expected = allowed.map((candidate) => JSON.stringify(candidate)).join(', ')
  if (typeof value !== 'string') throw new TypeError(`${option} must be one of ${expected}, got ${show(value)}`)
  throw new RangeError(`${option} must be one of ${expected}, got ${show(value)}`)
}

/** A function. */
export function checkFunction<F>(option: string, value: F): F {
  if (typeof value !== 'function') throw new TypeError(`${option} must be a function, got ${show(value)}`)
  return value
}

/** An object with these methods: what is expected is named by what it is, e.g. `a Clock`. */
export function checkMethods<T>(option: string, value: T, expected: string, methods: readonly string[]): T {
  const members = typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {}
  const missing = methods.filter((method) => typeof members[method] !== 'function')
  if (missing.length === 0) return value
  throw new TypeError(`${option} must be ${expected}, got ${show(value)} without ${missing.join(', ')}`)
}

/** An array; what is in it is not looked at. */
export function checkArray(option: string, value: unknown): void {
  if (!Array.isArray(value)) throw new TypeError(`${option} must be an array, got ${show(value)}`)
}

/** A string that is not empty. */
export function checkText(option: string, value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`${option} must be a string, got ${show(value)}`)
  if (value === '') throw new RangeError(`${option} must not be empty`)
  return value
}

/** An options object that has no keys but the known ones: a misspelt option is an error, not ignored. */
export function checkKeys(subject: string, options: unknown, known: readonly string[]): void {
  if (typeof options !== 'object' || options === null) {
    throw new TypeError(`${subject}: options must be an object, got ${show(options)}`)
  }
  for (const key of Object.keys(options)) {
    if (!known.includes(key)) {
      throw new TypeError(`${subject}: unknown option ${JSON.stringify(key)}; known are ${known.join(', ')}`)
    }
  }
}
