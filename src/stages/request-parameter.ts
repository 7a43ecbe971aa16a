/** One of the request's `parameters`; a stage that reads it this way does not depend on the request's type. */
export function requestParameter(request: unknown, name: string): unknown {
  return fieldOf(fieldOf(request, 'parameters'), name)
}

/** A field of a request, whatever its type; `undefined` where there is none. */
export function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
