import { checkInteger, checkKeys, type Clock, show, systemClock, messageOf } from '../../operators/index.ts'
import type { ChatMessage } from '../prompt-request.ts'
import { Sandbox } from './sandbox.ts'
import { SandboxBudget, type TemplateLimits } from './sandbox-budget.ts'
import { TemplateError } from './template-error.ts'
import { parseTemplate } from './template-program.ts'

/** What a template is rendered with. */
export interface TemplateInput {
  /** Who the model is and how it should answer. */
  readonly system: string
  /** Best first; what a retriever found, with `index` from 1. */
  readonly passages: readonly object[]
  /** The conversation without its system messages. */
  readonly messages: readonly ChatMessage[]
  /** A name for the tags around each passage, which no passage contains. */
  readonly fence: string
  /** What stands before every word of a passage; empty where nothing does. */
  readonly mark: string
}

/** One version of a template; it never changes. */
export interface TemplateVersion {
  readonly text: string
  /** @throws TemplateError when it fails, or does more than its limits allow. */
  render(input: TemplateInput, clock?: Clock): string
}

/** A template whose text can be replaced while a pipeline runs. */
export interface PromptTemplate {
  /** The version that requests begin with from now on; one that has begun finishes with the version that it has. */
  readonly current: TemplateVersion
  /**
   * Takes another text.
   *
   * @throws TemplateError saying what is wrong with it; the version so far stays.
   */
  replace(text: string): void
}

/** A template's text, and how much it may do. */
export interface TemplateOptions extends TemplateLimits {
  /** In Jinja; `AssembleOptions.template` says what it is given. */
  readonly text: string
}

/** The limits' names. */
export const limitKeys: readonly (keyof TemplateLimits)[] = ['maxSteps', 'maxOutputChars', 'timeoutMs']

/**
 * A template that can be replaced while it is used, and that can do nothing but make a text of what it is given.
 *
 * Each rendering has an amount of work, of output and of time. A text that does not compile, or fails on a sample
 * question with one passage, is refused.
 *
 * @example
 * ```ts
 * const template = createTemplate({ text: '{{ system }}{% for p in passages %}\n{{ p.text }}{% endfor %}' })
 * const running = chatPipeline({ worker, retriever, template }).start()
 * template.replace('{{ system }} Answer in French.')
 * ```
 *
 * @throws TemplateError saying what is wrong with the text; TypeError or RangeError naming the option that is wrong.
 */
export function createTemplate(options: TemplateOptions): PromptTemplate {
  checkKeys('createTemplate', options, ['text', ...limitKeys])
  const limits = checkLimits(options)
  let current = compiled(options.text, limits)
  return {
    get current() {
      return current
    },
    replace: (text) => {
      current = compiled(text, limits)
    },
  }
}

/** @throws TypeError or RangeError naming the limit that is wrong. */
export function checkLimits(options: TemplateLimits): Required<TemplateLimits> {
  const { maxSteps = 100_000, maxOutputChars = 1_000_000, timeoutMs = 1_000 } = options
  checkInteger('maxSteps', maxSteps, { min: 1, max: 1_000_000_000 })
  checkInteger('maxOutputChars', maxOutputChars, { min: 1, max: 100_000_000 })
  checkInteger('timeoutMs', timeoutMs, { min: 1 })
  return { maxSteps, maxOutputChars, timeoutMs }
}

const sample: TemplateInput = {
  system: 'system',
  passages: [{ source: 'a.md', headings: ['A'], text: 'text', score: 1, index: 1 }],
  messages: [{ role: 'user', content: 'question' }],
  fence: 'passage',
  mark: '',
}

function compiled(text: unknown, limits: Required<TemplateLimits>): TemplateVersion {
  if (typeof text !== 'string') throw new TypeError(`template must be a string, got ${show(text)}`)
  try {
    const program = parseTemplate(text)
    const version: TemplateVersion = {
      text,
      render: (input, clock = systemClock) => {
        try {
          return new Sandbox(program, { ...input }, new SandboxBudget(limits, clock)).render()
        } catch (error) {
          throw failureOf(error)
        }
      },
    }
    // An unknown filter or function is noticed only when it is used.
    version.render(sample)
    return version
  } catch (error) {
    throw new TemplateError(`template must be a valid Jinja template, got ${show(text)}: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

function failureOf(error: unknown): TemplateError {
  if (error instanceof TemplateError) return error
  // The library ends a loop by an error without a message, which nobody catches where there is no loop.
  const problem = messageOf(error) || 'a break or continue stands outside of a loop'
  return new TemplateError(`the template failed: ${problem}`, { cause: error })
}
