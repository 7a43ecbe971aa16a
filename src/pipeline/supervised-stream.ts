import { Observable } from 'rxjs'

/** What the runtime wants to know of a stream. */
export interface StreamHooks {
  onOpen(): void
  onFirstChunk(): void
  /** It completed, or errored. */
  onEnd(error?: { readonly thrown: unknown }): void
}

/** The stream that a stage made, watched: it tells when it is opened, when its first chunk comes and when it ends. */
export function supervisedStream(stream$: Observable<unknown>, hooks: StreamHooks): Observable<unknown> {
  return new Observable((subscriber) => {
    hooks.onOpen()
    let first = true
    return stream$.subscribe({
      next: (chunk) => {
        if (first) {
          first = false
          hooks.onFirstChunk()
        }
        subscriber.next(chunk)
      },
      // The slot is free before the reader hears of the end, as with a value.
      error: (thrown: unknown) => {
        hooks.onEnd({ thrown })
        subscriber.error(thrown)
      },
      complete: () => {
        hooks.onEnd()
        subscriber.complete()
      },
    })
  })
}
