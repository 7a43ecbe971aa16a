import { type Observer, Subscriber } from 'rxjs'

/** Exists before it is subscribed, so that what gives everything within that very call can be stopped in it. */
export function createSubscriber<V>(observer: Observer<V>): Subscriber<V> {
  // The constructor is deprecated in favour of what only RxJS 8 has.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  return new Subscriber(observer)
}
