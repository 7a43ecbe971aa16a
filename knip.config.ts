import type { KnipConfig } from 'knip'

const config: KnipConfig = {
  entry: [
    'examples/*.ts',
    'scripts/*.ts',
    'test/**/*.test.ts',
    'test/types/*.ts',
    'test/bench/*.ts',
    'test/setup/*.ts',
  ],
  project: ['{operators,actors,src,test,examples,scripts}/**/*.ts', '*.config.{js,ts}'],
  ignoreBinaries: ['apt-get'],
  // For the benchmarks side by side with peers.
  ignoreDependencies: ['mitata'],
}

export default config
