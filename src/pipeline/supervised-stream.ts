import { defer, type Observable, tap } from 'rxjs'
import { AlreadyConsumedError } from './errors.ts'

/** What the runtime wants to know of a stream. */
export interface StreamHooks {
  onOpen(): void
  /** The first chunk is there, or nobody waits for it any more. */
  onAwaited(): void
  /** It completed, or errored. */
  onEnd(error?: { readonly thrown: unknown }): void
}

/** The stream that a stage made, to be subscribed once and watched: it tells when it is opened, when its first chunk comes and when it ends. */
export function supervisedStream(stream$: Observable<unknown>, hooks: StreamHooks): Observable<unknown> {
  let opened = false
  return defer(() => {
    if (opened) {
      throw new AlreadyConsumedError('the stream has been subscribed already; what makes it would be done twice')
    }
    opened = true
    let awaited = false
    const stopWaiting = (): void => {
      if (awaited) return
      awaited = true
      hooks.onAwaited()
    }
    return stream$.pipe(
      tap({
        subscribe: () => {
          hooks.onOpen()
        },
        next: stopWaiting,
        // The slot is free before the reader hears of the end, as with a value.
        error: (thrown: unknown) => {
          hooks.onEnd({ thrown })
        },
        complete: () => {
          hooks.onEnd()
        },
        finalize: stopWaiting,
      }),
    )
  })
}
