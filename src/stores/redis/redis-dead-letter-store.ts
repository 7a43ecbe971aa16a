import { checkInteger, checkMethods, checkNumber, shardOf } from '../../../operators/index.ts'
import { type Logger, silentLogger } from '../../logger.ts'
import {
  checkDeadLetterStore,
  type DeadLetterStoreOptions,
  type DeadLetterStoreSettings,
} from '../dead-letter-options.ts'
import type {
  ClaimedDeadLetter,
  DeadLetter,
  DeadLetterCounts,
  DeadLetterFailure,
  DeadLetterPage,
  DeadLetterStore,
  Fenced,
  Lease,
  PutResult,
  ReplayResult,
  StoredDeadLetter,
  SweepReport,
} from '../dead-letter-store.ts'
import { LetterCodec } from '../letter-codec.ts'
import { StoreError } from '../store-error.ts'
import { abortable } from './abortable.ts'
import { durabilityProblems } from './durability.ts'
import { claimLetters } from './letter-claim.ts'
import { countLetters } from './letter-counts.ts'
import { encodeFailure, encodeText, LetterFields, readLetter } from './letter-fields.ts'
import { listLetters } from './letter-list.ts'
import type { LetterScript } from './letter-script.ts'
import {
  ackScript,
  deferScript,
  extendScript,
  failScript,
  letterSchema,
  purgeScript,
  putScript,
  readScript,
  replayScript,
} from './letter-scripts.ts'
import { LetterShards } from './letter-shards.ts'
import { sweepLetters } from './letter-sweep.ts'
import type { RedisReply } from './redis-connection.ts'
import { shardLimits, type ShardLimits } from './shard-limits.ts'
import { openRedisPlace, type RedisPlace, type RedisPlaceOptions } from './store-place.ts'

/** Where dead letters are kept, and what the store may hold. */
export interface RedisDeadLetterStoreOptions extends DeadLetterStoreOptions, RedisPlaceOptions {
  /**
   * Over how many slots of a cluster the entries are spread, 1 … 64, by their session or else by their
   * `submissionId`; default 1, in a cluster 16. It cannot be changed once there are entries. Each shard may hold its part of
   * `maxEntries`, `maxDead`, `maxBytes` and `maxDone`, so with more than one `put` may say `full`, and dead ones may be
   * evicted, somewhat sooner; and an entry of another session is no `conflict`, but another entry.
   */
  readonly shards?: number
  /** Is told once when Redis may lose what is stored, as it is configured; default: nothing is logged. */
  readonly logger?: Logger
}

interface Cancellable {
  readonly signal?: AbortSignal
}

class RedisDeadLetterStore implements DeadLetterStore {
  private readonly place: RedisPlace
  private readonly settings: DeadLetterStoreSettings
  private readonly limits: readonly ShardLimits[]
  private readonly shards: LetterShards
  private readonly codec: LetterCodec
  private readonly logger: Logger
  /** That the data is divided as this store divides it; asked for once. */
  private opened: Promise<void> | undefined
  private closed = false

  constructor(options: RedisDeadLetterStoreOptions) {
    this.settings = checkDeadLetterStore('createRedisDeadLetterStore', options, [
      ...(['url', 'connection', 'shards', 'prefix', 'logger'] as const),
    ])
    const isCluster = options.connection?.isCluster ?? Array.isArray(options.url)
    const count = checkInteger('shards', options.shards ?? (isCluster ? 16 : 1), { min: 1, max: 64 })
    this.limits = shardLimits(this.settings, count)
    this.logger = checkMethods('logger', options.logger ?? silentLogger, 'a Logger', ['warn'])
    this.codec = new LetterCodec(this.settings.encryptionKeys, this.settings.maxEntryBytes)
    this.place = openRedisPlace('createRedisDeadLetterStore', options)
    this.shards = new LetterShards(this.place.connection, count, this.place.prefix)
  }

