import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runProgram } from './run-program.ts'

const project = fileURLToPath(new URL('../..', import.meta.url))
const guardMs = 240_000

/** A copy of the project to pack, so that a build of somebody else in the same folder is not disturbed. */
let copy: string
/** The empty folder that the package is installed in. */
let user: string
let work: string
let packed: readonly string[]
let peerRanges: Readonly<Record<string, string>>

async function succeed(program: string, args: readonly string[], cwd: string): Promise<string> {
  const end = await runProgram(program, args, { cwd, guardMs })
  expect(end.exitCode, `${program} ${args.join(' ')}\n${end.output}`).toBe(0)
  return end.stdout
}

beforeAll(async () => {
  work = await mkdtemp(join(tmpdir(), 'spillway-pack-'))
  copy = join(work, 'project')
  user = join(work, 'user')
  const left = new Set(['node_modules', '.git', 'dist', 'docs', 'coverage', '.spillway', 'test'])
  await cp(project, copy, { recursive: true, filter: (path) => !left.has(basename(path)) || path === project })
  await symlink(join(project, 'node_modules'), join(copy, 'node_modules'))
  await mkdir(user)

  // `npm pack` builds first (`prepack`), and prints the build's lines before its own.
  const printed = await succeed('npm', ['pack', '--json', '--pack-destination', work], copy)
  const [tarball] = JSON.parse(printed.slice(printed.search(/^\[/m))) as [
    { filename: string; files: readonly { path: string }[] },
  ]
  packed = tarball.files.map(({ path }) => path)

  const manifest = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as {
    peerDependencies: Record<string, string>
  }
  peerRanges = manifest.peerDependencies
  // The lowest versions that are allowed: the tests themselves run on the newest.
  const peers = Object.entries(peerRanges).map(([name, range]) => `${name}@${lowestOf(range)}`)
  await writeFile(join(user, 'package.json'), JSON.stringify({ name: 'user', private: true, type: 'module' }))
  await succeed(
    'npm',
    ['install', '--prefer-offline', '--no-audit', '--no-fund', join(work, tarball.filename), ...peers],
    user,
  )
}, 2 * guardMs)

afterAll(async () => {
  await rm(work, { recursive: true, force: true })
})

describe('the packed package, installed in an empty folder', () => {
  test('holds the build, its sources and the documents, and no tests', () => {
    expect(packed).toEqual(
      expect.arrayContaining([
        'LICENSE',
        'README.md',
        'CHANGELOG.md',
        'ARCHITECTURE.md',
        'dist/src/index.js',
        'dist/src/index.d.ts',
        'dist/operators/public.js',
        'dist/actors/public.js',
        'src/index.ts',
      ]),
    )
    expect(packed.filter((path) => /^(test|examples|scripts)\/|\.test\./.test(path))).toEqual([])
  })

  test("runs and type-checks the README's first example", { timeout: 2 * guardMs }, async () => {
    const readme = await readFile(join(project, 'README.md'), 'utf8')
    const example = /^```ts\b[^\n]*\n(.*?)^```/ms.exec(readme)?.[1]
    expect(example, 'README.md has a block of code that starts with ```ts').toBeDefined()
    await writeFile(join(user, 'first-example.ts'), example ?? '')

    await succeed(process.execPath, ['first-example.ts'], user)
    const compiler = join(project, 'node_modules/typescript/bin/tsc')
    const types = ['--types', 'node', '--typeRoots', join(project, 'node_modules/@types')]
    const language = ['--strict', '--skipLibCheck', '--target', 'es2024', '--module', 'nodenext']
    await succeed(process.execPath, [compiler, '--noEmit', ...language, ...types, 'first-example.ts'], user)
  })

  test('checks invariants with the lowest fast-check that is allowed', { timeout: guardMs }, async () => {
    const script = `
      import { readFileSync } from 'node:fs'
      import { filter } from 'rxjs'
      import { boundedBuffer } from 'spillway/operators'
      import { checkInvariants, operator } from 'spillway/testing'
      const limits = { capacity: 2, concurrency: 1 }
      const subject = (forgets) =>
        operator(
          ({ project, clock, onOutcome }) => (source$) =>
            source$.pipe(
              filter((_, index) => !forgets || index % 3 !== 2),
              boundedBuffer(project, { ...limits, clock, onOutcome }),
            ),
          limits,
        )
      const { version } = JSON.parse(readFileSync('node_modules/fast-check/package.json', 'utf8'))
      const { runs } = await checkInvariants(subject(false), { seed: 7 })
      const { message } = await checkInvariants(subject(true), { seed: 7 }).catch((error) => error)
      console.log(JSON.stringify({ version, runs, message }))
    `
    await writeFile(join(user, 'check-invariants.mjs'), script)
    const seen = JSON.parse(await succeed(process.execPath, ['check-invariants.mjs'], user)) as Record<string, unknown>
    expect(seen).toEqual({
      version: lowestOf(peerRanges['fast-check'] ?? ''),
      runs: 100,
      message: expect.stringMatching(
        /but does not start[^]*seed: 7, path: [^]*the scenario:[^]*what happened:/,
      ) as string,
    })
  })

  test('starts the command line', { timeout: guardMs }, async () => {
    const help = await succeed(join(user, 'node_modules/.bin/spillway'), ['--help'], user)
    expect(help).toContain('serve')
  })

  test('tells an old Node.js which one is needed, and loads nothing else', { timeout: guardMs }, async () => {
    const pretence = `
      import { registerHooks } from 'node:module'
      Object.defineProperty(process.versions, 'node', { value: '20.20.2' })
      registerHooks({
        load(url, context, next) {
          console.log(url)
          return next(url, context)
        },
      })
    `
    await writeFile(join(user, 'pretend-old.mjs'), pretence)
    const bin = join(user, 'node_modules/.bin/spillway')
    const end = await runProgram(process.execPath, ['--import', './pretend-old.mjs', bin, '--help'], {
      cwd: user,
      guardMs,
    })
    const folder = pathToFileURL(join(user, 'node_modules/spillway/dist/src/cli')).href
    expect(end).toMatchObject({
      exitCode: 1,
      output: `${folder}/bin.js\n${folder}/node-version.js\nerror: spillway needs Node.js >= 22.18, this is v20.20.2\n`,
    })
  })

  test('loads nothing but rxjs for who imports only spillway/operators', { timeout: guardMs }, async () => {
    const script = `
      import { registerHooks } from 'node:module'
      const loaded = []
      registerHooks({
        resolve(specifier, context, next) {
          const resolved = next(specifier, context)
          loaded.push(resolved.url)
          return resolved
        },
      })
      await import('spillway/operators')
      console.log(JSON.stringify(loaded))
    `
    await writeFile(join(user, 'operators-only.mjs'), script)
    const loaded = JSON.parse(await succeed(process.execPath, ['operators-only.mjs'], user)) as readonly string[]
    const modules = pathToFileURL(join(user, 'node_modules')).href
    const own = loaded.filter((url) => url.startsWith(`${modules}/spillway/dist/operators/`))
    const rxjs = loaded.filter((url) => url.startsWith(`${modules}/rxjs/`))
    expect(own).toContain(`${modules}/spillway/dist/operators/public.js`)
    expect(loaded.filter((url) => !own.includes(url) && !rxjs.includes(url))).toEqual([])
  })
})

/** The first version that a range names, which is its lower end. */
function lowestOf(range: string): string {
  return /\d+\.\d+\.\d+/.exec(range)?.[0] ?? range
}
