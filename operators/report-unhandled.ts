import { Observable } from 'rxjs'

/** Hands an error that a caller's callback threw to RxJS's `config.onUnhandledError`, or else to the host. */
export function reportUnhandled(error: unknown): void {
  new Observable((subscriber) => {
    subscriber.error(error)
  }).subscribe()
}
