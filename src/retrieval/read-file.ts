import { Buffer } from 'node:buffer'
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { RetrievalError } from './retrieval-error.ts'

/** Says whether a file is still the one that was read. */
export type FileSignature = string

/** A file's bytes as they all were at one time. */
export interface WholeFile {
  readonly bytes: Uint8Array
  readonly signature: FileSignature
}

/** A file that somebody writes to while it is read is tried again so often. */
const attempts = 3

/**
 * Reads a file of at most `maxBytes` whole: one that changes meanwhile is read again, so that no half of it is taken for
 * the whole.
 *
 * @returns `undefined` when it is being written to all the time.
 * @throws RetrievalError when it is no file, too large, or deleted meanwhile; the file system's error when it cannot be opened.
 */
export async function readWholeFile(path: string, maxBytes: number): Promise<WholeFile | undefined> {
  for (let attempt = 0; attempt < attempts; attempt++) {
    // Opening a pipe would otherwise wait for somebody to write to it.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const whole = await readOnce(path, handle, maxBytes)
      if (whole !== undefined) return whole
    } finally {
      await handle.close()
    }
  }
  return undefined
}

async function readOnce(path: string, handle: FileHandle, maxBytes: number): Promise<WholeFile | undefined> {
  const before = await handle.stat({ bigint: true })
  if (!before.isFile()) throw new RetrievalError(path, 'is not a file')
  if (before.size > maxBytes)
    throw new RetrievalError(path, `has ${before.size} bytes, more than maxBytes (${maxBytes})`)
  // One byte more shows whether it has grown.
  const buffer = Buffer.allocUnsafe(Number(before.size) + 1)
  let length = 0
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length)
    if (bytesRead === 0) break
    length += bytesRead
  }
  const after = await handle.stat({ bigint: true })
  if (after.nlink === 0n) throw new RetrievalError(path, 'was deleted while it was read')
  if (signatureOf(after) !== signatureOf(before) || length !== Number(before.size)) return undefined
  return { bytes: buffer.subarray(0, length), signature: signatureOf(after) }
}

/** The same for a file that nobody has touched. */
export function signatureOf(found: {
  readonly dev: bigint
  readonly ino: bigint
  readonly size: bigint
  readonly mtimeNs: bigint
  readonly ctimeNs: bigint
}): FileSignature {
  return [found.dev, found.ino, found.size, found.mtimeNs, found.ctimeNs].join(' ')
}
