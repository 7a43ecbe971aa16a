import { readFileSync } from 'node:fs'

const manifest = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'))

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  // The package's own subpaths, so that what can be imported and what is documented are the same.
  entryPoints: Object.values(manifest.exports).flatMap((target) => (typeof target === 'string' ? [] : [target.source])),
  tsconfig: 'tsconfig.build.json',
  out: 'docs',
  readme: 'none',
  // Links to sources would need the address of a published repository.
  disableSources: true,
  excludePrivate: true,
  excludeInternal: true,
  treatWarningsAsErrors: true,
  validation: { notExported: true, invalidLink: true, invalidPath: true, notDocumented: true },
  requiredToBeDocumented: ['Class', 'Function', 'Interface', 'TypeAlias', 'Variable'],
  logLevel: 'Warn',
}
