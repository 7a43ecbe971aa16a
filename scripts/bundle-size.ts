/**
 * Bundles each browser-safe subpath of the built package as a browser would get it, prints what it weighs, and
 * fails when it weighs more than its limit or imports a package that it must not.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

interface Subpath {
  readonly name: string
  /** The built entry, from the project's folder. */
  readonly entry: string
  /** The folders of the project that may be part of it. */
  readonly folders: readonly string[]
  /** The packages that it may import; none of them counts as its weight. */
  readonly imports: readonly string[]
  /** The weight it may have: bytes, minified and gzipped. */
  readonly limitBytes: number
}

const subpaths: readonly Subpath[] = [
  {
    name: 'spillway/operators',
    entry: 'dist/operators/public.js',
    folders: ['dist/operators/'],
    imports: ['rxjs'],
    limitBytes: 15_500,
  },
  {
    name: 'spillway/actors',
    entry: 'dist/actors/public.js',
    folders: ['dist/actors/', 'dist/operators/'],
    imports: ['rxjs', 'xstate'],
    limitBytes: 17_500,
  },
]

/** What is wrong with a subpath's bundle, in sentences; none when all is well. */
async function faultsOf(subpath: Subpath): Promise<readonly string[]> {
  const { metafile, outputFiles } = await build({
    absWorkingDir: fileURLToPath(new URL('..', import.meta.url)),
    entryPoints: [subpath.entry],
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'browser',
    packages: 'external',
    metafile: true,
    write: false,
    outfile: 'bundle.js',
  })
  const [output] = outputFiles
  const bytes = output === undefined ? 0 : gzipSync(output.contents).length
  const external = new Set(
    Object.values(metafile.outputs).flatMap(({ imports }) =>
      imports.flatMap((imported) => (imported.external === true ? [imported.path] : [])),
    ),
  )
  const imported = external.size === 0 ? 'nothing' : [...external].sort().join(', ')
  console.log(`${subpath.name}: ${bytes} of at most ${subpath.limitBytes} bytes gzipped, imports ${imported}`)

  const faults: string[] = []
  if (bytes > subpath.limitBytes) {
    faults.push(`${subpath.name} weighs ${bytes} bytes gzipped, more than its limit of ${subpath.limitBytes}`)
  }
  for (const path of external) {
    if (!subpath.imports.includes(path)) {
      faults.push(`${subpath.name} imports ${path}; it may import only ${subpath.imports.join(', ')}`)
    }
  }
  for (const path of Object.keys(metafile.inputs)) {
    if (!subpath.folders.some((folder) => path.startsWith(folder))) {
      faults.push(`${subpath.name} takes in ${path}; it may consist only of ${subpath.folders.join(', ')}`)
    }
  }
  return faults
}

const unbuilt = subpaths.filter(({ entry }) => !existsSync(new URL(`../${entry}`, import.meta.url)))
const faults =
  unbuilt.length > 0
    ? unbuilt.map(({ entry }) => `${entry} does not exist: run \`npm run build\` first`)
    : (await Promise.all(subpaths.map(faultsOf))).flat()
for (const fault of faults) console.error(fault)
if (faults.length > 0) process.exitCode = 1