  async put(letter: DeadLetter, options: Cancellable & { readonly dead?: boolean } = {}): Promise<PutResult> {
    const { submissionId, session, error } = letter
    const { payload, digest, digests } = this.codec.encode(letter)
    const id = this.codec.keyOf(submissionId)
    await this.begin(options)
    const shard = shardOf(session ?? submissionId, this.shards.count)
    const { maxAgeMs, doneWindowMs } = this.settings
    for (;;) {
      const answer = await this.shards.run(
        shard,
        putScript,
        {
          id,
          digest,
          digests: digests.join(' '),
          payload,
          err: error === undefined ? '' : this.codec.encodeError(error, id),
          submissionId: encodeText(submissionId),
          pipeline: letter.pipeline,
          session: session === undefined ? '' : this.codec.sessionKeyOf(session),
          stage: letter.stage,
          failure: encodeFailure(letter),
          firstSeenAt: letter.firstSeenAt,
          lastSeenAt: letter.lastSeenAt,
          state: options.dead === true ? 'dead' : 'due',
          ...this.limitsOf(shard),
          maxAgeMs,
          doneWindowMs,
        },
        options,
      )
      // It is full, and has made some room: there may be more.
      if (String(answer) !== 'again') return String(answer) as PutResult
    }
  }

  async claim(options: Parameters<DeadLetterStore['claim']>[0]): Promise<readonly ClaimedDeadLetter[]> {
    const limit = checkInteger('limit', options.limit, { min: 1, max: 100 })
    const leaseMs = checkNumber('leaseMs', options.leaseMs, { min: 1 })
    const perSession = checkNumber('perSession', options.perSession ?? Infinity, { min: 1, max: Infinity })
    const { pipeline, signal } = options
    const { maxAttempts, maxAgeMs } = this.settings
    await this.begin(options)
    return claimLetters(
      this.shards,
      this.codec,
      { pipeline, limit, leaseMs, perSession, ...(signal && { signal }) },
      (shard) => ({ maxAttempts, maxAgeMs, maxDead: this.limitsOf(shard).maxDead }),
    )
  }

  async ack(lease: Lease, options: Cancellable = {}): Promise<'acked' | Fenced> {
    const { doneWindowMs } = this.settings
    return this.end(lease, options, ackScript, ({ maxDone }) => ({ doneWindowMs, maxDone }))
  }

  async fail(
    lease: Lease,
    failure: DeadLetterFailure,
    options: Cancellable & { readonly retryInMs: number; readonly final?: boolean },
  ): Promise<'due' | 'dead' | Fenced> {
    const retryInMs = checkNumber('retryInMs', options.retryInMs)
    const { maxAttempts } = this.settings
    const { stage, error } = failure
    const err = error === undefined ? '' : this.codec.encodeError(error, this.codec.keyOf(lease.submissionId))
    const final = options.final === true ? 1 : 0
    return this.end(lease, options, failScript, ({ maxDead }) => ({
      ...{ stage, failure: encodeFailure(failure), err, retryInMs, final, maxAttempts },
      maxDead,
    }))
  }

  async defer(lease: Lease, options: Cancellable & { readonly retryInMs: number }): Promise<'due' | Fenced> {
    const retryInMs = checkNumber('retryInMs', options.retryInMs)
    return this.end(lease, options, deferScript, () => ({ retryInMs }))
  }

  async extend(lease: Lease, options: Cancellable & { readonly leaseMs: number }): Promise<'extended' | Fenced> {
    const leaseMs = checkNumber('leaseMs', options.leaseMs, { min: 1 })
    return this.end(lease, options, extendScript, () => ({ leaseMs }))
  }

  async replay(submissionIds: readonly string[], options: Cancellable = {}): Promise<readonly ReplayResult[]> {
    const { doneWindowMs } = this.settings
    return this.eachOf(submissionIds, options, replayScript, { doneWindowMs })
  }

  async purge(submissionIds: readonly string[], options: Cancellable = {}): Promise<readonly ('purged' | 'unknown')[]> {
    return this.eachOf(submissionIds, options, purgeScript, {})
  }

  async get(submissionId: string, options: Cancellable = {}): Promise<StoredDeadLetter | undefined> {
    await this.begin(options)
    const id = this.codec.keyOf(submissionId)
    const replies = await this.shards.each((shard) =>
      this.shards.run(shard, readScript, {}, { ...options, list: [id] }),
    )
    const entry = replies
      .map((reply) => new LetterFields((reply as readonly RedisReply[])[0] ?? null))
      .find(({ found }) => found)
    return entry && readLetter(entry, id, this.codec, letterSchema)
  }

  async list(options: Parameters<DeadLetterStore['list']>[0] = {}): Promise<DeadLetterPage> {
    await this.begin(options)
    return listLetters(this.shards, this.codec, options)
  }

