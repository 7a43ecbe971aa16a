import { Interpreter, Scope, type TemplateNode, type TemplateScope, type TemplateValue } from './interpreter.ts'
import {
  filterCosts,
  itemChars,
  madeItemChars,
  methodCosts,
  searchCost,
  sizeOf,
  type TemplateArguments,
  textOf,
  weigh,
} from './operation-cost.ts'
import type { SandboxBudget } from './sandbox-budget.ts'
import { TemplateError } from './template-error.ts'
import { filterName, maxDepth, type NodeFacts, type TemplateProgram } from './template-program.ts'

/** A part whose value is known already. */
class Given implements TemplateNode {
  readonly [field: string]: unknown
  readonly type = 'Given'
  readonly value: TemplateValue

  constructor(value: TemplateValue) {
    this.value = value
  }
}

/** What an iteration costs before its body: scopes, and the variable `loop` with all its fields. */
const iterationChars = 1024

/** A name that is not there is found out by an error that is thrown and caught, which takes its time. */
const missingNameSteps = 32

/**
 * The library's interpreter, which pays for what it does out of a budget, before it does it.
 *
 * Every part is evaluated through `evaluate`, and whatever a part works on has been the value of another part, so
 * the sizes of all operands are seen here. What is paid for a value depends on its use (see `NodeUse`); the few
 * operations that are dearer than their operands have prices of their own (see `filterCosts`).
 */
export class Sandbox extends Interpreter {
  readonly #program: TemplateProgram
  readonly #budget: SandboxBudget
  readonly #scope: TemplateScope
  /** What a name that is not there stands for. */
  readonly #nothing: TemplateValue
  #depth = 0

  constructor(program: TemplateProgram, variables: Readonly<Record<string, unknown>>, budget: SandboxBudget) {
    const scope = scopeOf(program, variables, budget)
    super(scope)
    this.#program = program
    this.#budget = budget
    this.#scope = scope
    this.#nothing = new Scope().set('nothing', undefined)
  }

  /** The text that the template makes. */
  render(): string {
    return textOf(this.evaluate(this.#program.root, this.#scope))
  }

  override evaluate(node: TemplateNode | undefined, scope: TemplateScope): TemplateValue {
    if (node === undefined) return this.#nothing
    if (node instanceof Given) return node.value
    const facts = this.#program.facts.get(node)
    this.#budget.steps(facts?.weight ?? 1)
    if (++this.#depth > maxDepth) throw new TemplateError(`the template nests deeper than ${maxDepth} levels`)
    try {
      const value = this.#evaluated(node, scope) ?? this.#nothing
      this.#pay(node, facts, value)
      return value
    } finally {
      this.#depth--
    }
  }

  /** Leaves it to the interpreter, after paying for what is dearer than its operands. */
  #evaluated(node: TemplateNode, scope: TemplateScope): TemplateValue | undefined {
    switch (node.type) {
      case 'FilterExpression':
        return this.#filtered(node, scope, () => this.evaluate(node['operand'] as TemplateNode, scope))
      case 'FilterStatement':
        return this.#filtered(node, scope, () => super.evaluate({ ...node, type: 'Program' }, scope) ?? this.#nothing)
      case 'CallExpression':
        return this.#called(node, scope)
      case 'BinaryExpression':
        return this.#combined(node, scope)
      default:
        return super.evaluate(node, scope)
    }
  }

  #filtered(node: TemplateNode, scope: TemplateScope, operand: () => TemplateValue): TemplateValue | undefined {
    const filter = node['filter'] as TemplateNode
    const costOf = filterCosts.get(filterName(filter))
    const on = operand()
    let given = filter
    if (costOf !== undefined) {
      const args = this.#arguments((filter['args'] ?? []) as readonly TemplateNode[], scope)
      this.#budget.chars(costOf(on, args.argument, this.#budget))
      if (filter.type === 'CallExpression') given = { ...filter, args: args.nodes }
    }
    return super.evaluate({ type: 'FilterExpression', operand: new Given(on), filter: given }, scope)
  }

  #called(node: TemplateNode, scope: TemplateScope): TemplateValue | undefined {
    const callee = node['callee'] as TemplateNode
    const property = callee['property'] as TemplateNode | undefined
    if (callee.type !== 'MemberExpression' || property?.type === 'SliceExpression') return super.evaluate(node, scope)
    const on = this.evaluate(callee['object'] as TemplateNode, scope)
    if (typeof on.value !== 'string') this.#budget.chars(sizeOf(on) * itemChars)
    const computed = callee['computed'] === true
    const key = computed ? this.evaluate(property, scope) : undefined
    const args = this.#arguments(node['args'] as readonly TemplateNode[], scope)
    const name = String(key === undefined ? property?.['value'] : key.value)
    const costOf = typeof on.value === 'string' ? methodCosts.get(name) : undefined
    if (costOf !== undefined) this.#budget.chars(costOf(on, args.argument, this.#budget))
    const member = { ...callee, object: new Given(on), property: key === undefined ? property : new Given(key) }
    const method = new Given(super.evaluate(member, scope) ?? this.#nothing)
    return super.evaluate({ ...node, callee: method, args: args.nodes }, scope)
  }

  #combined(node: TemplateNode, scope: TemplateScope): TemplateValue | undefined {
    const operator = (node['operator'] as { readonly value: string }).value
    if (operator !== 'in' && operator !== 'not in') return super.evaluate(node, scope)
    const left = this.evaluate(node['left'] as TemplateNode, scope)
    const right = this.evaluate(node['right'] as TemplateNode, scope)
    this.#budget.chars(searchCost(textOf(right), textOf(left)))
    return super.evaluate({ ...node, left: new Given(left), right: new Given(right) }, scope)
  }

