import type { ViteUserConfig } from 'vitest/config'
import config from './vitest.config.ts'

/** The tests that hold the operators and the pure parts of the actors: what mutation testing runs. */
const mutationConfig: ViteUserConfig = {
  ...config,
  test: { ...config.test, include: ['test/operators/**/*.test.ts', 'test/actors/**/*.test.ts'] },
}

export default mutationConfig
