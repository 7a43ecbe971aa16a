import { join } from 'node:path'
import type { Registry } from 'prom-client'
import { type Clock, messageOf } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import { registerScraped } from '../metrics/scraped-metric.ts'
import type { RedriveOptions } from '../pipeline/redrive/redrive-options.ts'
import type { DeadLetterStore } from '../stores/index.ts'
import { createRedisConnection, createRedisDeadLetterStore, type RedisConnection } from '../stores/redis/index.ts'
import { createSpooledDeadLetterStore, type SpooledDeadLetterStore } from '../stores/spooled-dead-letter-store.ts'
import { createSqliteDeadLetterStore } from '../stores/sqlite-dead-letter-store.ts'
import { createSqliteRedriveAnswers } from '../stores/sqlite-redrive-answers.ts'
import type { KeptLetters } from './kept-letters.ts'
import { makeFolder } from './make-folder.ts'
import { storeFiles } from './open-letters.ts'
import { redrivenAnswer } from './redriven-answer.ts'
import type { StoreSettings } from './store-settings.ts'

/** The stores of a server. */
export interface OpenedStores {
  /** `undefined` where no dead letters are kept. */
  readonly deadLetters: DeadLetterStore | undefined
  /** How dead letters are run again; `undefined` where they are not. */
  readonly redrive: RedriveOptions | undefined
  /** Which stores they are, in words. */
  readonly description: string
  close(): Promise<void>
}

/** What stores tell of themselves, and by which time they go. */
interface StoreGround {
  readonly logger: Logger
  readonly registry: Registry
  readonly clock: Clock
}

const sweepMs = 60_000

/**
 * Opens a server's stores. A Redis that is away keeps nothing from starting.
 *
 * @throws Error or StoreError saying what is wrong with the data folder.
 */
export function openStores(
  settings: StoreSettings & { readonly deadLetters: KeptLetters | undefined },
  ground: StoreGround,
): OpenedStores {
  const { dataDir, redis, encryptionKeys, deadLetters: kept } = settings
  if (kept === undefined) {
    return { deadLetters: undefined, redrive: undefined, description: 'no dead letters', close: async () => undefined }
  }
  makeFolder('--data-dir', dataDir)
  const { maxAgeMs, maxEntries, maxAttempts, redrive } = kept
  const options = { maxAgeMs, maxEntries, maxDead: Math.min(10_000, maxEntries), maxAttempts, encryptionKeys }
  const file = join(dataDir, storeFiles.letters)
  const local = createSqliteDeadLetterStore({ ...options, file, clock: ground.clock })
  const connection = redis && createRedisConnection({ url: redis.url, clock: ground.clock })
  const store = connection === undefined ? local : spooled(connection, local, options, ground)
  const answers = redrive
    ? createSqliteRedriveAnswers({ file: join(dataDir, storeFiles.answers), encryptionKeys, clock: ground.clock })
    : undefined
  const stopSweeping = sweepNowAndThen(store, ground)
  return {
    deadLetters: store,
    redrive: answers && {
      onRedriven: (redriven) => {
        answers.keep(redriven.letter.submissionId, redrivenAnswer(redriven))
      },
    },
    description: describe(settings, kept),
    async close() {
      stopSweeping()
      await store.close()
      answers?.close()
      await connection?.close()
    },
  }
}

function spooled(
  connection: RedisConnection,
  spool: DeadLetterStore,
  options: Omit<Parameters<typeof createRedisDeadLetterStore>[0], 'url' | 'connection'>,
  { logger, registry, clock }: StoreGround,
): SpooledDeadLetterStore {
  const primary = createRedisDeadLetterStore({ ...options, connection, logger })
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
  add('gauge', 'dead_letters_spooled', 'Dead letters that wait in the data folder for Redis.', () =>
    store.spooled().catch(() => Number.NaN),
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

function describe({ dataDir, redis, encryptionKeys }: StoreSettings, { kinds, redrive }: KeptLetters): string {
  const where = redis === undefined ? join(dataDir, storeFiles.letters) : `Redis at ${redis.name}`
  const how = encryptionKeys.length === 0 ? 'readable' : 'encrypted'
  return `dead letters (${kinds.join(', ')}) in ${where}, ${how}, ${redrive ? 'redriven' : 'not redriven'}`
}
