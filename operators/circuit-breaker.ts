import { type MonoTypeOperatorFunction, Observable } from 'rxjs'
import type { Breaker, BreakerCall } from './breaker.ts'
import { createSubscriber } from './create-subscriber.ts'
import { checkMethods } from './options.ts'

/**
 * Lets each subscription of a cold source be one call through a breaker. One that is refused errors with
 * `CircuitOpenError`, and the source is not subscribed.
 *
 * A call succeeds when it completes, or when it is unsubscribed after a value, as `take(1)` does; it fails when it
 * errors. Unsubscribed before its first value it counts as neither, so a time limit belongs inside:
 * `call$.pipe(timeout(…), circuitBreaker(breaker))`. For each value of a stream it goes into the project, and the
 * operator outside decides how many run at once: `boundedBuffer((order) => save(order).pipe(circuitBreaker(breaker)), …)`.
 *
 * @example
 * ```ts
 * const breaker = new Breaker({ openMs: 10_000, onStateChange: (to) => console.warn('the model is', to) })
 * const answer$ = defer(() => ask(question)).pipe(circuitBreaker(breaker), retryBackoff({ attempts: 3 }))
 * ```
 *
 * @throws TypeError when the breaker is none.
 * @see Breaker for the rules and their sources
 */
export function circuitBreaker<T>(breaker: Breaker): MonoTypeOperatorFunction<T> {
  checkMethods('breaker', breaker, 'a Breaker', ['begin'])
  return (source) =>
    new Observable<T>((subscriber) => {
      let call: BreakerCall
      try {
        call = breaker.begin()
      } catch (error) {
        subscriber.error(error)
        return
      }
      let gave = false
      subscriber.add(() => {
        if (gave) call.succeed()
        else call.abandon()
      })
      const inner = createSubscriber<T>({
        next: (value) => {
          gave = true
          subscriber.next(value)
        },
        // The breaker knows before anybody who may call again.
        error: (error) => {
          call.fail(error)
          subscriber.error(error)
        },
        complete: () => {
          call.succeed()
          subscriber.complete()
        },
      })
      subscriber.add(inner)
      // A change of state may have made its listener unsubscribe.
      if (!subscriber.closed) source.subscribe(inner)
    })
}
