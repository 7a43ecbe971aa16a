import { stat } from 'node:fs/promises'
import type { FoundFile } from './find-documents.ts'
import type { LeftOut } from './left-out.ts'
import type { ReadDocument } from './read-document.ts'
import { type FileSignature, signatureOf } from './read-file.ts'

type Remembered = Exclude<ReadDocument, { readonly kind: 'document' }>

/**
 * Remembers, while a process watches its documents, which files it has read, so that a change of one does not cost
 * reading all the others. An index outlives it: what another process reads is decided by the files' contents.
 */
export class FileMemory {
  private readonly files = new Map<string, Remembered>()
  /** By path, why a document was left out at the last time. */
  private readonly reasons = new Map<string, string>()
  private readonly onRead: (path: string, signature: FileSignature | undefined) => void

  /** @param onRead Hears of each file that has to be read, before it is, and what it is then, if it is there. */
  constructor(onRead: (path: string, signature: FileSignature | undefined) => void = () => undefined) {
    this.onRead = onRead
  }

  /** What reading the file would give, when it is what it was at the last time. */
  async recall({ path, source }: FoundFile, known: ReadonlyMap<string, string>): Promise<ReadDocument | undefined> {
    const last = this.files.get(path)
    const signature = await signatureAt(path)
    const isOfUse = last !== undefined && (last.kind !== 'unchanged' || known.has(source))
    if (isOfUse && signature === last.signature) return last
    this.onRead(path, signature)
    return undefined
  }

  /** The file is not to be read as long as it is what it was then. */
  leaveOut(path: string, reason: string, signature: FileSignature): void {
    this.files.set(path, { kind: 'left-out', reason, isKept: false, signature })
  }

  /** To be called when what was read is in the index. */
  remember({ path }: FoundFile, read: ReadDocument): void {
    if (read.signature === undefined) this.files.delete(path)
    else this.files.set(path, read.kind === 'document' ? { kind: 'unchanged', signature: read.signature } : read)
  }

  /** Whether a document is left out for the first time, or for another reason than at the last time. */
  isNews({ path, reason }: LeftOut): boolean {
    const isNews = this.reasons.get(path) !== reason
    this.reasons.set(path, reason)
    return isNews
  }

  /** The file is to be read again, whatever it looks like. */
  forget(path: string): void {
    this.files.delete(path)
    this.reasons.delete(path)
  }
}

async function signatureAt(path: string): Promise<FileSignature | undefined> {
  const found = await stat(path, { bigint: true }).catch(() => undefined)
  return found && signatureOf(found)
}
