import type { Observer } from 'rxjs'

/** Listens to what must not fail: an error is thrown, reported as unhandled, and so fails the test. */
export function listener<T>(next: (value: T) => void = () => undefined): Partial<Observer<T>> {
  return {
    next,
    error: (error: unknown) => {
      throw error
    },
  }
}
