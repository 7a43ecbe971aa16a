import { randomBytes } from 'node:crypto'
import type { ClaimedDeadLetter, StoredDeadLetter } from '../dead-letter-store.ts'
import type { LetterCodec } from '../letter-codec.ts'
import { claimedSessionsScript } from './claimed-sessions-script.ts'
import { LetterFields, readLetter } from './letter-fields.ts'
import { buryScript, claimScript, letterSchema, peekScript } from './letter-scripts.ts'
import type { LetterShards } from './letter-shards.ts'
import type { RedisReply } from './redis-connection.ts'

interface ClaimOptions {
  readonly pipeline: string
  readonly limit: number
  readonly leaseMs: number
  readonly perSession: number
  readonly signal?: AbortSignal
}

interface ClaimLimits {
  readonly maxAttempts: number
  readonly maxAgeMs: number
  readonly maxDead: number
}

/** A shard, and how far it was looked through. */
interface Visit {
  readonly shard: number
  skip: number
  /** How many to claim there: those that were due before all others. */
  wanted: number
  /** How many it is known to have, the others unknown where that is as many as were asked for. */
  readonly due: number
  claimed: number
  /** Whether it may have more than was claimed. */
  more: boolean
  /** Whether something in it is over. */
  readonly toClear: boolean
}

interface Claimed {
  readonly shard: number
  readonly dueAt: number
  readonly id: string
  readonly letter: StoredDeadLetter
  readonly token: string
}

/**
 * Leases entries of all shards: looks what is due where, and claims what has been due longest where that is. Where
 * entries have to be passed over, or others were faster, it goes on round the shards.
 */
export async function claimLetters(
  shards: LetterShards,
  codec: LetterCodec,
  options: ClaimOptions,
  limitsOf: (shard: number) => ClaimLimits,
): Promise<readonly ClaimedDeadLetter[]> {
  const { visits, failures } = await peek(shards, options, limitsOf)
  const token = randomBytes(16).toString('base64url')
  const claimed = new Map<string, Claimed>()
  let calls = 0
  const claim = async (visit: Visit, limit: number): Promise<void> => {
    const call = calls++
    const found = await claimIn(
      shards,
      codec,
      visit,
      options,
      limitsOf(visit.shard),
      limit,
      `${visit.shard}.${token}.${call}.`,
    )
    // A lease may be over before the next call: then it is the later one that counts.
    for (const entry of found) claimed.set(entry.id, entry)
  }
  const first = await Promise.allSettled(
    visits.filter(({ wanted, toClear }) => wanted > 0 || toClear).map((visit) => claim(visit, visit.wanted)),
  )
  failures.push(...first.filter(({ status }) => status === 'rejected'))
  for (const visit of visits) {
    while (visit.more && claimed.size < options.limit && failures.length === 0 && options.signal?.aborted !== true) {
      const [rest] = await Promise.allSettled([claim(visit, options.limit - claimed.size)])
      if (rest.status === 'rejected') failures.push(rest)
    }
  }
  // What was leased is handed out, whatever else has failed: nobody else could end its lease.
  if (failures.length > 0 && claimed.size === 0) throw (failures[0] as PromiseRejectedResult).reason
  return readable(shards, [...claimed.values()], limitsOf)
}

/** The shards that answer, and how many of the entries that are due longest each has. */
async function peek(
  shards: LetterShards,
  { pipeline, limit, signal }: ClaimOptions,
  limitsOf: (shard: number) => ClaimLimits,
): Promise<{ readonly visits: readonly Visit[]; readonly failures: PromiseSettledResult<unknown>[] }> {
  const dueTimes: { readonly time: number; readonly visit: Visit }[] = []
  const peeks = await Promise.allSettled(
    shards.all.map(async (shard) => {
      const { maxAgeMs } = limitsOf(shard)
      const reply = await shards.run(shard, peekScript, { pipeline, limit, maxAgeMs }, signal && { signal })
      const [times, toClear] = reply as readonly [readonly RedisReply[], number]
      const [due, more] = [times.length, times.length > 0]
      const visit: Visit = { shard, skip: 0, wanted: 0, due, claimed: 0, more, toClear: toClear > 0 }
      dueTimes.push(...times.map((time) => ({ time: Number(String(time)), visit })))
      return visit
    }),
  )
  for (const { visit } of dueTimes.toSorted((a, b) => a.time - b.time).slice(0, limit)) visit.wanted += 1
  return {
    visits: peeks.flatMap((result) => (result.status === 'fulfilled' ? result.value : [])),
    failures: peeks.filter(({ status }) => status === 'rejected'),
  }
}

