import { z } from 'zod'
import { show } from '../operators/index.ts'
import { InvalidPromptError } from './workers/invalid-prompt-error.ts'

/** What a schema may cost: who writes it may be a stranger, and every answer is compared with all of it. */
const most = { depth: 32, parts: 2_000, alternatives: 100 } as const

/** How much there is to compare, references followed. */
interface Cost {
  readonly parts: number
  readonly alternatives: number
}

/** Keywords whose value is a schema, an array of schemas, or schemas by name. */
const inPlace = ['anyOf', 'oneOf', 'allOf']
const nested = ['items', 'prefixItems', 'additionalItems', 'additionalProperties', 'contains', 'propertyNames', 'not']
const byName = ['properties']

const refused: Readonly<Record<string, string>> = {
  pattern: 'is not supported: a pattern can be made to take for ever',
  patternProperties: 'is not supported: a pattern can be made to take for ever',
}

const checks = new WeakMap<object, z.ZodType>()

/**
 * Makes a check of values out of a JSON schema.
 *
 * Taken is what `z.fromJSONSchema` takes, but for `pattern` and `patternProperties`, and `$ref`s in a circle; at
 * most 32 levels deep, and with references followed at most 2,000 parts, 100 of them in `anyOf`, `oneOf`, `allOf`
 * or an `enum` of other things than strings.
 *
 * @param field What the schema is called in the error.
 * @throws InvalidPromptError naming the part of the schema that cannot be taken.
 */
export function checkJsonSchema(field: string, schema: unknown): z.ZodType {
  const known = typeof schema === 'object' && schema !== null ? checks.get(schema) : undefined
  if (known !== undefined) return known
  const { parts, alternatives } = new Survey(schema).costOf(field, schema, 0)
  atMost(field, 'parts', parts, most.parts)
  atMost(field, 'alternatives', alternatives, most.alternatives)
  try {
    // A registry of its own, or the schema's names would be kept for ever.
    const check = z.fromJSONSchema(schema as z.core.JSONSchema.JSONSchema, { registry: z.registry() })
    if (typeof schema === 'object' && schema !== null) checks.set(schema, check)
    return check
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new InvalidPromptError(field, `is not a JSON schema that can be checked: ${reason}`)
  }
}

function atMost(field: string, what: string, count: number, limit: number): void {
  if (count <= limit) return
  throw new InvalidPromptError(field, `must have at most ${limit} ${what}, references followed`)
}

/** Goes through a schema before anything is made of it. */
class Survey {
  readonly #root: unknown
  readonly #costs = new Map<string, Cost>()
  /** References that are being followed. */
  readonly #open = new Set<string>()
  #seen = 0

  constructor(root: unknown) {
    this.#root = root
  }

  costOf(field: string, schema: unknown, depth: number): Cost {
    if (typeof schema === 'boolean') return { parts: 1, alternatives: 0 }
    const keywords = objectOf(field, schema)
    if (depth > most.depth) throw new InvalidPromptError(field, `is more than ${most.depth} levels deep`)
    atMost(field, 'parts', ++this.#seen, most.parts)
    for (const [keyword, sentence] of Object.entries(refused)) {
      if (Object.hasOwn(keywords, keyword)) throw new InvalidPromptError(`${field}.${keyword}`, sentence)
    }
    let cost: Cost = { parts: 1, alternatives: alternativesOf(keywords) }
    for (const [at, part] of partsOf(field, keywords)) cost = sum(cost, this.costOf(at, part, depth + 1))
    const reference = keywords['$ref']
    return reference === undefined ? cost : sum(cost, this.#follow(`${field}.$ref`, reference, depth))
  }

  #follow(field: string, reference: unknown, depth: number): Cost {
    if (typeof reference !== 'string') throw new InvalidPromptError(field, `must be a string, got ${show(reference)}`)
    if (this.#open.has(reference) || /^#\/?$/.test(reference)) {
      throw new InvalidPromptError(
        field,
        `refers to itself, got ${show(reference)}: recursive schemas are not supported`,
      )
    }
    const known = this.#costs.get(reference)
    if (known !== undefined) return known
    const [, place = '', name = ''] = /^#\/(\$defs|definitions)\/([^/]+)$/.exec(reference) ?? []
    const definitions = (this.#root as Readonly<Record<string, unknown>>)[place]
    const key = name.replaceAll('~1', '/').replaceAll('~0', '~')
    if (typeof definitions !== 'object' || definitions === null || !Object.hasOwn(definitions, key)) {
      throw new InvalidPromptError(
        field,
        `must name one of the schema's $defs, such as "#/$defs/item", got ${show(reference)}`,
      )
    }
    this.#open.add(reference)
    const cost = this.costOf(reference, (definitions as Readonly<Record<string, unknown>>)[key], depth + 1)
    this.#open.delete(reference)
    this.#costs.set(reference, cost)
    return cost
  }
}

/** The schemas right below one, with what they are called. */
function* partsOf(field: string, keywords: Readonly<Record<string, unknown>>): Generator<[string, unknown]> {
  for (const keyword of [...inPlace, ...nested]) {
    const value = keywords[keyword]
    if (Array.isArray(value)) for (const [index, part] of value.entries()) yield [`${field}.${keyword}[${index}]`, part]
    else if (value !== undefined) yield [`${field}.${keyword}`, value]
  }
  for (const keyword of byName) {
    if (keywords[keyword] === undefined) continue
    const named = objectOf(`${field}.${keyword}`, keywords[keyword])
    for (const [name, part] of Object.entries(named)) yield [`${field}.${keyword}.${name}`, part]
  }
}

function alternativesOf(keywords: Readonly<Record<string, unknown>>): number {
  let count = 0
  for (const keyword of inPlace) count += Array.isArray(keywords[keyword]) ? keywords[keyword].length : 0
  const values = keywords['enum']
  return Array.isArray(values) && values.some((value) => typeof value !== 'string') ? count + values.length : count
}

function sum(one: Cost, other: Cost): Cost {
  return { parts: one.parts + other.parts, alternatives: one.alternatives + other.alternatives }
}

function objectOf(field: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new InvalidPromptError(field, `must be a JSON schema, got ${show(value)}`)
}
