import { show } from '../../operators/index.ts'

/** The request's `deadlineMs`; `Infinity` when it has none, `NaN` when it has a bad one. */
export function deadlineOf(request: unknown): number {
  if (typeof request !== 'object' || request === null || !('deadlineMs' in request)) return Infinity
  const { deadlineMs } = request
  if (deadlineMs === undefined) return Infinity
  return typeof deadlineMs === 'number' ? deadlineMs : NaN
}

/** What is wrong with the `deadlineMs` of a request that has a bad one. */
export function badDeadline(request: unknown): RangeError {
  const given = show((request as { readonly deadlineMs: unknown }).deadlineMs)
  return new RangeError(`deadlineMs must be a number of milliseconds, more than 0, got ${given}`)
}
