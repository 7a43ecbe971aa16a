/**
 * How long a server that refused a call asks its callers to stay away: by `retry-after-ms`, or else by
 * `Retry-After`, in seconds or as a date, which is read by the server's own clock.
 *
 * @param error What a client threw; where it has no headers, or they do not say, the answer is `undefined`.
 */
export function retryAfterMs(error: unknown): number | undefined {
  const headers = typeof error === 'object' && error !== null && 'headers' in error ? error.headers : undefined
  if (!(headers instanceof Headers)) return undefined
  const exact = durationOf(headers.get('retry-after-ms'), 1)
  if (exact !== undefined) return exact
  const said = headers.get('retry-after')
  return durationOf(said, 1000) ?? until(said, headers.get('date'))
}

/** Longer than anybody waits: what a server says beyond it is taken for a mistake. */
const longestMs = 24 * 60 * 60 * 1000

function durationOf(text: string | null, unitMs: number): number | undefined {
  if (text === null || !/^\s*\d+(\.\d+)?\s*$/.test(text)) return undefined
  return bounded(Number(text) * unitMs)
}

function until(text: string | null, from: string | null): number | undefined {
  const ms = Date.parse(text ?? '') - Date.parse(from ?? '')
  return Number.isNaN(ms) ? undefined : bounded(Math.max(0, ms))
}

function bounded(ms: number): number | undefined {
  return ms <= longestMs ? ms : undefined
}
