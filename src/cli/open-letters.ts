import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../operators/index.ts'
import type { DeadLetterStore } from '../stores/index.ts'
import { createRedisDeadLetterStore } from '../stores/redis/index.ts'
import { createSqliteDeadLetterStore } from '../stores/sqlite-dead-letter-store.ts'
import { createSqliteRedriveAnswers, type RedriveAnswer } from '../stores/sqlite-redrive-answers.ts'
import { makeFolder } from './make-folder.ts'
import type { StoreSettings } from './store-settings.ts'
import { tellingFlags } from './telling-flags.ts'

/** The files in the data folder. */
export const storeFiles = {
  letters: 'dead-letters.db',
  answers: 'redrive-answers.db',
  sessions: 'sessions.db',
} as const

/**
 * How old an entry may become is the server's affair; who looks, or imports, must not have it expire sooner.
 */
const aCenturyMs = 3_155_760_000_000

/** Which store of dead letters it is, and what it may hold. */
export interface LetterStoreSettings extends StoreSettings {
  /** As the server has it; only a `put` heeds it. */
  readonly maxEntries: number
}

/**
 * Opens the store that a server with the same settings has.
 *
 * @param create Whether one in the data folder is made where there is none.
 * @throws Error or StoreError that says why it cannot be opened.
 */
export function openLetters(settings: LetterStoreSettings, create: boolean): DeadLetterStore {
  const { dataDir, redis, encryptionKeys, maxEntries } = settings
  const options = { encryptionKeys, maxEntries, maxAgeMs: aCenturyMs }
  if (redis !== undefined) return tellingFlags(() => createRedisDeadLetterStore({ ...options, url: redis.url }))
  const file = join(dataDir, storeFiles.letters)
  if (create) makeFolder('--data-dir', dataDir)
  else if (!existsSync(file)) {
    throw new Error(`--data-dir: there is no ${file}; name the folder of a server that has kept dead letters`)
  }
  return tellingFlags(() => createSqliteDeadLetterStore({ ...options, file }))
}

/**
 * Says how many wait in the data folder for Redis, where nothing but the server that moves them sees them, or that nobody
 * knows because the file cannot be read; `undefined` where there are none.
 */
export async function waitingLetters(settings: LetterStoreSettings): Promise<string | undefined> {
  const file = join(settings.dataDir, storeFiles.letters)
  if (settings.redis === undefined || !existsSync(file)) return undefined
  let waiting: DeadLetterStore | undefined
  try {
    waiting = openLetters({ ...settings, redis: undefined }, false)
    const { due, leased, dead } = await waiting.counts()
    const count = due + leased + dead
    return count === 0 ? undefined : `besides, ${count} in ${file} until a server has moved them to Redis`
  } catch (error) {
    return `warning: what waits in ${file} for Redis cannot be read: ${messageOf(error)}`
  } finally {
    await waiting?.close()
  }
}

/** What the redrive of an entry gave, where a server with this data folder has kept it. */
export function keptAnswer(
  { dataDir, encryptionKeys }: StoreSettings,
  submissionId: string,
): RedriveAnswer | undefined {
  const file = join(dataDir, storeFiles.answers)
  if (!existsSync(file)) return undefined
  const answers = createSqliteRedriveAnswers({ file, encryptionKeys })
  try {
    return answers.get(submissionId)
  } finally {
    answers.close()
  }
}
