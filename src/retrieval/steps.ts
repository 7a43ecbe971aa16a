import type { Clock } from '../../operators/index.ts'

/** Work that may be interrupted wherever it yields. */
export type Steps<T> = Generator<undefined, T, undefined>

/** Does the work in one go. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
  }
}

/** The longest that the event loop waits for a slice of work, as far as the steps are small. */
const sliceMs = 15

/** Does the work in slices of 15 ms; whatever else waits for the thread has its turn between two of them. */
export async function inSlices<T>(steps: Steps<T>, clock: Clock): Promise<T> {
  let began = clock.now()
  for (;;) {
    const { done, value } = steps.next()
    if (done === true) return value
    if (clock.now() - began < sliceMs) continue
    await new Promise<void>((resolve) => {
      clock.setTimeout(resolve, 0)
    })
    began = clock.now()
  }
}
