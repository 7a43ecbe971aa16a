import type { DeadLetterCounts } from '../dead-letter-store.ts'
import { countsScript } from './letter-scripts.ts'
import type { LetterShards } from './letter-shards.ts'
import type { RedisReply } from './redis-connection.ts'

const totals = [
  'rejected',
  'acked',
  'died',
  'replayed',
  'evicted',
  'expired',
  'purged',
  'orphaned',
] as const satisfies readonly (keyof DeadLetterCounts['totals'])[]

/** Adds up what the shards count, each at its own time. */
export async function countLetters(
  shards: LetterShards,
  options: { readonly signal?: AbortSignal },
): Promise<DeadLetterCounts> {
  const counted = await Promise.all(
    shards.all.map(async (shard) => {
      const reply = await shards.run(shard, countsScript, {}, options)
      const [sizes, counters] = reply as readonly [readonly [number, number, number], readonly RedisReply[]]
      const texts = counters.map(String)
      const counterOf = (name: string): number => {
        const at = texts.indexOf(name)
        return at === -1 ? 0 : Number(texts[at + 1])
      }
      return { sizes, counterOf }
    }),
  )
  const sum = (valueOf: (shard: (typeof counted)[number]) => number): number =>
    counted.reduce((total, shard) => total + valueOf(shard), 0)
  const [all, leased, dead] = ([0, 1, 2] as const).map((at) => sum(({ sizes }) => sizes[at])) as [
    number,
    number,
    number,
  ]
  const counters = Object.fromEntries(totals.map((name) => [name, sum(({ counterOf }) => counterOf(name))]))
  const { acked, evicted, expired, purged, orphaned } = counters as unknown as DeadLetterCounts['totals']
  return {
    // Less than nothing only while a set is lost.
    due: Math.max(0, all - leased - dead),
    leased,
    dead,
    bytes: sum(({ counterOf }) => counterOf('bytes')),
    totals: {
      ...(counters as unknown as DeadLetterCounts['totals']),
      // What is there, or came to an end.
      stored: all + acked + evicted + expired + purged + orphaned,
    },
  }
}
