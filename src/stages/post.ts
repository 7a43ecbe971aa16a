import type { Observable } from 'rxjs'
import { checkFunction, checkKeys, checkText, show } from '../../operators/index.ts'
import type { Handler } from '../handler.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'
import { type ChunkFilter, textFilter } from './chunk-filter.ts'
import { requestParameter } from './request-parameter.ts'
import { StopMatcher } from './stop-matcher.ts'
import { Trimmer } from './trimmer.ts'

/** What is done to the answer. */
export interface PostOptions {
  /** Texts that end the answer and are no part of it, beside those of the request's `parameters.stop`; default none. */
  readonly stop?: readonly string[]
  /** What the answer goes through, in this order, after the stop sequences and before it is trimmed; default nothing. */
  readonly filters?: readonly ChunkFilter[]
  /** Whether white space at both ends of the answer is removed; default `true`. */
  readonly trim?: boolean
}

/**
 * The stage that finishes the answer: ends it at a stop sequence, sends it through filters, then trims it.
 *
 * The result does not depend on how the text is cut into chunks. Text is passed on as soon as it cannot be the
 * beginning of a stop sequence or white space at the end. At a stop sequence the source is unsubscribed at once,
 * which cancels the generation, and the answer ends with `finishReason: 'stop'`; of several choices each ends for
 * itself. Of several sequences the one that is complete first ends the answer. Finish reason and usage come in the
 * last chunk. Stop sequences and trimming look at `text` alone.
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 *
 * @example
 * ```ts
 * .stage('post', post({ stop: ['</answer>'] }), { capacity: 1024 })
 * ```
 */
export function post(options: PostOptions = {}): Handler<Observable<CompletionChunk>, Observable<CompletionChunk>> {
  checkKeys('post', options, ['stop', 'filters', 'trim'])
  const { trim = true } = options
  const own = checkStops(options.stop ?? [])
  const filters = checkFilters(options.filters ?? [])
  if (typeof trim !== 'boolean') throw new TypeError(`trim must be true or false, got ${show(trim)}`)
  const afterStop = trim ? [...filters, trimmed()] : filters
  const withOwnStops = own.length === 0 ? afterStop : [stopsAt(own), ...afterStop]

  return (chunks, context) => {
    const asked = stopsOf(context.request)
    const chain = asked.length === 0 ? withOwnStops : [stopsAt([...new Set([...own, ...asked])]), ...afterStop]
    return chain.reduce((filtered$, apply) => apply(filtered$, context), chunks)
  }
}

function trimmed(): ChunkFilter {
  return textFilter(() => new Trimmer(), { fields: ['text'], logprobs: 'follow' })
}

function stopsAt(stops: readonly string[]): ChunkFilter {
  return textFilter(() => new StopMatcher(stops), { fields: ['text'], logprobs: 'follow' })
}

function checkStops(stop: unknown): readonly string[] {
  if (!Array.isArray(stop)) throw new TypeError(`stop must be an array of texts, got ${show(stop)}`)
  return stop.map((text: unknown, index) => checkText(`stop[${index}]`, text))
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