  async counts(options: Cancellable = {}): Promise<DeadLetterCounts> {
    await this.begin(options)
    return countLetters(this.shards, options)
  }

  async sweep(options: Cancellable = {}): Promise<SweepReport> {
    await this.begin(options)
    const { maxAttempts, maxAgeMs, doneWindowMs } = this.settings
    return sweepLetters(
      this.shards,
      (shard) => ({ maxAttempts, maxAgeMs, doneWindowMs, maxDead: this.limitsOf(shard).maxDead }),
      options,
    )
  }

  async close(): Promise<void> {
    this.closed = true
    await this.place.leave()
  }

  private limitsOf(shard: number): ShardLimits {
    return this.limits[shard] as ShardLimits
  }

  /** Ends or extends a lease, whose token says of which shard it is. */
  private async end<Result extends string, Name extends string>(
    { submissionId, epoch, token }: Lease,
    { signal }: Cancellable,
    script: LetterScript<Name>,
    valuesOf: (
      limits: ShardLimits,
    ) => Readonly<Record<Exclude<Name, 'id' | 'epoch' | 'token'>, string | number | Uint8Array>>,
  ): Promise<Result | Fenced> {
    await this.begin(signal && { signal })
    const shard = Number(/^\d+(?=\.)/.exec(token)?.[0] ?? this.shards.count)
    const limits = this.limits[shard]
    if (limits === undefined) return 'fenced'
    const values = { ...valuesOf(limits), id: this.codec.keyOf(submissionId), epoch, token } as never
    return String(await this.shards.run(shard, script, values, signal && { signal })) as Result
  }

  /** Does the same with each id, in whichever shard it is. */
  private async eachOf<Result extends string, Name extends string>(
    submissionIds: readonly string[],
    options: Cancellable,
    script: LetterScript<Name>,
    values: Readonly<Record<Name, number>>,
  ): Promise<readonly Result[]> {
    if (submissionIds.length > 100) {
      throw new RangeError(`submissionIds must be at most 100, got ${submissionIds.length}`)
    }
    await this.begin(options)
    const list = submissionIds.map((submissionId) => this.codec.keyOf(submissionId))
    const answers = await this.shards.each(async (shard) => {
      const words = await this.shards.run(shard, script, values, { ...options, list })
      return (words as readonly RedisReply[]).map(String)
    })
    return list.map((_, at) => {
      const words = answers.map((answer) => answer[at])
      return (words.find((word) => word !== 'unknown') ?? 'unknown') as Result
    })
  }

  private async begin({ signal }: Cancellable = {}): Promise<void> {
    if (this.closed) throw new StoreError('the store is closed')
    signal?.throwIfAborted()
    this.opened ??= this.open().catch((error: unknown) => {
      this.opened = undefined
      throw error
    })
    await abortable(this.opened, signal)
  }

  private async open(): Promise<void> {
    const { connection } = this.place
    const { shards } = this
    const key = shards.countKey
    // It is read before it is written: a server whose memory is full can still be read.
    if ((await connection.send('GET', [key])) === null) await connection.send('SET', [key, shards.count, 'NX'])
    const count = Number(await connection.send('GET', [key]))
    if (count !== shards.count) {
      throw new StoreError(
        `Redis at ${connection.name}: ${key} says that there are ${count} shards, not ${shards.count}`,
      )
    }
    const problems = await durabilityProblems(connection)
    if (problems.length > 0) {
      this.logger.warn({ redis: connection.name, problems }, 'Redis may lose dead letters')
    }
  }
}

/**
 * Keeps dead letters in Redis 7 or newer, or in a cluster of it: each change is one script on one shard, by the time of
 * Redis. What it acknowledged is lost only when Redis loses it: see to `appendonly yes`, `appendfsync always` and
 * `maxmemory-policy noeviction`; a fail-over to a replica may lose the latest.
 *
 * @example
 * ```ts
 * const deadLetters = createRedisDeadLetterStore({ url: 'redis://:secret@127.0.0.1:6379' })
 * const running = chat.start({ deadLetters })
 * ```
 *
 * @throws RangeError or TypeError that names the option, its value and the allowed range; never the password.
 */
export function createRedisDeadLetterStore(options: RedisDeadLetterStoreOptions): DeadLetterStore {
  return new RedisDeadLetterStore(options)
}
