import { randomExponential, randomLogNormal, randomPareto } from 'd3-random'
import { checkKeys, checkNumber, checkOneOf, type RandomSource, show } from '../../operators/index.ts'
import { checkHistogram, drawFromHistogram, type Histogram } from './histogram.ts'

/**
 * How long something takes, as plain data; a number is a constant time. All times are milliseconds.
 *
 * - `constant`: always `ms`.
 * - `exponential`: memoryless, with the mean `meanMs`.
 * - `log-normal`: half take at most `medianMs`, 99 of 100 at most `p99Ms`; what most work looks like.
 * - `pareto`: never less than `minMs`, and the rarer the longer: longer than x with a chance of `(minMs / x) ** shape`.
 *   The mean is infinite with a `shape` of 1 or less, the variance with 2 or less.
 * - `empirical`: as a histogram has it, such as a running server's.
 */
export type Distribution =
  | number
  | { readonly kind: 'constant'; readonly ms: number }
  | { readonly kind: 'exponential'; readonly meanMs: number }
  | { readonly kind: 'log-normal'; readonly medianMs: number; readonly p99Ms: number }
  | { readonly kind: 'pareto'; readonly minMs: number; readonly shape: number }
  | ({ readonly kind: 'empirical' } & Histogram)

/** Draws one duration, in milliseconds. */
export type Draw = () => number

const kinds = ['constant', 'exponential', 'log-normal', 'pareto', 'empirical'] as const

/** The 99th percentile of the standard normal distribution. */
const normalP99 = 2.3263478740408408

/**
 * Makes what draws from a distribution.
 *
 * @param option What the distribution is for, for the errors.
 * @throws RangeError or TypeError that names the option, its value and what is allowed.
 */
export function drawFrom(option: string, distribution: Distribution, random: RandomSource): Draw {
  if (typeof distribution === 'number') return constant(checkNumber(option, distribution))
  // Also what a file gives comes here.
  if (typeof distribution !== 'object' || (distribution as object | null) === null) {
    throw new TypeError(`${option} must be a number of milliseconds or a distribution, got ${show(distribution)}`)
  }
  checkOneOf(`${option}.kind`, distribution.kind, kinds)
  const number = (key: string, min = 0): number =>
    checkNumber(`${option}.${key}`, (distribution as unknown as Readonly<Record<string, unknown>>)[key], { min })
  switch (distribution.kind) {
    case 'constant':
      checkKeys(option, distribution, ['kind', 'ms'])
      return constant(number('ms'))
    case 'exponential':
      checkKeys(option, distribution, ['kind', 'meanMs'])
      return randomExponential.source(random)(1 / number('meanMs', Number.MIN_VALUE))
    case 'log-normal': {
      checkKeys(option, distribution, ['kind', 'medianMs', 'p99Ms'])
      const median = number('medianMs', Number.MIN_VALUE)
      const sigma = Math.log(number('p99Ms', median) / median) / normalP99
      return randomLogNormal.source(random)(Math.log(median), sigma)
    }
    case 'pareto': {
      checkKeys(option, distribution, ['kind', 'minMs', 'shape'])
      const least = number('minMs', Number.MIN_VALUE)
      const draw = randomPareto.source(random)(number('shape', Number.MIN_VALUE))
      return () => least * draw()
    }
    case 'empirical':
      checkKeys(option, distribution, ['kind', 'boundsMs', 'counts', 'meanMs'])
      return drawFromHistogram(checkHistogram(option, distribution), random)
  }
}

function constant(ms: number): Draw {
  return () => ms
}
