import fc from 'fast-check'
import { expect, test } from 'vitest'
import packageJson from '../../../package.json' with { type: 'json' }
import { nodeVersionFault } from '../../../src/cli/node-version.ts'

const lowest = /^>=(\d+)\.(\d+)$/.exec(packageJson.engines.node)!.slice(1).map(Number) as [number, number]

test('a version will do exactly if package.json allows it', () => {
  const near = (figure: number): fc.Arbitrary<number> => fc.integer({ min: Math.max(0, figure - 3), max: figure + 3 })
  fc.assert(
    fc.property(near(lowest[0]), fc.oneof(near(lowest[1]), fc.nat(99)), fc.nat(9), (major, minor, patch) => {
      const isAllowed = major !== lowest[0] ? major > lowest[0] : minor >= lowest[1]
      const version = `${major}.${minor}.${patch}`
      expect(nodeVersionFault(version)).toBe(
        isAllowed ? undefined : `needs Node.js >= ${lowest.join('.')}, this is v${version}`,
      )
    }),
  )
})
