import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import { messageOf, show } from '../../operators/index.ts'
import { Seal } from './seal.ts'
import type { SessionStoreSettings } from './session-options.ts'
import { StoreError, UnstorableError } from './store-error.ts'
import { storableJson } from './storable-json.ts'

/** A session's state as bytes that only this codec reads, and its digest. */
export interface SessionBody {
  readonly payload: Buffer
  /** Equal for equal states, so that a repeated update is told from somebody else's. */
  readonly digest: string
}

/** How sessions are written, the same in every store. */
export class SessionCodec {
  private readonly seal: Seal
  private readonly maxBytes: number

  constructor({ encryptionKeys, maxBytes }: Pick<SessionStoreSettings, 'encryptionKeys' | 'maxBytes'>) {
    this.seal = new Seal(encryptionKeys)
    this.maxBytes = maxBytes
  }

  /**
   * The key of a session in a store: 43 characters of `A-Z a-z 0-9 - _`, however long or strange the id is. It does not
   * depend on the encryption keys: a change of them would hide sessions, and a key that is missing would go unnoticed.
   */
  keyOf(id: string): string {
    if (typeof id !== 'string') throw new TypeError(`id must be a string, got ${show(id)}`)
    // As UTF-16, so that halves of surrogate pairs, which UTF-8 has no bytes for, are told apart.
    return createHash('sha256').update(id, 'utf16le').digest('base64url')
  }

  /** @throws UnstorableError when the state is not plain JSON, or larger than `maxBytes`. */
  encode(state: unknown, key: string): SessionBody {
    const text = storableJson('state', state, () => JSON.stringify(state))
    const bytes = Buffer.byteLength(text)
    if (bytes > this.maxBytes) {
      throw new UnstorableError(
        `the state takes ${bytes} bytes, more than the ${this.maxBytes} of one session (maxBytes)`,
      )
    }
    return { payload: this.seal.close(text, key), digest: this.seal.digest(text) }
  }

  /** @throws StoreError that says why it cannot be read. */
  decode(payload: Uint8Array, key: string): unknown {
    try {
      return JSON.parse(this.seal.open(payload, key)) as unknown
    } catch (error) {
      throw new StoreError(`the session cannot be read: ${messageOf(error)}`, { cause: error })
    }
  }
}
