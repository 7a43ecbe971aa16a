import { concat, defer, EMPTY, filter, map, type Observable, of, takeWhile } from 'rxjs'
import { checkKeys, checkText, show } from '../../operators/index.ts'
import type { Handler } from '../handler.ts'
import type { CompletionChunk } from '../workers/model-worker.ts'
import { StopMatcher } from './stop-matcher.ts'
import { Trimmer } from './trimmer.ts'

/** What is done to the answer's text. */
export interface PostOptions {
  /** Texts that end the answer and are no part of it, beside those of the request's `parameters.stop`; default none. */
  readonly stop?: readonly string[]
  /** Whether white space at both ends of the answer is removed; default `true`. */
  readonly trim?: boolean
}

/**
 * The stage that finishes the answer's text: ends it at a stop sequence, then trims it.
 *
 * The result does not depend on how the text is cut into chunks. Text is passed on as soon as it cannot be the
 * beginning of a stop sequence or white space at the end. At a stop sequence the source is unsubscribed at once,
 * which cancels the generation, and the answer ends with `finishReason: 'stop'`. Of several sequences the one that
 * is complete first ends the answer. Finish reason and usage come in the last chunk.
 *
 * @throws TypeError or RangeError naming the option that is wrong.
 *
 * @example
 * ```ts
 * .stage('post', post({ stop: ['</answer>'] }), { capacity: 1024 })
 * ```
 */
export function post(options: PostOptions = {}): Handler<Observable<CompletionChunk>, Observable<CompletionChunk>> {
  checkKeys('post', options, ['stop', 'trim'])
  const { trim = true } = options
  const own = checkStops(options.stop ?? [])
  if (typeof trim !== 'boolean') throw new TypeError(`trim must be true or false, got ${show(trim)}`)

  return (chunks, { request }) => {
    const asked = stopsOf(request)
    const stops = asked.length === 0 ? own : [...new Set([...own, ...asked])]
    return stops.length === 0 && !trim ? chunks : finished(chunks, stops, trim)
  }
}

function checkStops(stop: unknown): readonly string[] {
  if (!Array.isArray(stop)) throw new TypeError(`stop must be an array of texts, got ${show(stop)}`)
  return stop.map((text: unknown, index) => checkText(`stop[${index}]`, text))
}

function finished(
  chunks: Observable<CompletionChunk>,
  stops: readonly string[],
  trim: boolean,
): Observable<CompletionChunk> {
  return defer(() => {
    const matcher = new StopMatcher(stops)
    const trimmer = trim ? new Trimmer() : undefined
    const finish = (text: string): string => trimmer?.push(text) ?? text
    let last: CompletionChunk = { text: '' }

    const body$ = chunks.pipe(
      map((chunk) => {
        const text = finish(matcher.push(chunk.text))
        last = mergeEnd(last, chunk)
        // What came before the stop sequence goes into the last chunk, because the source is let go of first.
        if (matcher.stopped) {
          last = { ...last, text, finishReason: 'stop' }
          return undefined
        }
        return text === chunk.text && chunk.finishReason === undefined && chunk.usage === undefined ? chunk : { text }
      }),
      takeWhile((chunk) => chunk !== undefined),
      filter((chunk) => chunk.text !== ''),
    )
    const ending$ = defer(() => {
      const chunk = matcher.stopped ? last : { ...last, text: finish(matcher.end()) }
      const empty = chunk.text === '' && chunk.finishReason === undefined && chunk.usage === undefined
      return empty ? EMPTY : of(chunk)
    })
    return concat(body$, ending$)
  })
}

/** Finish reason and usage are for the last chunk: text that is held back may still have to go before them. */
function mergeEnd(last: CompletionChunk, { finishReason, usage }: CompletionChunk): CompletionChunk {
  if (finishReason === undefined && usage === undefined) return last
  return { ...last, ...(finishReason !== undefined && { finishReason }), ...(usage !== undefined && { usage }) }
}

/** The stop sequences that the request itself asks for: the stage does not depend on the request's type. */
function stopsOf(request: unknown): readonly string[] {
  const parameters = fieldOf(request, 'parameters')
  const stop = fieldOf(parameters, 'stop')
  return Array.isArray(stop) ? stop.filter((text): text is string => typeof text === 'string' && text !== '') : []
}

function fieldOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined
}
