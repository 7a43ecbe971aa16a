import type { Observable } from 'rxjs'
import { z } from 'zod'
import { checkFunction, checkKeys, checkText, show } from '../../operators/index.ts'
import type { Handler } from '../handler.ts'
import { checkJsonSchema } from '../json-schema.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'
import { longestStop, mostStops } from '../workers/parameter-ranges.ts'
import { type ChunkFilter, textFilter } from './chunk-filter.ts'
import { JsonCheck } from './json-check.ts'
import { rememberTurn } from './remember-turn.ts'
import { requestParameter } from './request-parameter.ts'
import { compileStops, StopMatcher } from './stop-matcher.ts'
import { Trimmer } from './trimmer.ts'

/** What is done to the answer. */
export interface PostOptions {
  /**
   * Texts that end the answer and are no part of it, beside those of the request's `parameters.stop`: as there, at most
   * 16 of 1 … 256 UTF-16 units; default none.
   */
  readonly stop?: readonly string[]
  /** What the answer goes through, in this order, after the stop sequences and before it is trimmed; default nothing. */
  readonly filters?: readonly ChunkFilter[]
  /** Whether white space at both ends of the answer is removed; default `true`. */
  readonly trim?: boolean
  /** What the answer has to be, beside what the request's `parameters.responseFormat` asks for; default anything. */
  readonly json?: JsonOptions
}

/** What the answer's JSON has to fit. */
export interface JsonOptions {
  /** A JSON schema, or one of zod's. */
  readonly schema: z.ZodType | Readonly<Record<string, unknown>>
}

/**
 * The stage that finishes the answer: ends it at a stop sequence, sends it through filters, trims it, and checks the
 * JSON that was asked for.
 *
 * The result does not depend on how the text is cut into chunks. Text is passed on as soon as it cannot be the
 * beginning of a stop sequence or white space at the end. At a stop sequence the source is unsubscribed at once,
 * which cancels the generation, and the answer ends with `finishReason: 'stop'`; of several choices each ends for
 * itself. Of several sequences the one that is complete first ends the answer. Finish reason and usage come in the
 * last chunk. Stop sequences, trimming and the check look at `text` alone.
 *
 * JSON is checked when it is complete, while its text streams: what was passed on cannot be taken back, so a stream
 * whose answer does not fit ends with an `InvalidAnswerError`, which names the place and what was expected there,
 * instead of its last chunk. An answer that the model did not end itself is not checked: its finish reason says so.
 *
 * Where the pipeline has `sessions`, the finished answer is stored in the request's session with what it answers, before
 * the stream ends. What fails, is cancelled or refused is not stored.
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 *
 * @example
 * ```ts
 * .stage('post', post({ stop: ['</answer>'] }), { capacity: 1024 })
 * ```
 */
export function post(options: PostOptions = {}): Handler<Observable<CompletionChunk>, Observable<CompletionChunk>> {
  checkKeys('post', options, ['stop', 'filters', 'trim', 'json'])
  const { trim = true } = options
  const own = checkStops(options.stop ?? [])
  const filters = checkFilters(options.filters ?? [])
  const json = options.json === undefined ? [] : [fits(ownSchema(options.json))]
  if (typeof trim !== 'boolean') throw new TypeError(`trim must be true or false, got ${show(trim)}`)
  const afterStop = trim ? [...filters, trimmed()] : filters
  const withOwnStops = own.length === 0 ? afterStop : [stopsAt(own), ...afterStop]

  return (chunks, context) => {
    const asked = stopsOf(context.request)
    const chain = asked.length === 0 ? withOwnStops : [stopsAt([...own, ...asked]), ...afterStop]
    const answer$ = [...chain, ...json, ...formatOf(context.request)].reduce(
      (filtered$, apply) => apply(filtered$, context),
      chunks,
    )
    return context.session === undefined ? answer$ : rememberTurn(answer$, context, context.session)
  }
}

function trimmed(): ChunkFilter {
  return textFilter(() => new Trimmer(), { fields: ['text'], logprobs: 'follow' })
}

function stopsAt(stops: readonly string[]): ChunkFilter {
  const compiled = compileStops(stops)
  return textFilter(() => new StopMatcher(compiled), { fields: ['text'], logprobs: 'follow' })
}

function checkStops(stop: unknown): readonly string[] {
  if (!Array.isArray(stop)) throw new TypeError(`stop must be an array of texts, got ${show(stop)}`)
  if (stop.length > mostStops) throw new RangeError(`stop must hold at most ${mostStops} texts, got ${stop.length}`)
  return stop.map((given: unknown, index) => {
    const text = checkText(`stop[${index}]`, given)
    if (text.length <= longestStop) return text
    throw new RangeError(
      `stop[${index}] must be at most ${longestStop} UTF-16 units long, got ${text.length}: ${show(text)}`,
    )
  })
}

function checkFilters(filters: unknown): readonly ChunkFilter[] {
  if (!Array.isArray(filters)) throw new TypeError(`filters must be an array of functions, got ${show(filters)}`)
  return filters.map((filter: unknown, index) => checkFunction(`filters[${index}]`, filter as ChunkFilter))
}

/** The stop sequences that the request itself asks for. */
function stopsOf(request: unknown): readonly string[] {
  const stop = requestParameter(request, 'stop')
  return Array.isArray(stop) ? stop.filter((text): text is string => typeof text === 'string' && text !== '') : []
}

function fits(schema: z.ZodType): ChunkFilter {
  return textFilter(() => new JsonCheck(schema), { fields: ['text'], logprobs: 'follow' })
}

function ownSchema(json: JsonOptions): z.ZodType {
  checkKeys('json', json, ['schema'])
  return json.schema instanceof z.ZodType ? json.schema : checkJsonSchema('json.schema', json.schema)
}

/** The check of what the request itself asks for. */
function formatOf(request: unknown): readonly ChunkFilter[] {
  const format = requestParameter(request, 'responseFormat')
  if (typeof format !== 'object' || format === null) return []
  const { type, schema } = format as { readonly type?: unknown; readonly schema?: unknown }
  if (type === 'json_schema' && schema !== undefined) {
    return [fits(checkJsonSchema('parameters.responseFormat.schema', schema))]
  }
  return type === 'json_object' || type === 'json_schema' ? [fits(z.looseObject({}))] : []
}
