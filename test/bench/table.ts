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
  const widths = head.map((_, column) => Math.max(...[head, ...lines].map((line) => line[column]!.length)))
  return [head, ...lines].map((line) => align(line, widths)).join('\n')
}

function align(line: readonly string[], widths: readonly number[]): string {
  const last = line.length - 1
  return line
    .map((cell, column) =>
      column === 0 || column === last ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!),
    )
    .join('  ')
    .trimEnd()
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en')
}
