/** Deeper than this nothing is told apart any more. */
const maxDepth = 8

/** What is put where a value lies too deep, or holds itself. */
const leftOut = '[left out]'

/**
 * What is written of a record: its texts, redacted, at every depth, of arrays and errors, too.
 *
 * Names, numbers and what is neither text nor a plain object stay as they are, and so do the fields by which lines
 * are counted: `session`, which is a digest, `stage`, `route`, `code`, `outcome`. Ids of requests are
 * texts, because clients choose them; random UUIDs hold nothing that is found. What lies deeper than 8 levels is left
 * out.
 */
export function redactFields(fields: object, redactText: (text: string) => string): object {
  return redacted(fields, redactText, 0, []) as object
}

const kept: ReadonlySet<string> = new Set(['session', 'stage', 'route', 'code', 'outcome'])

function redacted(
  value: unknown,
  redactText: (text: string) => string,
  depth: number,
  around: readonly object[],
): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= maxDepth || around.includes(value)) return leftOut
  const inner = (part: unknown): unknown => redacted(part, redactText, depth + 1, [...around, value])
  if (Array.isArray(value)) return value.map(inner)
  if (value instanceof Error) {
    const { name, message, stack, cause } = value
    return { ...withFields(value, inner), name, message: inner(message), stack: inner(stack), cause: inner(cause) }
  }
  return isPlain(value) ? withFields(value, inner) : value
}

/** Fields that are kept may hold texts where they are none themselves. */
function withFields(value: object, inner: (part: unknown) => unknown): object {
  return Object.fromEntries(
    Object.entries(value).map(([name, part]: [string, unknown]) => [
      name,
      kept.has(name) && typeof part === 'string' ? part : inner(part),
    ]),
  )
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
