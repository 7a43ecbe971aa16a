import { Observable, type Subscriber } from 'rxjs'
import type { HandlerContext } from './handler.ts'

/** Opens a source; the signal is aborted when the stream is given up before the source's end. */
export type OpenSource<T> = (signal: AbortSignal) => AsyncIterable<T>

/**
 * A stream that is read from an async iterable only as fast as the client takes it.
 *
 * The source is opened on subscription and asked for its next chunk only while the reader has room; its error is
 * the stream's error. When the stream is unsubscribed, or the context's signal is aborted (which is then the
 * stream's error, too), the source's signal is aborted and its iterator closed, without waiting for either.
 *
 * @example
 * ```ts
 * const count: Handler<number, Observable<number>> = (to, context) =>
 *   pulled(async function* () { for (let n = 1; n <= to; n++) yield n }, context)
 * ```
 *
 * @param open Called once for each subscription; not at all when the context's signal is aborted already.
 * @param context The context that the handler was given.
 */
export function pulled<T>(open: OpenSource<T>, context: Pick<HandlerContext, 'ready' | 'signal'>): Observable<T> {
  return new Observable<T>((subscriber) => {
    const { signal } = context
    if (signal.aborted) {
      subscriber.error(signal.reason)
      return
    }
    const source = new AbortController()
    let iterator: AsyncIterator<T> | undefined
    let over = false

    const onAbort = (): void => {
      subscriber.error(signal.reason)
    }
    signal.addEventListener('abort', onAbort, { once: true })
    subscriber.add(() => {
      signal.removeEventListener('abort', onAbort)
      if (over) return
      source.abort(signal.aborted ? signal.reason : new DOMException('The stream was unsubscribed', 'AbortError'))
      if (iterator !== undefined) close(iterator)
    })

    const read = async (): Promise<void> => {
      iterator = open(source.signal)[Symbol.asyncIterator]()
      // Opening may have ended the stream, before there was an iterator to close.
      if (subscriber.closed) close(iterator)
      else await forward(iterator, subscriber, context)
    }
    read().then(
      () => {
        over = true
        subscriber.complete()
      },
      (error: unknown) => {
        over = true
        subscriber.error(error)
      },
    )
  })
}

async function forward<T>(
  iterator: AsyncIterator<T>,
  subscriber: Subscriber<T>,
  context: Pick<HandlerContext, 'ready'>,
): Promise<void> {
  const wanted = (): boolean => !subscriber.closed
  while (wanted()) {
    const result = await iterator.next()
    if (result.done === true || !wanted()) return
    subscriber.next(result.value)
    const room = context.ready()
    if (room !== undefined) await room
  }
}

/** Asks a source to end. It may fail or take its time: nobody wants its chunks any more, and nobody is told. */
function close(iterator: AsyncIterator<unknown>): void {
  const closing = async (): Promise<unknown> => iterator.return?.()
  closing().catch(() => undefined)
}
