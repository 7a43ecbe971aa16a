import { configureGlobal, readConfigureGlobal } from 'fast-check'

/**
 * Reads a whole number from the environment.
 * @throws {RangeError} if the variable is set and is none of at most ten digits.
 */
function whole(name: string): number | undefined {
  const value = process.env[name]
  if (value === undefined) return undefined
  if (!/^-?\d{1,10}$/.test(value)) throw new RangeError(`${name} must be a whole number, got ${JSON.stringify(value)}`)
  return Number(value)
}

// A random test that fails prints its seed; `FC_SEED=<that seed> npm test` draws the same cases again.
// `FC_RUNS=10000 npm test` draws as many for each property that does not name its own number.
const seed = whole('FC_SEED')
const numRuns = whole('FC_RUNS')
configureGlobal({
  ...readConfigureGlobal(),
  ...(seed !== undefined && { seed }),
  ...(numRuns !== undefined && { numRuns }),
})
