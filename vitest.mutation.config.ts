import type { ViteUserConfig } from 'vitest/config'
import config from './vitest.config.ts'

/**
 * What mutation testing runs: the tests that hold the operators and the pure parts of the actors, each with few cases
 * and always the same ones, and without a worker for each file, because they are run once for every mutant.
 */
const mutationConfig: ViteUserConfig = {
  ...config,
  test: {
    ...config.test,
    include: ['test/operators/**/*.test.ts', 'test/actors/**/*.test.ts'],
    isolate: false,
    env: { TEST_EFFORT: '0.05', FC_RUNS: '20', FC_SEED: '1' },
  },
}

export default mutationConfig
