import { join } from 'node:path'
import type { Registry } from 'prom-client'
import { type Clock, messageOf } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import { registerScraped } from '../metrics/scraped-metric.ts'
import type { RedriveOptions } from '../pipeline/redrive/redrive-options.ts'
import type { SessionOptions } from '../pipeline/session-options.ts'
import type { DeadLetterStore } from '../stores/index.ts'
import {
  createRedisConnection,
  createRedisDeadLetterStore,
  createRedisSessionStore,
  type RedisConnection,
} from '../stores/redis/index.ts'
import { createSpooledDeadLetterStore, type SpooledDeadLetterStore } from '../stores/spooled-dead-letter-store.ts'
import { createSqliteDeadLetterStore } from '../stores/sqlite-dead-letter-store.ts'
import { createSqliteRedriveAnswers } from '../stores/sqlite-redrive-answers.ts'
import { createSqliteSessionStore } from '../stores/sqlite-session-store.ts'
import type { KeptLetters } from './kept-letters.ts'
import type { KeptSessions } from './kept-sessions.ts'
import { makeFolder } from './make-folder.ts'
import { storeFiles } from './open-letters.ts'
import { redrivenAnswer } from './redriven-answer.ts'
import type { StoreSettings } from './store-settings.ts'
import { tellingFlags } from './telling-flags.ts'

/** The stores of a server. */
export interface OpenedStores {
  /** `undefined` where no dead letters are kept. */
  readonly deadLetters: DeadLetterStore | undefined
  /** How dead letters are run again; `undefined` where they are not. */
  readonly redrive: RedriveOptions | undefined
  /** `undefined` where no sessions are kept. */
  readonly sessions: SessionOptions | undefined
  /** Which stores they are, in words. */
  readonly descriptions: readonly string[]
  close(): Promise<void>
}

type OpenedStoreSettings = StoreSettings & {
  readonly deadLetters: KeptLetters | undefined
  readonly sessions: KeptSessions | undefined
}

/** What stores tell of themselves, and by which time they go. */
interface StoreGround {
  readonly logger: Logger
  readonly registry: Registry
  readonly clock: Clock
}

const sweepMs = 60_000
const weekMs = 604_800_000

/**
 * Opens a server's stores. A Redis that is away keeps nothing from starting.
 *
 * @throws Error or StoreError saying what is wrong with the data folder or an option of the command line.
 */
export function openStores(settings: OpenedStoreSettings, ground: StoreGround): OpenedStores {
  const { redis, dataDir, deadLetters, sessions } = settings
  const isAnyKept = deadLetters !== undefined || sessions !== undefined
  if (isAnyKept) makeFolder('--data-dir', dataDir)
  const connection =
    isAnyKept && redis !== undefined ? createRedisConnection({ url: redis.url, clock: ground.clock }) : undefined
  const letters = deadLetters && openKeptLetters(settings, deadLetters, connection, ground)
  const talks = sessions && openKeptSessions(settings, sessions, connection, ground)
  return {
    deadLetters: letters?.store,
    redrive: letters?.redrive,
    sessions: talks,
    descriptions: describe(settings),
    async close() {
      await letters?.close()
      await talks?.store.close()
      await connection?.close()
    },
  }
}

interface OpenedLetters {
  readonly store: DeadLetterStore
  readonly redrive: RedriveOptions | undefined
  close(): Promise<void>
}

function openKeptLetters(
  { dataDir, encryptionKeys }: StoreSettings,
  { maxAgeMs, maxEntries, maxAttempts, redrive }: KeptLetters,
  connection: RedisConnection | undefined,
  ground: StoreGround,
): OpenedLetters {
  const { clock } = ground
  const options = { maxAgeMs, maxEntries, maxDead: Math.min(10_000, maxEntries), maxAttempts, encryptionKeys }
  const file = join(dataDir, storeFiles.letters)
  const local = tellingFlags(() => createSqliteDeadLetterStore({ ...options, file, clock }))
  const store = connection === undefined ? local : spooled(connection, local, options, ground)
  const stopSweeping = sweepNowAndThen(store, ground)
  const answers = redrive
    ? createSqliteRedriveAnswers({ file: join(dataDir, storeFiles.answers), encryptionKeys, clock })
    : undefined
  return {
    store,
    redrive: answers && {
      onRedriven: (redriven) => {
        answers.keep(redriven.letter.submissionId, redrivenAnswer(redriven))
      },
    },
    async close() {
      stopSweeping()
      await store.close()
      answers?.close()
    },
  }
}

