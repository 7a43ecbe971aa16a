import { concat, defer, filter, from, map, type Observable, takeWhile } from 'rxjs'
import { checkFunction, checkKeys, checkOneOf, show } from '../../operators/index.ts'
import type { HandlerContext } from '../handler.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'
import { FilteredAnswer } from './filtered-answer.ts'
import { fieldOf, requestParameter } from './request-parameter.ts'
import type { TextField, TextFilter } from './text-filter.ts'

/**
 * A filter of answers: the chunks of one in, the chunks of one out.
 *
 * What it throws, and the error of the stream that it returns, fails that request alone. Unsubscribing its stream
 * has to unsubscribe the one that it was given, which cancels the generation; RxJS's operators do.
 */
export type ChunkFilter = (chunks: Observable<CompletionChunk>, context: HandlerContext) => Observable<CompletionChunk>

const textFields = ['text', 'reasoning', 'refusal'] as const satisfies readonly TextField[]

/** Where a text filter is at work. */
export interface TextFilterOptions {
  /** The texts that are filtered, each by an instance of its own; default all: `text`, `reasoning` and `refusal`. */
  readonly fields?: readonly TextField[]
  /**
   * What becomes of the tokens' probabilities when `text` is filtered; default `'drop'`: they would tell what the
   * filter has taken away. `'follow'` is for filters that only cut at the ends: what belongs to text that is passed
   * on stays, together with it.
   */
  readonly logprobs?: 'drop' | 'follow'
}

/**
 * Makes a filter of answers from one of texts.
 *
 * Every choice of the answer, and every text in it, gets an instance of its own. What holds no text, such as the
 * pieces of tool calls, passes at once. Finish reasons and usage come at the end, after all text. Where an instance
 * has `ended`, that choice is over: the text that is held back in its other fields is let go, tool calls in that
 * very chunk are dropped, and its finish reason is the instance's. Once all choices that were asked for
 * (`parameters.n`) are over, the source is unsubscribed, before the last chunk is passed on.
 *
 * @param create Called for each text with the context of the stage's run.
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 *
 * @example
 * ```ts
 * const shout = textFilter(() => ({ push: (piece) => piece.toUpperCase(), end: () => '' }))
 * ```
 */
export function textFilter(
  create: (context: HandlerContext) => TextFilter,
  options: TextFilterOptions = {},
): ChunkFilter {
  checkFunction('create', create)
  checkKeys('textFilter', options, ['fields', 'logprobs'])
  const fields = checkFields(options.fields ?? textFields)
  const logprobs = checkOneOf('logprobs', options.logprobs ?? 'drop', ['drop', 'follow'])

  return (chunks, context) =>
    defer(() => {
      const answer = new FilteredAnswer({ create: () => create(context), fields, logprobs }, choicesOf(context.request))
      const body$ = chunks.pipe(
        map((chunk) => answer.push(chunk)),
        takeWhile(() => !answer.over),
        filter((chunk) => chunk !== undefined),
      )
      return concat(
        body$,
        defer(() => from(answer.end())),
      )
    })
}

function checkFields(fields: unknown): readonly TextField[] {
  if (!Array.isArray(fields)) throw new TypeError(`fields must be an array of texts, got ${show(fields)}`)
  return [...new Set(fields.map((field: unknown, index) => checkOneOf(`fields[${index}]`, field, textFields)))]
}

/** How many answers the request asks for: so many of each text, where it has several. */
function choicesOf(request: unknown): number {
  const n = requestParameter(request, 'n')
  const prompts = fieldOf(request, 'prompts')
  const each = typeof n === 'number' && Number.isInteger(n) && n > 1 ? n : 1
  return Array.isArray(prompts) ? each * prompts.length : each
}
