import fc from 'fast-check'
import { expect, test } from 'vitest'
import { checkDeadLetterStore } from '../../../../src/stores/dead-letter-options.ts'
import { shardLimits } from '../../../../src/stores/redis/shard-limits.ts'

test('the parts of the shards add up to what the store may hold, and differ by one at the most', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 64, max: 10_000 }), (shards, bound) => {
      const settings = checkDeadLetterStore('test', { maxEntries: bound, maxDead: 64, maxBytes: bound, maxDone: 5 }, [])
      const parts = shardLimits(settings, shards)
      for (const name of ['maxEntries', 'maxDead', 'maxBytes', 'maxDone'] as const) {
        const values = parts.map((part) => part[name])
        expect(values.reduce((sum, value) => sum + value, 0)).toBe(settings[name])
        expect(Math.max(...values) - Math.min(...values)).toBeLessThanOrEqual(1)
      }
    }),
  )
})
