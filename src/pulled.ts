import { Observable } from 'rxjs'
import type { HandlerContext } from './handler.ts'

/**
 * A stream that is read from an async iterable only as fast as the client takes it.
 *
 * The source is opened on subscription, asked for its next chunk only while the reader has room, and
 * closed (`iterator.return()`) when the stream is unsubscribed; its error is the stream's error.
 *
 * @example
 * ```ts
 * const count: Handler<number, Observable<number>> = (to, context) =>
 *   pulled(async function* () { for (let n = 1; n <= to; n++) yield n }, context)
 * ```
 *
 * @param open Opens the source; called once for each subscription.
 * @param context The context that the handler was given.
 */
export function pulled<T>(open: () => AsyncIterable<T>, context: Pick<HandlerContext, 'ready'>): Observable<T> {
  return new Observable<T>((subscriber) => {
    let iterator: AsyncIterator<T> | undefined
    const read = async (): Promise<void> => {
      iterator = open()[Symbol.asyncIterator]()
      while (!subscriber.closed) {
        const result = await iterator.next()
        if (result.done === true) break
        subscriber.next(result.value)
        const room = context.ready()
        if (room !== undefined) await room
      }
    }
    read().then(
      () => {
        subscriber.complete()
      },
      (error: unknown) => {
        subscriber.error(error)
      },
    )
    return () => {
      // The source is over or being closed: whether closing fails no longer concerns anybody.
      iterator?.return?.().catch(() => undefined)
    }
  })
}
