import type { KnipConfig } from 'knip'

const config: KnipConfig = {
  entry: [
    'src/cli/bin.ts',
    'src/cli/following-thread.ts',
    'src/retrieval/sqlite-search-worker.ts',
    'src/retrieval/formats/pdf-thread.ts',
    'test/fixtures/mortal-following-thread.ts',
    'test/fixtures/mortal-search-thread.ts',
    'examples/*.ts',
    'scripts/*.ts',
    'test/{bench,setup,types}/*.ts',
    'vitest.mutation.config.ts',
  ],
  project: ['{operators,actors,src,test,examples,scripts}/**/*.ts', '*.config.{js,ts}'],
  ignoreBinaries: ['apt-get', 'docker-compose', 'mkfifo', 'promtool', 'redis-server'],
}

export default config
