import { checkInteger, checkKeys } from '../../operators/index.ts'
import { checkEncryptionKeys } from './seal.ts'

/** How long sessions are kept, and what they may hold. */
export interface SessionStoreOptions {
  /** How long one is kept after its last use, 1 … `maxAgeMs`; default 86,400,000 ms (one day), or `maxAgeMs`. */
  readonly ttlMs?: number
  /** How long one is kept after its first `update`, however often it is used, 1 …; default 604,800,000 ms (7 days). */
  readonly maxAgeMs?: number
  /** Bytes of one state, as JSON in UTF-8, 1 …; default 65,536. */
  readonly maxBytes?: number
  /**
   * Keys of 32 bytes with which states are encrypted (AES-256-GCM): the first one encrypts, all decrypt. Default none:
   * they are kept readable. Ids are never kept, only their SHA-256: who has the store and guesses an id can see that
   * there is such a session, but not what it holds.
   */
  readonly encryptionKeys?: readonly Uint8Array[]
}

/** The options with the defaults filled in. */
export type SessionStoreSettings = Required<SessionStoreOptions>

const known = [
  'ttlMs',
  'maxAgeMs',
  'maxBytes',
  'encryptionKeys',
] as const satisfies readonly (keyof SessionStoreOptions)[]

/**
 * @param creator Whose options they are, for the message.
 * @param ownKeys Other options of that creator, which it checks itself.
 * @throws RangeError or TypeError that names the option, its value and the allowed range.
 */
export function checkSessionStore<Options extends SessionStoreOptions>(
  creator: string,
  options: Options,
  ownKeys: readonly Exclude<keyof Options & string, keyof SessionStoreOptions>[],
): SessionStoreSettings {
  checkKeys(creator, options, [...known, ...ownKeys])
  const maxAgeMs = checkInteger('maxAgeMs', options.maxAgeMs ?? 604_800_000, { min: 1 })
  return {
    maxAgeMs,
    ttlMs: checkInteger('ttlMs', options.ttlMs ?? Math.min(86_400_000, maxAgeMs), { min: 1, max: maxAgeMs }),
    maxBytes: checkInteger('maxBytes', options.maxBytes ?? 65_536, { min: 1 }),
    encryptionKeys: checkEncryptionKeys('encryptionKeys', options.encryptionKeys ?? []),
  }
}