  /** Evaluates arguments once, before the operation: what they are decides what it costs. */
  #arguments(
    args: readonly TemplateNode[],
    scope: TemplateScope,
  ): { readonly nodes: readonly TemplateNode[]; readonly argument: TemplateArguments } {
    const positional: TemplateValue[] = []
    const named = new Map<string, TemplateValue>()
    const nodes = args.map((arg): TemplateNode => {
      switch (arg.type) {
        case 'KeywordArgumentExpression': {
          const value = this.evaluate(arg['value'] as TemplateNode, scope)
          named.set(String((arg['key'] as TemplateNode)['value']), value)
          return { ...arg, value: new Given(value) }
        }
        case 'SpreadExpression': {
          const value = this.evaluate(arg['argument'] as TemplateNode, scope)
          if (Array.isArray(value.value)) positional.push(...(value.value as TemplateValue[]))
          return { ...arg, argument: new Given(value) }
        }
        case 'KeywordSpreadExpression': {
          const value = this.evaluate(arg['argument'] as TemplateNode, scope)
          if (value.value instanceof Map) {
            for (const [name, item] of value.value as Map<string, TemplateValue>) named.set(name, item)
          }
          return { ...arg, argument: new Given(value) }
        }
        default: {
          const value = this.evaluate(arg, scope)
          positional.push(value)
          return new Given(value)
        }
      }
    })
    return { nodes, argument: (position, name) => positional[position] ?? named.get(name) }
  }

  #pay(node: TemplateNode, facts: NodeFacts | undefined, value: TemplateValue): void {
    const budget = this.#budget
    const use = facts?.use
    switch (value.type) {
      case 'StringValue': {
        const { length } = textOf(value)
        budget.chars(length)
        if (use === 'printed') budget.print(length)
        return
      }
      case 'NullValue':
        return
      case 'UndefinedValue':
        if (node.type === 'Identifier') budget.steps(missingNameSteps)
        return
      case 'FunctionValue':
        // Kept in a variable it could be called where its price is not known.
        if (node.type === 'MemberExpression' && use !== 'called' && use !== 'tested') {
          throw new TemplateError('the template uses a method as a value; it can only be called')
        }
    }
    if (use === 'printed')
      budget.print(value.value instanceof Object ? weigh(value, budget) : String(value.value).length)
    else if (use === 'walked') weigh(value, budget)
    else if (use === 'copied') budget.chars(sizeOf(value) * itemChars)
    else if (use === 'looped') budget.chars(sizeOf(value) * iterationChars)
  }
}

/** All that a template can reach: its variables, as far as it names them, the constants, `range` and `raise_exception`. */
function scopeOf(
  { names }: TemplateProgram,
  variables: Readonly<Record<string, unknown>>,
  budget: SandboxBudget,
): TemplateScope {
  const scope = new Scope()
  // Handing a long conversation over costs more than rendering, and few templates look at it.
  for (const name of names) {
    if (Object.hasOwn(variables, name)) scope.set(name, variables[name])
    else if (Object.hasOwn(constants, name)) scope.set(name, constants[name])
  }
  scope.set('raise_exception', raise)
  scope.set('range', (...bounds: readonly unknown[]) => range(bounds, budget))
  return scope
}

const constants: Readonly<Record<string, unknown>> = {
  true: true,
  false: false,
  none: null,
  True: true,
  False: false,
  None: null,
}

function raise(message: unknown): never {
  throw new TemplateError(`the template raised: ${typeof message === 'string' ? message.slice(0, 1_000) : 'no text'}`)
}

/** Python's, paid for before it is made. */
function range(bounds: readonly unknown[], budget: SandboxBudget): readonly number[] {
  if (bounds.length === 0 || bounds.length > 3 || !bounds.every((bound) => Number.isSafeInteger(bound))) {
    throw new TemplateError('the template calls range() with something else than one to three whole numbers')
  }
  const [first = 0, second, step = 1] = bounds as readonly number[]
  const [start, stop] = second === undefined ? [0, first] : [first, second]
  if (step === 0) throw new TemplateError('the template calls range() with a step of 0')
  const count = Math.max(0, Math.ceil((stop - start) / step))
  budget.chars(count * madeItemChars)
  return Array.from({ length: count }, (_, index) => start + index * step)
}
