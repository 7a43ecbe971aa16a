import type { SweepReport } from '../dead-letter-store.ts'
import type { LetterShards } from './letter-shards.ts'
import type { RedisReply } from './redis-connection.ts'
import { recountScript, repairScript, surveyScript, sweepScript } from './sweep-scripts.ts'

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

interface Cancellable {
  readonly signal?: AbortSignal
}

/** What `sweepScript` needs to know of a shard. */
export interface SweepLimits {
  readonly maxAttempts: number
  readonly maxAgeMs: number
  readonly maxDead: number
  readonly doneWindowMs: number
}

/**
 * Ends what is over, and repairs: every id in the sets is looked up, 100 at a time; where the sets' sizes say that
 * something is missing, all hashes are looked for as well, which goes through all keys of the database (SCAN).
 */
export async function sweepLetters(
  shards: LetterShards,
  limitsOf: (shard: number) => SweepLimits,
  options: Cancellable,
): Promise<SweepReport> {
  const report: Mutable<SweepReport> = { released: 0, expired: 0, evicted: 0, repaired: 0, orphaned: 0 }
  const damaged = new Set<number>()
  const repair = async (shard: number, list: readonly string[], deep: 0 | 1): Promise<void> => {
    const reply = await shards.run(shard, repairScript, { deep }, { list, ...options })
    const [back, gone] = reply as readonly [number, number]
    report.repaired += back
    if (back + gone > 0) damaged.add(shard)
  }

  await Promise.all(shards.all.map((shard) => endWhatIsOver(shards, shard, limitsOf(shard), report, options)))
  for (const shard of shards.all) if ((await survey(shards, shard, options)).lost) damaged.add(shard)
  if (damaged.size > 0) await eachEntryKey(shards, (shard, ids) => repair(shard, ids, 0), options)
  for (const shard of shards.all) {
    const { sets } = await survey(shards, shard, options)
    // What stands in another set stands in the first one, too, unless it was damaged.
    if (!damaged.has(shard)) {
      for (const set of sets.slice(0, 1)) await eachMember(shards, set, (ids) => repair(shard, ids, 0), options)
    }
    if (damaged.has(shard)) {
      for (const set of sets) await eachMember(shards, set, (ids) => repair(shard, ids, 1), options)
      report.orphaned += Number(await shards.run(shard, recountScript, {}, options))
    }
  }
  return report
}

async function endWhatIsOver(
  shards: LetterShards,
  shard: number,
  limits: SweepLimits,
  report: Mutable<SweepReport>,
  options: Cancellable,
): Promise<void> {
  let counts: readonly [number, number, number]
  do {
    counts = (await shards.run(shard, sweepScript, { ...limits }, options)) as typeof counts
    report.released += counts[0]
    report.expired += counts[1]
    report.evicted += counts[2]
  } while (counts.some((count) => count >= 100))
}

async function survey(
  shards: LetterShards,
  shard: number,
  options: Cancellable,
): Promise<{ readonly lost: boolean; readonly sets: readonly string[] }> {
  const [lost, sets] = (await shards.run(shard, surveyScript, {}, options)) as readonly [number, readonly RedisReply[]]
  return { lost: lost === 1, sets: sets.map(String) }
}

async function eachMember(
  { connection }: LetterShards,
  set: string,
  visit: (ids: readonly string[]) => Promise<void>,
  options: Cancellable,
): Promise<void> {
  let cursor = '0'
  do {
    const reply = await connection.send('ZSCAN', [set, cursor, 'COUNT', 100], options)
    const [next, members] = reply as readonly [RedisReply, readonly RedisReply[]]
    cursor = String(next)
    await inParts(members.filter((_, at) => at % 2 === 0).map(String), visit)
  } while (cursor !== '0')
}

async function eachEntryKey(
  shards: LetterShards,
  visit: (shard: number, ids: readonly string[]) => Promise<void>,
  options: Cancellable,
): Promise<void> {
  await shards.connection.eachMaster(async (send) => {
    let cursor = '0'
    do {
      const reply = await send('SCAN', [cursor, 'MATCH', shards.entryPattern, 'COUNT', 1000])
      const [next, keys] = reply as readonly [RedisReply, readonly RedisReply[]]
      cursor = String(next)
      const entries = keys.flatMap((key) => shards.entryOf(String(key)) ?? [])
      for (const [shard, found] of Map.groupBy(entries, (entry) => entry.shard)) {
        await inParts(
          found.map(({ id }) => id),
          (ids) => visit(shard, ids),
        )
      }
    } while (cursor !== '0')
  }, options)
}

/** At most 100 at a time. */
async function inParts(ids: readonly string[], visit: (part: readonly string[]) => Promise<void>): Promise<void> {
  for (let from = 0; from < ids.length; from += 100) await visit(ids.slice(from, from + 100))
}
