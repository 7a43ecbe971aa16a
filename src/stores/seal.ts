import { Buffer } from 'node:buffer'
import { createCipheriv, createDecipheriv, createHash, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { show } from '../../operators/index.ts'
import { StoreError } from './store-error.ts'

const keyBytes = 32
const ivBytes = 12
const tagBytes = 16
const keyIdBytes = 4

/** What a sealed text begins with. */
const plain = 0
const aesGcm = 1

interface Key {
  readonly id: Buffer
  readonly encryption: Buffer
  readonly digest: Buffer
}

/** @throws TypeError or RangeError that names the option; never the key. */
export function checkEncryptionKeys(option: string, keys: readonly Uint8Array[]): readonly Uint8Array[] {
  const given: unknown = keys
  if (!Array.isArray(given)) throw new TypeError(`${option} must be a list of keys of ${keyBytes} bytes`)
  for (const [at, key] of (given as readonly unknown[]).entries()) {
    if (!(key instanceof Uint8Array)) throw new TypeError(`${option}[${at}] must be a Uint8Array of ${keyBytes} bytes`)
    if (key.length !== keyBytes) throw new RangeError(`${option}[${at}] must have ${keyBytes} bytes, has ${key.length}`)
  }
  return keys
}

/**
 * Writes texts for a store, encrypted where there is a key (AES-256-GCM), and reads them again.
 *
 * A sealed text is one byte for its kind; an encrypted one goes on with 4 bytes that name the key, 12 of a random
 * nonce, 16 of the tag, and the rest. What it belongs to is authenticated with it, so that two entries cannot be
 * exchanged in the store. With random nonces one key is good for 2³² texts (NIST SP 800-38D, 8.3).
 */
export class Seal {
  private readonly keys: readonly Key[]

  constructor(keys: readonly Uint8Array[]) {
    this.keys = keys.map(deriveKeys)
  }

  /** @param belongsTo The key under which the store keeps it. */
  close(text: string, belongsTo: string): Buffer {
    const [key] = this.keys
    if (key === undefined) return Buffer.concat([Buffer.of(plain), Buffer.from(text)])
    const iv = randomBytes(ivBytes)
    const cipher = createCipheriv('aes-256-gcm', key.encryption, iv).setAAD(Buffer.from(belongsTo))
    const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
    return Buffer.concat([Buffer.of(aesGcm), key.id, iv, cipher.getAuthTag(), encrypted])
  }

  /** @throws StoreError that says why it cannot be read. */
  open(sealed: Uint8Array, belongsTo: string): string {
    const bytes = Buffer.from(sealed.buffer, sealed.byteOffset, sealed.byteLength)
    if (bytes[0] === plain) return bytes.toString('utf8', 1)
    if (bytes[0] !== aesGcm) throw new StoreError(`it begins with byte ${show(bytes[0])}, expected 0 or 1`)
    const id = bytes.subarray(1, 1 + keyIdBytes)
    const key = this.keys.find((candidate) => candidate.id.equals(id))
    if (key === undefined) throw new StoreError(`it is encrypted with key ${id.toString('hex')}, which is not given`)
    const iv = bytes.subarray(1 + keyIdBytes, 1 + keyIdBytes + ivBytes)
    const body = 1 + keyIdBytes + ivBytes + tagBytes
    try {
      const decipher = createDecipheriv('aes-256-gcm', key.encryption, iv, { authTagLength: tagBytes })
        .setAAD(Buffer.from(belongsTo))
        .setAuthTag(bytes.subarray(body - tagBytes, body))
      return Buffer.concat([decipher.update(bytes.subarray(body)), decipher.final()]).toString('utf8')
    } catch (error) {
      throw new StoreError('it was changed after it was encrypted', { cause: error })
    }
  }

  /** Tells equal texts from others without giving them away: keyed, where there is a key. */
  digest(text: string): string {
    return digestBy(this.keys[0], text)
  }

  /** All digests that a text may have been given: by each key, whichever was the first then, and by none; first its own. */
  digests(text: string): readonly string[] {
    return [...this.keys, undefined].map((key) => digestBy(key, text))
  }
}

function digestBy(key: Key | undefined, text: string): string {
  const hash = key === undefined ? createHash('sha256') : createHmac('sha256', key.digest)
  // As UTF-16, so that halves of surrogate pairs, which UTF-8 has no bytes for, are told apart.
  return hash.update(text, 'utf16le').digest('base64url')
}

/** One key for each purpose, and a name that gives neither away. */
function deriveKeys(secret: Uint8Array): Key {
  const derive = (purpose: string, length: number): Buffer =>
    Buffer.from(hkdfSync('sha256', secret, '', `spillway store ${purpose}`, length))
  return {
    id: derive('key id', keyIdBytes),
    encryption: derive('encryption', keyBytes),
    digest: derive('digest', keyBytes),
  }
}
