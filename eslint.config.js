// @ts-check
import js from '@eslint/js'
import { defineConfig, globalIgnores } from 'eslint/config'
import rxjsX from 'eslint-plugin-rxjs-x'
import tseslint from 'typescript-eslint'

const layers = ['operators/**/*.ts', 'actors/**/*.ts', 'src/**/*.ts']
const browserSafe = ['operators/**/*.ts', 'actors/**/*.ts']
const clock = 'operators/clock.ts'
const randomSource = 'operators/random.ts'
const virtualClock = 'src/testing/virtual-clock.ts'
const unhandledErrors = 'src/testing/unhandled-errors.ts'
/** Files that are run and never imported. */
const programs = [
  'src/cli/bin.ts',
  'src/cli/main.ts',
  'src/cli/following-thread.ts',
  'src/retrieval/sqlite-search-worker.ts',
  'src/retrieval/formats/pdf-thread.ts',
]
const environmentReaders = ['src/cli/**/*.ts']

const timers = ['setTimeout', 'setInterval', 'setImmediate', 'clearTimeout', 'clearInterval', 'clearImmediate']
const passedTime = 'Time comes from the Clock that is passed in.'
const passedRandomness = 'Randomness comes from the random source that is passed in.'

const timeSources = [
  ...['node:timers', 'node:timers/promises'].map((name) => ({ name, message: passedTime })),
  { name: 'node:perf_hooks', allowImportNames: ['createHistogram', 'RecordableHistogram'], message: passedTime },
  { name: 'rxjs', importNames: ['timer', 'interval', 'asyncScheduler'], message: passedTime },
]

const ambient = [
  { object: 'Date', property: 'now', message: passedTime },
  { object: 'AbortSignal', property: 'timeout', message: passedTime },
  ...[...timers, 'performance'].map((property) => ({ object: 'globalThis', property, message: passedTime })),
  { object: 'Math', property: 'random', message: passedRandomness },
]

const environment = {
  object: 'process',
  property: 'env',
  message: 'Only the command line and the configuration loader read the environment.',
}

const namedExports = [
  { selector: 'ExportAllDeclaration', message: 'Name what is exported: `export *` hides it.' },
  { selector: 'ExportDefaultDeclaration', message: 'Named exports only.' },
]

const purity = [
  ...namedExports,
  {
    selector: 'Program > ExpressionStatement:not([directive])',
    message: 'A module does nothing when it is imported; only the main file of the command line or of a thread may.',
  },
  { selector: 'NewExpression[callee.name="Date"][arguments.length=0]', message: passedTime },
]

const skipped = ['skip', 'skipIf', 'runIf', 'todo', 'only', 'fails'].flatMap((property) =>
  ['test', 'it', 'describe', 'suite'].map((object) => ({
    object,
    property,
    message: 'Every test runs, in full and everywhere.',
  })),
)

export default defineConfig(
  globalIgnores(['dist/', 'docs/', 'coverage/', '.spillway/', '.stryker/', 'test/bench/tokio-seda/']),
  { linterOptions: { reportUnusedDisableDirectives: 'error' } },
  js.configs.recommended,
  { files: ['**/*.{js,mjs}'], rules: { 'no-undef': 'off' } },

  {
    files: ['**/*.ts'],
    extends: [tseslint.configs.strictTypeChecked, rxjsX.configs.strict],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      '@typescript-eslint/consistent-type-imports': ['error', { fixStyle: 'separate-type-imports' }],
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      '@typescript-eslint/no-unused-vars': [
        'error',
        { ignoreRestSiblings: true, argsIgnorePattern: '^_', varsIgnorePattern: '^_$' },
      ],
      // `throw signal.reason`: what a caller aborts with is the caller's, whatever its type.
      '@typescript-eslint/only-throw-error': ['error', { allowThrowingAny: true, allowThrowingUnknown: true }],
      '@typescript-eslint/prefer-promise-reject-errors': [
        'error',
        { allowThrowingAny: true, allowThrowingUnknown: true },
      ],
      'rxjs-x/throw-error': ['error', { allowThrowingAny: true, allowThrowingUnknown: true }],
      // An async function without `await` is how a contract of promises turns a throw into a rejection.
      '@typescript-eslint/require-await': 'off',
      // `Promise.withResolvers<void>()` and its like: the rule does not know them all.
      '@typescript-eslint/no-invalid-void-type': 'off',
      'rxjs-x/no-ignored-takewhile-value': 'off',
      // An Observable that gives nothing rejects, which is what the caller wants.
      'rxjs-x/no-ignored-default-value': 'off',
      // `!= null` says "neither null nor undefined" in one go.
      eqeqeq: ['error', 'always', { null: 'ignore' }],
      'no-console': 'error',
      'max-lines': ['error', { max: 400 }],
      'no-restricted-syntax': ['error', ...namedExports],
      // Variables only: the rule cannot tell a property that is a function from one that is an observable.
      'rxjs-x/finnish': [
        'error',
        {
          functions: false,
          methods: false,
          parameters: false,
          objects: false,
          properties: false,
          variables: true,
          strict: false,
        },
      ],
    },
  },

  {
    files: layers,
    ignores: [clock, randomSource],
    rules: {
      'no-restricted-syntax': ['error', ...purity],
      'no-restricted-globals': [
        'error',
        ...[...timers, 'performance'].map((name) => ({ name, message: passedTime })),
        { name: 'Buffer', message: 'Import it from node:buffer: what a module needs shows in its imports.' },
      ],
      'no-restricted-properties': ['error', ...ambient, environment],
      'no-restricted-imports': ['error', { paths: timeSources }],
    },
  },
  {
    files: browserSafe,
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: timeSources, patterns: [{ group: ['node:*'], message: 'It runs in a browser, too.' }] },
      ],
    },
  },
  {
    // It lets the work that the platform has pending run before it steps to the next due time.
    files: [virtualClock],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'node:timers', allowImportNames: ['setImmediate'], message: passedTime }] },
      ],
    },
  },
  {
    // It waits for RxJS's own timer.
    files: [unhandledErrors],
    rules: {
      'no-restricted-imports': [
        'error',
        { paths: [{ name: 'node:timers', allowImportNames: ['setTimeout'], message: passedTime }] },
      ],
    },
  },
  {
    files: environmentReaders,
    rules: { 'no-restricted-properties': ['error', ...ambient], 'no-console': 'off' },
  },
  { files: programs, rules: { 'no-restricted-syntax': ['error', ...namedExports] } },

  {
    files: ['test/**/*.ts'],
    rules: {
      'no-restricted-properties': ['error', ...skipped],
      // A test states what it knows; where it is wrong it fails.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-empty-function': 'off',
      // `expect(worker.infer)` names a method without calling it.
      '@typescript-eslint/unbound-method': 'off',
      // A stream that fails before its first chunk.
      'require-yield': 'off',
    },
  },
  { files: ['test/bench/**/*.ts', 'examples/**/*.ts', 'scripts/**/*.ts'], rules: { 'no-console': 'off' } },
  {
    files: ['examples/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        { patterns: [{ group: ['./*', '../*'], message: "An example imports what a user can: 'spillway/…'." }] },
      ],
    },
  },
  { files: ['*.config.{js,ts}'], rules: { 'no-restricted-syntax': 'off' } },
  {
    files: ['**/{utils,helpers,types}.ts', '**/*[A-Z_]*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        { selector: 'Program', message: 'One concept per file, named after it in kebab-case.' },
      ],
    },
  },
)
