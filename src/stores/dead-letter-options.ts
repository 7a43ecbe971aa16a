import { checkInteger, checkKeys } from '../../operators/index.ts'
import { checkEncryptionKeys } from './seal.ts'

/** What a store of dead letters may hold. */
export interface DeadLetterStoreOptions {
  /** Entries at a time, dead ones too, 1 …; default 100,000. Beyond it `put` says `full`. */
  readonly maxEntries?: number
  /** Of them dead, 1 … `maxEntries`; default 10,000. Beyond it the one that has been dead longest is evicted. */
  readonly maxDead?: number
  /** Bytes of all entries together, 1 …; default 256 MiB. Beyond it `put` says `full`; what is there may still fail. */
  readonly maxBytes?: number
  /** Bytes of one entry, 1 …; default 1 MiB. */
  readonly maxEntryBytes?: number
  /** How old an entry may become, from its submission on, 1 …; default 604,800,000 ms (7 days). */
  readonly maxAgeMs?: number
  /** Redrives of an entry before it is given up, 1 …; default 5. */
  readonly maxAttempts?: number
  /** How long a repeated `put` of an entry that was acked is recognised, 0 …; default 86,400,000 ms (one day). */
  readonly doneWindowMs?: number
  /** Of how many entries at the most, 0 …; default 100,000. */
  readonly maxDone?: number
  /**
   * Keys of 32 bytes with which requests, their own ids, sessions and errors are encrypted (AES-256-GCM): the first one
   * encrypts, all decrypt. Default none: they are kept readable, as the `submissionId` always is.
   */
  readonly encryptionKeys?: readonly Uint8Array[]
}

/** The options with the defaults filled in. */
export type DeadLetterStoreSettings = Required<DeadLetterStoreOptions>

const known = [
  'maxEntries',
  'maxDead',
  'maxBytes',
  'maxEntryBytes',
  'maxAgeMs',
  'maxAttempts',
  'doneWindowMs',
  'maxDone',
  'encryptionKeys',
] as const satisfies readonly (keyof DeadLetterStoreOptions)[]

/**
 * @param creator Whose options they are, for the message.
 * @param ownKeys Other options of that creator, which it checks itself.
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 */
export function checkDeadLetterStore<Options extends DeadLetterStoreOptions>(
  creator: string,
  options: Options,
  ownKeys: readonly Exclude<keyof Options & string, keyof DeadLetterStoreOptions>[],
): DeadLetterStoreSettings {
  checkKeys(creator, options, [...known, ...ownKeys])
  const maxEntries = checkInteger('maxEntries', options.maxEntries ?? 100_000, { min: 1 })
  return {
    maxEntries,
    maxDead: checkInteger('maxDead', options.maxDead ?? Math.min(10_000, maxEntries), { min: 1, max: maxEntries }),
    maxBytes: checkInteger('maxBytes', options.maxBytes ?? 268_435_456, { min: 1 }),
    maxEntryBytes: checkInteger('maxEntryBytes', options.maxEntryBytes ?? 1_048_576, { min: 1 }),
    maxAgeMs: checkInteger('maxAgeMs', options.maxAgeMs ?? 604_800_000, { min: 1 }),
    maxAttempts: checkInteger('maxAttempts', options.maxAttempts ?? 5, { min: 1 }),
    doneWindowMs: checkInteger('doneWindowMs', options.doneWindowMs ?? 86_400_000, { min: 0 }),
    maxDone: checkInteger('maxDone', options.maxDone ?? 100_000, { min: 0 }),
    encryptionKeys: checkEncryptionKeys('encryptionKeys', options.encryptionKeys ?? []),
  }
}
