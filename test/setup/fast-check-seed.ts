import { configureGlobal, readConfigureGlobal } from 'fast-check'

// A random test that fails prints its seed; `FC_SEED=<that seed> npm test` draws the same cases again.
const seed = process.env['FC_SEED']
if (seed !== undefined) {
  if (!/^-?\d{1,10}$/.test(seed)) throw new RangeError(`FC_SEED must be a whole number, got ${JSON.stringify(seed)}`)
  configureGlobal({ ...readConfigureGlobal(), seed: Number(seed) })
}
