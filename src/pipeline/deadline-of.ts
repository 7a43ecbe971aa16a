/** The request's `deadlineMs`; `Infinity` when it has none, `NaN` when it has a bad one. */
export function deadlineOf(request: unknown): number {
  if (typeof request !== 'object' || request === null || !('deadlineMs' in request)) return Infinity
  const { deadlineMs } = request
  if (deadlineMs === undefined) return Infinity
  return typeof deadlineMs === 'number' ? deadlineMs : NaN
}
