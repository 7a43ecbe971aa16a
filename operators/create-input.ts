import type { Subscriber } from 'rxjs'
import { createSubscriber } from './create-subscriber.ts'

/** What an operator does with what its source says, when it may still hold something as the source ends. */
interface InputHandlers<T> {
  readonly output: Subscriber<unknown>
  readonly onSourceError: 'drain' | 'immediate' | undefined
  readonly next: (value: T) => void
  /** The source has ended: `finish` ends the output, now if `atOnce`, otherwise once nothing is left. */
  readonly end: (finish: () => void, atOnce: boolean) => void
}

/** Reads an operator's source; its end is the output's end, but perhaps not yet. */
export function createInput<T>({ output, onSourceError, next, end }: InputHandlers<T>): Subscriber<T> {
  return createSubscriber<T>({
    next,
    error: (error) => {
      end(() => {
        output.error(error)
      }, onSourceError === 'immediate')
    },
    complete: () => {
      end(() => {
        output.complete()
      }, false)
    },
  })
}
