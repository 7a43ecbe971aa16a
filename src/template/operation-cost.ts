import type { TemplateValue } from './interpreter.ts'
import type { SandboxBudget } from './sandbox-budget.ts'
import { TemplateError } from './template-error.ts'
import { maxDepth } from './template-program.ts'

/** What an item of a list costs that is looked at, in characters. */
export const itemChars = 64

/** What a value that is made for an item of a list costs, in characters: about the memory that it takes. */
export const madeItemChars = 128

/** The arguments of a filter or a method: by position, or by name. */
export type TemplateArguments = (position: number, name: string) => TemplateValue | undefined

type OperationCost = (on: TemplateValue, argument: TemplateArguments, budget: SandboxBudget) => number

/**
 * What operations cost beyond their operands, in characters: those whose result, or the time for it, grows with the
 * product of two operands. It is paid before they begin.
 */
export const filterCosts: ReadonlyMap<string, OperationCost> = costs({
  join: (on, argument) => sizeOf(on) * textOf(argument(0, 'separator')).length,
  replace: replaceCost,
  indent: (on, argument) => textOf(on).split('\n').length * numberOf(argument(0, 'width')),
  tojson: (on, argument, budget) => {
    const separators = argument(Infinity, 'separators')
    const between = separators === undefined ? 0 : weigh(separators, budget)
    return (weigh(on, budget) / itemChars) * (numberOf(argument(Infinity, 'indent')) * maxDepth + between)
  },
  map: (on, argument) => sizeOf(on) * textOf(argument(Infinity, 'attribute')).length,
  sort: (on, argument, budget) => {
    const comparisons = Math.log2(sizeOf(on) + 2)
    return comparisons * (weigh(on, budget) + sizeOf(on) * textOf(argument(2, 'attribute')).length)
  },
})

/** As `filterCosts`, for the methods of texts. */
export const methodCosts: ReadonlyMap<string, OperationCost> = costs({
  replace: replaceCost,
  split: (on, argument) => {
    const text = textOf(on)
    const separator = textOf(argument(0, 'sep'))
    return searchCost(text, separator) + (text.length / (separator.length || 2) + 1) * madeItemChars
  },
})

function costs(byName: Readonly<Record<string, OperationCost>>): ReadonlyMap<string, OperationCost> {
  return new Map(Object.entries(byName))
}

/** Finding one text in another may compare every character of one with every one of the other. */
export function searchCost(text: string, sought: string): number {
  return (text.length * sought.length) / 4
}

function replaceCost(on: TemplateValue, argument: TemplateArguments): number {
  const text = textOf(on)
  const old = textOf(argument(0, 'old'))
  const matches = text.length / (old.length || 1) + 1
  return searchCost(text, old) + matches * textOf(argument(1, 'new')).length
}

/**
 * Pays for all that is in a value, and says what it came to.
 *
 * @throws TemplateError where it holds a function, whose text is none of a prompt's business.
 */
export function weigh(value: TemplateValue, budget: SandboxBudget, depth = 0): number {
  if (depth > maxDepth) throw new TemplateError(`the template nests lists deeper than ${maxDepth} levels`)
  if (value.type === 'FunctionValue')
    throw new TemplateError('the template prints a function, which can only be called')
  const held = value.value
  const own = itemChars + textOf(value).length
  budget.chars(own)
  let total = own
  for (const item of itemsOf(held)) total += weigh(item, budget, depth + 1)
  return total
}

/** How many items a list or a mapping has, or characters a text. */
export function sizeOf({ value }: TemplateValue): number {
  if (typeof value === 'string' || Array.isArray(value)) return value.length
  return value instanceof Map ? value.size : 0
}

function itemsOf(held: unknown): Iterable<TemplateValue> {
  if (Array.isArray(held)) return held as TemplateValue[]
  return held instanceof Map ? (held as Map<string, TemplateValue>).values() : []
}

/** The text of a value that is one, otherwise `''`: the interpreter itself refuses what is of the wrong type. */
export function textOf(value: TemplateValue | undefined): string {
  return typeof value?.value === 'string' ? value.value : ''
}

function numberOf(value: TemplateValue | undefined): number {
  return typeof value?.value === 'number' && value.value > 0 ? value.value : 0
}
