import type { FileMemory } from './file-memory.ts'
import type { FoundFile } from './find-documents.ts'
import type { IndexSettings } from './index-options.ts'
import type { DocumentNote, IndexReport } from './index-report.ts'
import type { LeftOut } from './left-out.ts'
import type { ReadDocument } from './read-document.ts'
import type { DocumentIndex, SourceDocument } from './retriever.ts'

/** A group is written at once, blocking the thread, so it is small; one that is too small costs a commit each. */
const groupDocuments = 32
const groupChars = 100_000

type NewDocument = Extract<ReadDocument, { readonly kind: 'document' }>

/** One bringing up to date: what was read is written in groups, and counted. */
export class IndexRun {
  private readonly index: DocumentIndex
  private readonly settings: IndexSettings
  private readonly memory: FileMemory
  /** The documents that were in the index at the start. */
  private readonly before: ReadonlySet<string>
  private readonly total: number
  /** Those that are to stay in it. */
  private readonly current = new Set<string>()
  private readonly leftOut: LeftOut[] = []
  private readonly notes: DocumentNote[] = []
  private readonly counts = { added: 0, changed: 0, unchanged: 0 }
  private done = 0
  private group: { readonly found: FoundFile; readonly read: NewDocument }[] = []
  private groupChars = 0

  constructor(
    index: DocumentIndex,
    settings: IndexSettings,
    memory: FileMemory,
    before: ReadonlySet<string>,
    total: number,
  ) {
    this.index = index
    this.settings = settings
    this.memory = memory
    this.before = before
    this.total = total
  }

  /** Deals with a document; resolves when its group is written, if it is the last of one. */
  async take(found: FoundFile, read: ReadDocument): Promise<void> {
    const { source, path, isNamed } = found
    if (read.kind === 'document') {
      this.current.add(source)
      this.group.push({ found, read })
      for (const problem of read.problems) this.notes.push({ path, source, problem })
      this.groupChars += read.document.text.length
      if (this.group.length === groupDocuments || this.groupChars >= groupChars) await this.writeGroup()
      return
    }
    this.memory.remember(found, read)
    if (read.kind === 'unchanged') {
      this.current.add(source)
      this.counts.unchanged += 1
    } else this.leaveOut({ path, source, reason: read.reason, isNamed, isKept: read.isKept && this.before.has(source) })
    this.tell(source)
  }

  leaveOut(document: LeftOut): void {
    const { path, source, reason, isKept } = document
    if (isKept) this.current.add(source)
    this.leftOut.push(document)
    if (this.memory.isNews(document)) this.settings.logger.warn({ path, reason }, 'document left out')
  }

  /** Writes what is left and removes what is gone; the report says what was skipped, too. */
  async end(skipped: IndexReport['skipped']): Promise<IndexReport> {
    await this.writeGroup()
    const gone = [...this.before].filter((source) => !this.current.has(source))
    for (let at = 0; at < gone.length; at += groupDocuments) {
      this.settings.signal?.throwIfAborted()
      await this.index.remove(gone.slice(at, at + groupDocuments))
    }
    const { counts, leftOut, notes } = this
    return { documents: this.current.size, ...counts, removed: gone.length, leftOut, notes, skipped }
  }

  private async writeGroup(): Promise<void> {
    const group = this.group
    if (group.length === 0) return
    this.group = []
    this.groupChars = 0
    await this.index.add(group.map(({ read }): SourceDocument => read.document))
    for (const { found, read } of group) {
      this.memory.remember(found, read)
      this.counts[this.before.has(found.source) ? 'changed' : 'added'] += 1
      this.tell(found.source)
    }
  }

  private tell(source: string): void {
    this.done += 1
    const { counts, done, total, leftOut } = this
    this.settings.onProgress?.({ ...counts, done, total, source, leftOut: leftOut.length })
  }
}
