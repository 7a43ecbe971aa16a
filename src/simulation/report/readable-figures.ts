/** Units of time, and up to how many a duration is told in them. */
const units = [
  { unit: 'ms', lengthMs: 1, limit: 1_000 },
  { unit: 's', lengthMs: 1_000, limit: 120 },
  { unit: 'min', lengthMs: 60_000, limit: 120 },
  { unit: 'h', lengthMs: 3_600_000, limit: Infinity },
] as const

/** A unit of time that suits a duration. */
export function unitOf(ms: number): { readonly unit: string; readonly lengthMs: number } {
  // What is rounded up to a limit is told in the next unit.
  return units.find(({ lengthMs, limit }) => Math.round(ms / lengthMs) < limit) ?? units[3]
}

/** A duration to be read: `0.1 ms`, `12 ms`, `3.4 s`. */
export function readableMs(ms: number): string {
  const { unit, lengthMs } = unitOf(ms)
  return `${readableNumber(ms / lengthMs)} ${unit}`
}

/** A number from 0 to be read: with one digit behind the point below 10, and never 0 where it is not 0. */
export function readableNumber(value: number): string {
  if (value > 0 && value < 0.05) return '<0.1'
  return Number.isInteger(value) || value >= 9.95 ? readableCount(Math.round(value)) : value.toFixed(1)
}

/** A share, 0 … 1, as a percentage: `97.3%`. */
export function readableShare(share: number): string {
  if (share === 0) return '0%'
  return share < 0.000_5 ? '<0.1%' : `${(share * 100).toFixed(1)}%`
}

/** A whole number: `12,345`, and from a million on `1.23M`. */
export function readableCount(count: number): string {
  if (count < 1_000_000) return count.toLocaleString('en-US')
  return count.toLocaleString('en-US', { notation: 'compact', maximumSignificantDigits: 3 })
}