async function claimIn(
  shards: LetterShards,
  codec: LetterCodec,
  visit: Visit,
  options: ClaimOptions,
  limits: ClaimLimits,
  limit: number,
  token: string,
): Promise<readonly Claimed[]> {
  const { pipeline, leaseMs, perSession } = options
  // Not abandoned when the caller's signal aborts: what it leases would be lost until the lease is over.
  const reply = await shards.run(visit.shard, claimScript, {
    ...{ pipeline, limit, leaseMs, token, skip: visit.skip },
    perSession: perSession === Infinity ? '' : perSession,
    ...limits,
  })
  const [skip, entries] = reply as readonly [number, readonly (readonly [RedisReply, RedisReply, RedisReply])[]]
  const claimed = entries.map(([dueAt, id, hash]) => {
    const fields = new LetterFields(hash)
    const letter = readLetter(fields, String(id), codec, letterSchema)
    return { shard: visit.shard, dueAt: Number(String(dueAt)), id: String(id), letter, token: fields.text('token') }
  })
  const kept = await withinSessions(shards, codec, visit.shard, claimed, perSession)
  visit.claimed += kept.length
  visit.more = skip !== -1 && (visit.due === options.limit || visit.claimed < visit.due)
  visit.skip = Math.max(0, skip)
  return kept
}

/**
 * Gives back what was claimed beyond `perSession` of a session with entries under several encryption keys, which only
 * who can read them knows for one; those that have been due longest stay.
 */
async function withinSessions(
  shards: LetterShards,
  codec: LetterCodec,
  shard: number,
  claimed: readonly Claimed[],
  perSession: number,
): Promise<readonly Claimed[]> {
  if (perSession === Infinity) return claimed
  const list = claimed.toReversed().flatMap(({ id, token, dueAt, letter: { epoch, session } }) => {
    const keys = session === undefined ? [] : codec.sessionKeysOf(session)
    return keys.length > 1 ? [id, `${epoch}`, token, `${dueAt}`, keys.join(' ')] : []
  })
  if (list.length === 0) return claimed
  try {
    const reply = await shards.run(shard, claimedSessionsScript, { perSession }, { list })
    const returned = new Set((reply as readonly RedisReply[]).map(String))
    return claimed.filter(({ id }) => !returned.has(id))
  } catch {
    // They are leased all the same, and nobody else could end that.
    return claimed
  }
}

/** What can be redriven, those due longest first; the others are given up. */
async function readable(
  shards: LetterShards,
  claimed: readonly Claimed[],
  limitsOf: (shard: number) => ClaimLimits,
): Promise<readonly ClaimedDeadLetter[]> {
  const unreadable: Promise<unknown>[] = []
  const letters: ClaimedDeadLetter[] = []
  for (const { shard, id, letter, token } of claimed.toSorted((a, b) => a.dueAt - b.dueAt || (a.id < b.id ? -1 : 1))) {
    const { submissionId, epoch } = letter
    if (letter.unreadable === undefined) letters.push({ letter, lease: { submissionId, epoch, token } })
    else unreadable.push(shards.run(shard, buryScript, { id, epoch, token, maxDead: limitsOf(shard).maxDead }))
  }
  // One that could not be given up now is claimed again when its lease is over.
  await Promise.allSettled(unreadable)
  return letters
}
