import { filter, type Observable } from 'rxjs'

/** What `stream()` returns: a handler for streams of any kind of chunk. */
export type StreamStage = <Chunk>(chunks: Observable<Chunk>) => Observable<Chunk>

/**
 * The last stage of a pipeline that streams: passes the chunks on to the client and leaves out those which carry
 * nothing, that is an empty string, or an object whose only field is an empty `text`.
 *
 * The buffer between the pipeline and the client is the runtime's (`streamBuffer`); this marks where it stands.
 *
 * @example
 * ```ts
 * .stage('stream', stream(), { capacity: 512 })
 * ```
 */
export function stream(): StreamStage {
  return (chunks) => chunks.pipe(filter((chunk) => carriesSomething(chunk)))
}

function carriesSomething(chunk: unknown): boolean {
  if (chunk === '') return false
  if (typeof chunk !== 'object' || chunk === null || !('text' in chunk) || chunk.text !== '') return true
  return Object.entries(chunk).some(([name, value]) => name !== 'text' && value !== undefined)
}
