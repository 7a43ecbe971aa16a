import type { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { DeadLetter } from './dead-letter-store.ts'
import { Seal } from './seal.ts'
import { UnstorableError } from './store-error.ts'
import { storableJson } from './storable-json.ts'

/** Of a dead letter: what never changes, as bytes that only this codec reads, and its digest. */
export interface LetterBody {
  readonly payload: Buffer
  /** Equal for equal bodies, so that a repeated `put` is told from another entry of the same id. */
  readonly digest: string
  /** What an equal body may have as its digest: it may have been written when another key was the first. */
  readonly digests: readonly string[]
}

type Body = Pick<DeadLetter, 'submissionId' | 'id' | 'session' | 'request'>

/** How dead letters are written, the same in every store. */
export class LetterCodec {
  private readonly seal: Seal
  private readonly maxBytes: number

  constructor(encryptionKeys: readonly Uint8Array[], maxEntryBytes: number) {
    this.seal = new Seal(encryptionKeys)
    this.maxBytes = maxEntryBytes
  }

  /**
   * The key of an entry or a session in a store: 43 characters of `A-Z a-z 0-9 - _`, however long or strange the id is.
   */
  keyOf(id: string): string {
    return createHash('sha256').update(id, 'utf16le').digest('base64url')
  }

  /**
   * The same of a session, which may be a person's name: keyed where there is a key, so that it cannot be guessed.
   */
  sessionKeyOf(session: string): string {
    return this.seal.digest(session)
  }

  /** All keys that a session may have been given, before the encryption keys were changed. */
  sessionKeysOf(session: string): readonly string[] {
    return this.seal.digests(session)
  }

  /** @throws UnstorableError when the request is not plain JSON, or larger than an entry may be. */
  encode(letter: DeadLetter): LetterBody {
    const { submissionId, id, session, request } = letter
    const body: Body = { submissionId, id, ...(session !== undefined && { session }), request }
    const text = storableJson('request', request, () => JSON.stringify(body))
    const payload = this.seal.close(text, this.keyOf(submissionId))
    if (payload.length > this.maxBytes) {
      throw new UnstorableError(
        `the request takes ${payload.length} bytes, more than the ${this.maxBytes} of one entry (maxEntryBytes)`,
      )
    }
    const digests = this.seal.digests(text)
    return { payload, digest: digests[0] ?? '', digests }
  }

  /** @throws StoreError that says why it cannot be read. */
  decode(payload: Uint8Array, key: string): Body {
    return JSON.parse(this.seal.open(payload, key)) as Body
  }

  encodeError(error: string, key: string): Buffer {
    return this.seal.close(error, key)
  }

  /** @throws StoreError that says why it cannot be read. */
  decodeError(sealed: Uint8Array, key: string): string {
    return this.seal.open(sealed, key)
  }
}
