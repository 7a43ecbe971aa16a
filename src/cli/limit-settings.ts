import { checkOneOf, show } from '../../operators/index.ts'
import type { ServerLimits } from '../server/index.ts'
import { checkLimits, defaultLimits } from '../server/limits.ts'

/**
 * The limits that `--limit name=value` sets.
 *
 * @param given Each as it was written; of two for the same limit the last one counts.
 * @throws RangeError naming the limit, its value and what is allowed.
 */
export function limitSettings(given: readonly string[] = []): ServerLimits {
  const limits: Partial<Record<keyof ServerLimits, number>> = {}
  for (const text of given) {
    const [, name, value = ''] = /^([^=]+)=(.*)$/s.exec(text) ?? []
    if (name === undefined)
      throw new RangeError(`--limit must be name=value, e.g. bodyBytes=2097152, got ${show(text)}`)
    const known = checkOneOf('--limit', name, Object.keys(defaultLimits) as (keyof ServerLimits)[])
    // What is no number is left to the check, which says what it got.
    limits[known] = /^-?\d+$/.test(value) ? Number(value) : (value as never)
  }
  checkLimits(limits, '--limit ')
  return limits
}

/** What `--help` says of the limits. */
export const limitsHelp: string = `
Limits (--limit), and what holds where none is given:
${Object.entries(defaultLimits)
  .map(([name, value]) => `  ${name.padEnd(18)} ${value}`)
  .join('\n')}`