function openKeptSessions(
  { dataDir, encryptionKeys }: StoreSettings,
  { ttlMs, onOutage }: KeptSessions,
  connection: RedisConnection | undefined,
  { clock }: StoreGround,
): SessionOptions {
  const options = { ttlMs, maxAgeMs: Math.max(weekMs, ttlMs), encryptionKeys }
  const store =
    connection === undefined
      ? createSqliteSessionStore({ ...options, file: join(dataDir, storeFiles.sessions), clock })
      : createRedisSessionStore({ ...options, connection })
  return { store, onOutage }
}

function spooled(
  connection: RedisConnection,
  spool: DeadLetterStore,
  options: Omit<Parameters<typeof createRedisDeadLetterStore>[0], 'url' | 'connection'>,
  { logger, registry, clock }: StoreGround,
): SpooledDeadLetterStore {
  const primary = tellingFlags(() => createRedisDeadLetterStore({ ...options, connection, logger }))
  const store = createSpooledDeadLetterStore({ primary, spool, logger, clock })
  const add = (type: 'counter' | 'gauge', name: string, help: string, value: () => number | Promise<number>): void => {
    registerScraped(registry, {
      ...{ name: `orchestrator_${name}`, help, type },
      collect: async () => [{ labels: {}, value: await value() }],
    })
  }
  add('gauge', 'dead_letter_store_up', 'Whether Redis takes dead letters.', () =>
    store.figures.state === 'ready' ? 1 : 0,
  )
  const waiting = (): Promise<number> => store.spooled().catch(() => Number.NaN)
  add('gauge', 'dead_letters_spooled', 'Dead letters that wait in the data folder for Redis.', waiting)
  add(
    'gauge',
    'dead_letters_stuck',
    'Of those in the data folder, those that stay there: they cannot be read, or others of their ids are in Redis.',
    // They may have been purged since they were looked at.
    async () => Math.min(store.figures.stuck, await waiting()),
  )
  add(
    'counter',
    'dead_letters_spooled_total',
    'Dead letters that were put into the data folder, because Redis was away.',
    () => store.figures.spooled,
  )
  add(
    'counter',
    'dead_letters_moved_total',
    'Dead letters that were moved from the data folder to Redis.',
    () => store.figures.moved,
  )
  return store
}

/** Ends what has had its time, also while nothing else happens. */
function sweepNowAndThen(store: DeadLetterStore, { clock, logger }: StoreGround): () => void {
  const sweep = (): void => {
    timer = clock.setTimeout(sweep, sweepMs)
    store.sweep().catch((error: unknown) => {
      logger.debug({ reason: messageOf(error) }, 'the dead letters were not swept')
    })
  }
  let timer = clock.setTimeout(sweep, sweepMs)
  return () => {
    clock.clearTimeout(timer)
  }
}

function describe({ dataDir, redis, encryptionKeys, deadLetters, sessions }: OpenedStoreSettings): readonly string[] {
  const form = encryptionKeys.length === 0 ? 'readable' : 'encrypted'
  const place = (file: string): string => (redis === undefined ? join(dataDir, file) : `Redis at ${redis.name}`)
  const kinds = deadLetters?.kinds.join(', ') ?? ''
  const redriven = deadLetters?.redrive === true ? 'redriven' : 'not redriven'
  return [
    deadLetters === undefined
      ? 'no dead letters'
      : `dead letters (${kinds}) in ${place(storeFiles.letters)}, ${form}, ${redriven}`,
    sessions === undefined ? 'no sessions' : `sessions in ${place(storeFiles.sessions)}, ${form}`,
  ]
}
