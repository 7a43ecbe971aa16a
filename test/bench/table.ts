import { columns } from './columns.ts'
import type { MeasuredRow } from './row.ts'

/**
 * The rows for people: rate, spread, ratio to the first row that was measured, latency.
 */
export function formatTable(rows: readonly MeasuredRow[]): string {
  const reference = rows.find(({ row }) => row.requestsPerSecond !== null)?.row.requestsPerSecond ?? null
  const head = ['', 'requests/s', 'min … max', 'ratio', 'p50 µs', 'p99 µs', 'what the caller waits for']
  const lines = rows.map(({ row, note, slowest, fastest }) => {
    const { name, requestsPerSecond, p50Us, p99Us } = row
    if (requestsPerSecond === null || reference === null) return [name, '', '', '', '', '', note]
    return [
      name,
      thousands(requestsPerSecond),
      `${thousands(slowest)} … ${thousands(fastest)}`,
      (requestsPerSecond / reference).toFixed(2),
      String(p50Us),
      String(p99Us),
      note,
    ]
  })
  return columns([head, ...lines], ['start', 'end', 'end', 'end', 'end', 'end', 'start'])
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en')
}
