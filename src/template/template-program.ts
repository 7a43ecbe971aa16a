import { messageOf } from '../../operators/index.ts'
import { parse, type TemplateNode } from './interpreter.ts'
import { TemplateError } from './template-error.ts'

/**
 * What the part around it does with the value of a part, which decides what the value costs:
 * - `printed`: its text becomes part of the output;
 * - `looped`: a `for` goes over its items;
 * - `walked`: all that is in it, however deep, is compared or made into text;
 * - `copied`: its items, but not what is in them, are looked at;
 * - `called`, `tested`: it may be a function.
 */
type NodeUse = 'printed' | 'looped' | 'walked' | 'copied' | 'called' | 'tested'

/** What is known of a part before anything is rendered. */
export interface NodeFacts {
  readonly use: NodeUse | undefined
  /** In steps: 1, but for what the interpreter searches through each time that it comes by. */
  readonly weight: number
}

/** A template that has been parsed and looked through. */
export interface TemplateProgram {
  readonly root: TemplateNode
  readonly facts: ReadonlyMap<TemplateNode, NodeFacts>
  /** The names that it reads or sets. */
  readonly names: ReadonlySet<string>
}

/** Levels of blocks, macros and expressions within each other, in the text and while it is rendered. */
export const maxDepth = 256

/** The longest template, in characters. */
const maxTextChars = 200_000

/** The parser's time grows with the square of it. */
const maxBlankChars = 1_000

/** Of those that are dearer still, `filterCosts` says so. */
const walkedFilters = new Set(['string', 'join', 'selectattr', 'rejectattr', 'dictsort', 'unique'])

/**
 * Parses a template, in time that is bounded whatever the text is.
 *
 * @throws TemplateError saying what is wrong with it.
 */
export function parseTemplate(text: string): TemplateProgram {
  if (text.length > maxTextChars) {
    throw new TemplateError(`it must have at most ${maxTextChars} characters, got ${text.length}`)
  }
  const blank = longestBlank(text)
  if (blank > maxBlankChars) {
    throw new TemplateError(`it must have at most ${maxBlankChars} blank characters in a row, got ${blank}`)
  }
  const root = parsed(text)
  const facts = new Map<TemplateNode, NodeFacts>()
  const names = new Set<string>()
  lookThrough(root, undefined, 1)
  return { root, facts, names }

  /** @returns How many parts it has, itself included. */
  function lookThrough(node: TemplateNode, use: NodeUse | undefined, depth: number): number {
    if (depth > maxDepth) throw new TemplateError(`it nests deeper than ${maxDepth} levels`)
    const { type, value } = node
    if (type === 'Identifier' && typeof value === 'string') names.add(value)
    let parts = 1
    for (const [child, childUse] of childrenOf(node)) parts += lookThrough(child, childUse, depth + 1)
    // The interpreter searches the whole body for two names whenever it comes to such a block.
    facts.set(node, { use, weight: type === 'Macro' || type === 'CallStatement' ? parts : 1 })
    return parts
  }
}

function parsed(text: string): TemplateProgram['root'] {
  try {
    return parse(text)
  } catch (error) {
    // The parser is recursive, and its stack ends before it does any harm.
    if (error instanceof RangeError) throw new TemplateError('it nests too deeply', { cause: error })
    throw new TemplateError(messageOf(error), { cause: error })
  }
}

function longestBlank(text: string): number {
  let longest = 0
  for (const { 0: blank } of text.matchAll(/\s+/g)) longest = Math.max(longest, blank.length)
  return longest
}

function* childrenOf(node: TemplateNode): Generator<readonly [TemplateNode, NodeUse | undefined]> {
  for (const [name, value] of Object.entries(node)) {
    for (const child of nodesIn(value)) yield [child, useOf(node, name, child)]
  }
}

function* nodesIn(value: unknown): Generator<TemplateNode> {
  if (typeof value !== 'object' || value === null) return
  if (Array.isArray(value)) {
    for (const item of value) yield* nodesIn(item)
  } else if (value instanceof Map) {
    for (const entry of value) yield* nodesIn(entry)
  } else if ('type' in value) {
    yield value as TemplateNode
  }
}

const blocks: ReadonlySet<string> = new Set(['body', 'alternate', 'defaultBlock'])
/** They print nothing but what the parts in them print. */
const containers: ReadonlySet<string> = new Set(['If', 'For'])

function useOf(parent: TemplateNode, field: string, child: TemplateNode): NodeUse | undefined {
  if (blocks.has(field)) return containers.has(child.type) ? undefined : 'printed'
  switch (parent.type) {
    case 'For':
      return field === 'iterable' ? 'looped' : undefined
    // `for x in xs if …`
    case 'SelectExpression':
      return field === 'lhs' ? 'looped' : undefined
    case 'FilterExpression':
      return field === 'operand' ? (walkedFilters.has(filterName(parent['filter'])) ? 'walked' : 'copied') : undefined
    case 'BinaryExpression':
      return 'walked'
    case 'MemberExpression':
      return field === 'object' && (parent['property'] as TemplateNode).type === 'SliceExpression'
        ? 'copied'
        : undefined
    case 'SpreadExpression':
    case 'KeywordSpreadExpression':
      return 'copied'
    case 'TestExpression':
      return 'tested'
    case 'CallExpression':
      return field === 'callee' ? 'called' : isMethod(parent['callee']) ? 'walked' : 'copied'
    default:
      return undefined
  }
}

function isMethod(callee: unknown): boolean {
  return (callee as TemplateNode).type === 'MemberExpression'
}

/** The name of a filter, which is written with arguments or without. */
export function filterName(filter: unknown): string {
  const { type, value, callee } = filter as TemplateNode
  const name = type === 'CallExpression' ? (callee as TemplateNode)['value'] : value
  return typeof name === 'string' ? name : ''
}
