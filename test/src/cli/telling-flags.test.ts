import { expect, test } from 'vitest'
import { tellingFlags } from '../../../src/cli/telling-flags.ts'
import { type DeadLetterStore, StoreError } from '../../../src/stores/index.ts'
import { createRedisDeadLetterStore, type RedisDeadLetterStoreOptions } from '../../../src/stores/redis/index.ts'

/** Refused before a connection is made. */
const made = (options: RedisDeadLetterStoreOptions): (() => DeadLetterStore) => {
  return () => tellingFlags(() => createRedisDeadLetterStore({ url: 'redis://127.0.0.1:1', ...options }))
}

test.each([
  [{ maxEntries: 10, shards: 16 }, '--dead-letters-max-entries must be at least shards, which are 16, got 10'],
  [{ maxDead: 10, shards: 16 }, '--dead-letters-max-entries must be at least shards, which are 16, got 10'],
  [{ maxAgeMs: 0 }, '--dead-letters-max-age must be a whole number from 1 to'],
  [{ maxAttempts: 0 }, '--dead-letters-max-attempts must be a whole number from 1 to'],
])('what is wrong with %j is told in a line that names the flag', (options, message) => {
  expect(made(options)).toThrow(message)
  // The command line prints errors of this class without a stack trace.
  expect(made(options)).toThrow(expect.objectContaining({ constructor: Error }) as Error)
})

test('anything else is thrown as it is', () => {
  expect(made({ shards: 0 })).toThrow(RangeError)
  for (const error of [new StoreError('maxEntries'), new RangeError('constructor'), new RangeError('')]) {
    expect(() =>
      tellingFlags(() => {
        throw error
      }),
    ).toThrow(error)
  }
})
