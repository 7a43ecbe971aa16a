import * as jinja from '@huggingface/jinja'

/** A part of a parsed template; what other fields it has depends on its `type`. */
export interface TemplateNode {
  readonly type: string
  readonly [field: string]: unknown
}

/** A value of a template: a text, a number, an array of values, a `Map` of them, a function, … by its `type`. */
export interface TemplateValue {
  readonly type: string
  readonly value: unknown
}

/** The names that a part of a template can see. */
export interface TemplateScope {
  /** @returns The value as the interpreter keeps it. */
  set(name: string, value: unknown): TemplateValue
}

/** What is used of the interpreter of `@huggingface/jinja`. */
export interface TemplateInterpreter {
  /** Every part of a template is evaluated by this, also those within others; the first of no items is `undefined`. */
  evaluate(node: TemplateNode | undefined, scope: TemplateScope): TemplateValue | undefined
}

// The library's own declarations import each other without file extensions, which Node's resolution does not find.
/** The library's interpreter. */
export const Interpreter = jinja.Interpreter as unknown as new (scope: TemplateScope) => TemplateInterpreter

/** The library's scope. */
export const Scope = jinja.Environment as unknown as new () => TemplateScope

const libraryTokenize = jinja.tokenize as (text: string, options: object) => readonly object[]
const libraryParse = jinja.parse as (tokens: readonly object[]) => TemplateNode

/**
 * Parses with the settings of the library's `Template`, and so as the templates that come with models expect.
 *
 * @throws Error saying what is wrong with the text.
 */
export function parse(text: string): TemplateNode {
  return libraryParse(libraryTokenize(text, { lstrip_blocks: true, trim_blocks: true }))
}
