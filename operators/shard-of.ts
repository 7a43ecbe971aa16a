import { hash, mix } from './hash.ts'
import { checkInteger, checkText } from './options.ts'

/**
 * The shard that a session belongs to, 0 … `shards` - 1: rendezvous hashing. The same in every process and
 * version, even, and from n to n + 1 shards only about 1 in n + 1 sessions moves, all of them to the new one.
 *
 * @example
 * ```ts
 * const worker = workers[shardOf(request.session, workers.length)]
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 * @see D. Thaler, C. Ravishankar: A Name-Based Mapping Scheme for Rendezvous, 1996
 */
export function shardOf(session: string, shards: number): number {
  if (session !== '') checkText('session', session)
  checkInteger('shards', shards, { min: 1 })
  const digest = hash(session)
  let best = 0
  let highest = -1
  for (let shard = 0; shard < shards; shard++) {
    const score = mix(digest ^ mix(shard + 0x9e3779b9))
    if (score > highest) {
      highest = score
      best = shard
    }
  }
  return best
}
