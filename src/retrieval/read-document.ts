import { createHash } from 'node:crypto'
import { posix } from 'node:path'
import type { Clock } from '../../operators/index.ts'
import type { Logger } from '../logger.ts'
import { fileFault } from './file-fault.ts'
import type { FoundFile } from './find-documents.ts'
import { extensionOf } from './formats/document-formats.ts'
import type { ParsedFile } from './formats/document-format.ts'
import { type FileSignature, readWholeFile } from './read-file.ts'
import { RetrievalError } from './retrieval-error.ts'
import type { DocumentMetadata, SourceDocument } from './retriever.ts'

/** How documents are read. */
export interface Reading {
  readonly maxBytes: number
  /** The digests of the documents that need not be parsed again, by name. */
  readonly known: ReadonlyMap<string, string>
  readonly logger: Logger
  readonly clock: Clock
  readonly signal: AbortSignal | undefined
}

/** What has become of a file; without a signature where it could not be read. */
export type ReadDocument =
  | {
      readonly kind: 'document'
      readonly document: SourceDocument
      /** What is not as it should be in it. */
      readonly problems: readonly string[]
      readonly signature: FileSignature
    }
  | { readonly kind: 'unchanged'; readonly signature: FileSignature }
  | {
      readonly kind: 'left-out'
      readonly reason: string
      readonly isKept: boolean
      readonly signature: FileSignature | undefined
    }

/**
 * Reads a file and makes a document of it, unless the digest of its bytes is the one that is known. Never rejects for
 * what is wrong with the file, only with the signal's reason.
 */
export async function readDocument(found: FoundFile, reading: Reading): Promise<ReadDocument> {
  const { path, source } = found
  let signature: FileSignature | undefined
  try {
    const file = await readWholeFile(path, reading.maxBytes)
    if (file === undefined) {
      return { kind: 'left-out', reason: 'is being written to; it is read next time', isKept: true, signature }
    }
    signature = file.signature
    const digest = digestOf(found, file.bytes)
    if (reading.known.get(source) === digest) return { kind: 'unchanged', signature }
    const problems: string[] = []
    const { text, format, metadata } = await parse(found, file.bytes, reading, problems)
    const document = { source, text, format, metadata: metadataOf(found, metadata), digest }
    return { kind: 'document', document, problems, signature }
  } catch (error) {
    reading.signal?.throwIfAborted()
    const reason = error instanceof RetrievalError ? error.problem : fileFault(error)
    return { kind: 'left-out', reason, isKept: false, signature }
  }
}

async function parse(
  { path, format }: FoundFile,
  bytes: Uint8Array,
  reading: Reading,
  problems: string[],
): Promise<ParsedFile> {
  if (bytes.length === 0) throw new RetrievalError(path, 'is empty')
  const { logger, clock, signal } = reading
  const warn = (problem: string): void => {
    problems.push(problem)
    logger.warn({ path }, problem)
  }
  const parsed = await format.parse({ path, bytes, warn, clock, signal })
  if (/[\p{L}\p{N}]/u.test(parsed.text)) return parsed
  throw new RetrievalError(path, parsed.text.trim() === '' ? 'has nothing but white space' : 'has no words')
}

/** Of the bytes and of what makes a text of them. */
function digestOf({ format }: FoundFile, bytes: Uint8Array): string {
  return `${format.name}${format.version}:${createHash('sha256').update(bytes).digest('hex')}`
}

const longestValue = 1_000

/** What the file says of itself, and where it lies; a value that is too long to filter by is left out. */
function metadataOf({ source, format }: FoundFile, metadata: DocumentMetadata): DocumentMetadata {
  const all: DocumentMetadata = {
    ...metadata,
    folder: posix.dirname(source),
    name: posix.basename(source),
    extension: extensionOf(source),
    format: format.name,
  }
  const short = Object.entries(all).filter(([, value]) => typeof value !== 'string' || value.length <= longestValue)
  return Object.fromEntries(short)
}
