import { messageOf } from '../../operators/index.ts'
import type { Judge } from './invariants.ts'

/** Calls a `check` of one's own: what it throws is what is wrong. */
export function judgeByOwn(check: (() => unknown) | undefined, judge: Judge): void {
  try {
    const result = check?.()
    if (typeof (result as PromiseLike<unknown> | undefined)?.then !== 'function') return
    // It comes too late for the step that it is about, also where it rejects.
    Promise.resolve(result).catch(() => undefined)
    throw new TypeError('check must be synchronous, got a promise')
  } catch (error) {
    judge('Your own', messageOf(error), error)
  }
}
