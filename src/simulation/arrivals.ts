import { randomExponential, randomGeometric } from 'd3-random'
import { checkArray, checkKeys, checkNumber, checkOneOf, type RandomSource, show } from '../../operators/index.ts'

/**
 * When requests come, as plain data.
 *
 * - `poisson`: independent of one another, `perSecond` on average.
 * - `constant`: one every 1,000 / `perSecond` milliseconds.
 * - `bursty`: `perSecond` on average, in bursts of `burst` at the same moment on average (geometric), which come
 *   independently of one another.
 * - `on-off`: as `poisson` with `perSecond` while on, none while off; both last independently (exponential), `onMs` and
 *   `offMs` on average. It begins on.
 * - `trace`: at these times from the start, in milliseconds, ascending.
 */
export type Arrivals =
  | { readonly kind: 'poisson'; readonly perSecond: number }
  | { readonly kind: 'constant'; readonly perSecond: number }
  | { readonly kind: 'bursty'; readonly perSecond: number; readonly burst: number }
  | { readonly kind: 'on-off'; readonly perSecond: number; readonly onMs: number; readonly offMs: number }
  | { readonly kind: 'trace'; readonly atMs: readonly number[] }

const kinds = ['poisson', 'constant', 'bursty', 'on-off', 'trace'] as const

/**
 * Makes what gives the times of arrivals, one after the other; `Infinity` when there is no other.
 *
 * @param option What they are called, for the errors.
 * @throws RangeError or TypeError that names the option, its value and what is allowed.
 */
export function arrivalTimes(option: string, arrivals: Arrivals, random: RandomSource): () => number {
  if (typeof arrivals !== 'object' || (arrivals as object | null) === null) {
    throw new TypeError(`${option} must be an object with a kind, got ${show(arrivals)}`)
  }
  checkOneOf(`${option}.kind`, arrivals.kind, kinds)
  const number = (key: string, min = Number.MIN_VALUE): number =>
    checkNumber(`${option}.${key}`, (arrivals as unknown as Readonly<Record<string, unknown>>)[key], { min })
  const exponential = randomExponential.source(random)
  let at = 0
  switch (arrivals.kind) {
    case 'poisson': {
      checkKeys(option, arrivals, ['kind', 'perSecond'])
      const gap = exponential(number('perSecond') / 1_000)
      return () => (at += gap())
    }
    case 'constant': {
      checkKeys(option, arrivals, ['kind', 'perSecond'])
      const gapMs = 1_000 / number('perSecond')
      // Counted, because a sum would drift.
      let count = 0
      return () => ++count * gapMs
    }
    case 'bursty': {
      checkKeys(option, arrivals, ['kind', 'perSecond', 'burst'])
      const burst = number('burst', 1)
      const size = randomGeometric.source(random)(1 / burst)
      const gap = exponential(number('perSecond') / burst / 1_000)
      let left = 0
      return () => {
        if (left === 0) {
          left = size()
          at += gap()
        }
        left -= 1
        return at
      }
    }
    case 'on-off': {
      checkKeys(option, arrivals, ['kind', 'perSecond', 'onMs', 'offMs'])
      const gap = exponential(number('perSecond') / 1_000)
      const on = exponential(1 / number('onMs'))
      const off = exponential(1 / number('offMs'))
      let until = on()
      return () => {
        // What comes is memoryless, so whatever was begun when it went off can be drawn anew.
        for (at += gap(); at > until; at += gap()) {
          at = until + off()
          until = at + on()
        }
        return at
      }
    }
    case 'trace':
      return timesOf(option, arrivals.atMs)
  }
}

function timesOf(option: string, atMs: readonly number[]): () => number {
  checkArray(`${option}.atMs`, atMs)
  let before = 0
  for (const [index, at] of atMs.entries()) {
    before = checkNumber(`${option}.atMs[${index}]`, at, { min: before })
  }
  let next = 0
  return () => atMs[next++] ?? Infinity
}
