import type { Buffer } from 'node:buffer'
import { checkInteger, show } from '../../../operators/index.ts'
import type { DeadLetterFilter, DeadLetterPage, StoredDeadLetter } from '../dead-letter-store.ts'
import type { LetterCodec } from '../letter-codec.ts'
import { LetterFields, readLetter } from './letter-fields.ts'
import { answerBytes, letterSchema, readScript } from './letter-scripts.ts'
import type { LetterShards } from './letter-shards.ts'
import { listScript } from './list-script.ts'
import type { RedisReply } from './redis-connection.ts'

/** The place of an entry in the list of all: when it was submitted, as Redis writes it, and its key. */
interface Position {
  readonly time: string
  readonly id: string
}

interface Found extends Position {
  readonly shard: number
  readonly size: number
}

interface ListOptions extends DeadLetterFilter {
  readonly cursor?: string
  readonly limit?: number
  readonly signal?: AbortSignal
}

/** Lists the entries of all shards as one: each gives its next ones, and none is passed by that may stand before others. */
export async function listLetters(
  shards: LetterShards,
  codec: LetterCodec,
  options: ListOptions,
): Promise<DeadLetterPage> {
  const { cursor, signal, session, from, to } = options
  const limit = checkInteger('limit', options.limit ?? 100, { min: 1, max: 100 })
  const after = cursor === undefined ? undefined : parseCursor(cursor)
  const values = {
    afterAt: after?.time ?? '',
    afterId: after?.id ?? '',
    limit,
    from: from ?? '',
    to: to ?? '',
    pipeline: options.pipeline ?? '',
    stage: options.stage ?? '',
    kind: options.kind ?? '',
    reason: options.reason ?? '',
    state: options.state ?? '',
    session: session === undefined ? '' : codec.sessionKeysOf(session).join(' '),
  }
  const replies = await shards.each(async (shard) =>
    parts(shard, await shards.run(shard, listScript, values, signal && { signal })),
  )
  const cameTo = replies.flatMap(({ cameTo: position }) => position ?? []).toSorted(compare)[0]
  const found = replies.flatMap(({ entries }) => entries).toSorted(compare)
  const certain = cameTo === undefined ? found : found.filter((entry) => compare(entry, cameTo) <= 0)
  const page = firstOf(certain, limit)
  const next = page.length < certain.length ? page.at(-1) : cameTo
  const letters = await read(shards, codec, page, signal)
  return {
    // One that has changed since it was found may fit no more.
    entries: letters.filter((letter) => stillFits(letter, options)),
    ...(next !== undefined && { cursor: `${next.time}~${next.id}` }),
  }
}

function parts(shard: number, reply: RedisReply): { cameTo: Position | undefined; entries: readonly Found[] } {
  const [position, entries] = reply as readonly [readonly Buffer[], readonly (readonly [Buffer, Buffer, number])[]]
  const [time, id] = position
  return {
    cameTo: time && id && { time: time.toString(), id: id.toString() },
    entries: entries.map(([at, key, size]) => ({ shard, time: at.toString(), id: key.toString(), size })),
  }
}

function compare(a: Position, b: Position): number {
  const difference = Number(a.time) - Number(b.time)
  if (difference !== 0) return difference
  if (a.id === b.id) return 0
  return a.id < b.id ? -1 : 1
}

/** As many as are wanted, and as an answer may carry, but one at least. */
function firstOf(found: readonly Found[], limit: number): readonly Found[] {
  let bytes = 0
  const tooMany = found.findIndex(({ size }, at) => {
    bytes += size
    return at > 0 && bytes > answerBytes
  })
  return found.slice(0, tooMany === -1 ? limit : Math.min(limit, tooMany))
}

async function read(
  shards: LetterShards,
  codec: LetterCodec,
  page: readonly Found[],
  signal: AbortSignal | undefined,
): Promise<readonly StoredDeadLetter[]> {
  const letters = new Map<Found, StoredDeadLetter>()
  await Promise.all(
    [...Map.groupBy(page, ({ shard }) => shard)].map(async ([shard, found]) => {
      const list = found.map(({ id }) => id)
      const reply = await shards.run(shard, readScript, {}, { list, ...(signal && { signal }) })
      for (const [at, entry] of found.entries()) {
        const fields = new LetterFields((reply as readonly RedisReply[])[at] ?? null)
        if (fields.found) letters.set(entry, readLetter(fields, entry.id, codec, letterSchema))
      }
    }),
  )
  return page.flatMap((entry) => letters.get(entry) ?? [])
}

function stillFits(letter: StoredDeadLetter, filter: DeadLetterFilter): boolean {
  return (['state', 'stage', 'kind', 'reason'] as const).every(
    (name) => filter[name] === undefined || filter[name] === letter[name],
  )
}

function parseCursor(cursor: string): Position {
  const found = /^(-?[\d.]+(?:e[+-]?\d+)?)~([\w-]{43})$/.exec(cursor)
  const [, time = '', id = ''] = found ?? []
  // What is no number to Redis would look like a failure of the store.
  if (time === '' || !Number.isFinite(Number(time))) {
    throw new RangeError(`cursor must be one that list gave, got ${show(cursor)}`)
  }
  return { time, id }
}
