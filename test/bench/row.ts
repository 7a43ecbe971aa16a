import type { RoundFigures } from './closed-loop.ts'

/** One line of the result: medians over the measured rounds; `null` where nothing could be measured. */
export interface BenchRow {
  readonly name: string
  readonly outstanding: number
  readonly requestsPerSecond: number | null
  readonly p50Us: number | null
  readonly p99Us: number | null
}

/** A row and how far its rounds lie apart. */
export interface MeasuredRow {
  readonly row: BenchRow
  /** What its callers wait for, or why nothing was measured. */
  readonly note: string
  readonly slowest: number
  readonly fastest: number
}

/** The median row of some rounds. */
export function summarize(
  name: string,
  note: string,
  outstanding: number,
  rounds: readonly RoundFigures[],
): MeasuredRow {
  const rates = rounds.map((round) => round.requestsPerSecond)
  if (rounds.length === 0) {
    return {
      row: { name, outstanding, requestsPerSecond: null, p50Us: null, p99Us: null },
      note,
      slowest: 0,
      fastest: 0,
    }
  }
  return {
    row: {
      name,
      outstanding,
      requestsPerSecond: Math.round(median(rates)),
      p50Us: tenths(median(rounds.map(({ p50Us }) => p50Us))),
      p99Us: tenths(median(rounds.map(({ p99Us }) => p99Us))),
    },
    note,
    slowest: Math.min(...rates),
    fastest: Math.max(...rates),
  }
}

/** The middle value; of an even number the mean of the middle two. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle]!
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2
}

function tenths(value: number): number {
  return Math.round(value * 10) / 10
}
