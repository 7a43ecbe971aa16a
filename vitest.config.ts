import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { defineConfig, type ViteUserConfig } from 'vitest/config'

interface Manifest {
  readonly name: string
  readonly exports: Readonly<Record<string, string | { readonly source: string }>>
}

const manifest = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8')) as Manifest

/**
 * The package's own names lead to its sources, so that a test that imports `spillway/operators` and one
 * that imports `../../operators/index.ts` see the same module, and not two whose classes differ.
 */
const ownNames = Object.entries(manifest.exports).flatMap(([subpath, target]) =>
  typeof target === 'string'
    ? []
    : [
        {
          find: new RegExp(`^${manifest.name}${subpath.slice(1)}$`),
          replacement: fileURLToPath(new URL(target.source, import.meta.url)),
        },
      ],
)

const config: ViteUserConfig = defineConfig({
  resolve: { alias: ownNames },
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['test/setup/fast-check.ts'],
    allowOnly: false,
    // A guard against a hanging test and no statement about speed: the machine may be slow and shared.
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})

export default config
