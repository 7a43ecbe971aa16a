import type { DeadLetterStoreSettings } from '../dead-letter-options.ts'

/** What a shard may hold: whole parts of what the store may hold, whose sum is exactly that. */
export type ShardLimits = Pick<DeadLetterStoreSettings, 'maxEntries' | 'maxDead' | 'maxBytes' | 'maxDone'>

/** @throws RangeError where there is not one of each for each shard. */
export function shardLimits(settings: DeadLetterStoreSettings, shards: number): readonly ShardLimits[] {
  for (const name of ['maxEntries', 'maxDead', 'maxBytes'] as const) {
    if (settings[name] < shards) {
      throw new RangeError(`${name} must be at least shards, which are ${shards}, got ${settings[name]}`)
    }
  }
  const part = (whole: number, shard: number): number => Math.floor(whole / shards) + (shard < whole % shards ? 1 : 0)
  return Array.from({ length: shards }, (_, shard) => ({
    maxEntries: part(settings.maxEntries, shard),
    maxDead: part(settings.maxDead, shard),
    maxBytes: part(settings.maxBytes, shard),
    maxDone: part(settings.maxDone, shard),
  }))
}
