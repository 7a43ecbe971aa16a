/** An adapter is the files of one of these names, `openai.ts` and `openai-wire.ts`, or the folder `openai/`. */
const adapter = '^src/(workers|retrieval|stores|channels)/(echo|openai|anthropic|memory|sqlite|redis|jetstream)[-./]'

/**
 * Where imports may go: `operators ← actors ← src ← {examples, test}`, across layers through their index.ts.
 *
 * @type {import('dependency-cruiser').IConfiguration}
 */
export default {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'What imports itself in a circle cannot be read, loaded or tested apart. Types count, too.',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'The compiler sees to imports of types alone, which may come from a package `@types/…`.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'operators-import-only-rxjs',
      comment: 'spillway/operators runs in a browser and brings nothing but rxjs.',
      severity: 'error',
      from: { path: '^operators/' },
      to: { pathNot: ['^operators/', '^node_modules/rxjs/'] },
    },
    {
      name: 'actors-import-only-operators-rxjs-xstate',
      comment: 'spillway/actors runs in a browser and brings nothing but rxjs and xstate.',
      severity: 'error',
      from: { path: '^actors/' },
      to: { pathNot: ['^actors/', '^operators/', '^node_modules/(rxjs|xstate)/'] },
    },
    {
      name: 'src-imports-no-test-or-example',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^(test|examples|scripts)/' },
    },
    {
      name: 'layers-through-their-index',
      comment:
        "Another layer's files are its own affair; what it offers to layers is in its index.ts, to users in its public.ts.",
      severity: 'error',
      from: { path: '^(actors|src)/' },
      to: { path: '^(operators|actors)/', pathNot: ['^(operators|actors)/index\\.ts$', '^$1/'] },
    },
    {
      name: 'no-adapter-imports-another',
      comment:
        'An adapter imports the contract that it implements; the pipeline and the command line compose adapters.',
      severity: 'error',
      from: { path: adapter },
      to: { path: adapter, pathNot: '^src/$1/$2[-./]' },
    },
    {
      name: 'examples-import-only-packages',
      comment:
        'Examples show what a user can write; the linter sees to it that the own package is named, not its files.',
      severity: 'error',
      from: { path: '^examples/' },
      to: { path: '^(test|scripts)/' },
    },
    {
      name: 'only-testing-imports-fast-check',
      comment: 'It is an optional peer: who does not import spillway/testing need not have it.',
      severity: 'error',
      from: { path: '^(operators|actors|src)/', pathNot: '^src/testing/' },
      to: { path: '(^|/)node_modules/fast-check/|^src/testing/index\\.ts$' },
    },
    {
      name: 'published-code-imports-no-dev-dependency',
      severity: 'error',
      from: { path: '^(operators|actors|src)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm-peer', 'type-only'] },
    },
    {
      name: 'only-declared-packages',
      severity: 'error',
      from: { path: '^(operators|actors|src|test|examples)/' },
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|docs|test/bench/tokio-seda)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['source', 'import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.json'],
    },
  },
}
