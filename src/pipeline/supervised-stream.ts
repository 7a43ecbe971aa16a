import { defer, type Observable, Subject, takeUntil, tap } from 'rxjs'
import { AlreadyConsumedError } from './errors.ts'

/** What the runtime wants to know of a stream. */
export interface StreamHooks {
  onOpen(): void
  /** The first chunk is there, or nobody waits for it any more. */
  onAwaited(): void
  /** It completed, or errored. */
  onEnd(error?: { readonly thrown: unknown }): void
}

/** A stream under watch, and how to end it for whoever reads it. */
export interface SupervisedStream {
  readonly stream$: Observable<unknown>
  /** Unsubscribes the source. */
  close(this: void): void
}

/**
 * Watches the stream that a stage made: tells when it is opened, when its first chunk comes and when it ends. It
 * can be subscribed once, because what makes it would otherwise be done twice.
 */
export function supervisedStream(source$: Observable<unknown>, hooks: StreamHooks): SupervisedStream {
  const closed$ = new Subject<void>()
  let opened = false
  let awaited = false
  const stopWaiting = (): void => {
    if (awaited) return
    awaited = true
    hooks.onAwaited()
  }
  const watched$ = source$.pipe(
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
    takeUntil(closed$),
  )
  const stream$ = defer(() => {
    if (opened) throw new AlreadyConsumedError('the stream has been subscribed already; it can be read once')
    opened = true
    return watched$
  })
  return {
    stream$,
    close: () => {
      closed$.next()
    },
  }
}
