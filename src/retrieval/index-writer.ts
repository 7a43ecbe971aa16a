import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { chunkDocument, type ChunkOptions } from './chunk-document.ts'
import type { SourceDocument } from './retriever.ts'

/** Counts up when documents are cut or named differently, so that an older index is brought up to date. */
const cutVersion = 1

/** Writes documents into an index; each call is part of the caller's transaction. */
export interface IndexWriter {
  /** Puts a document in the place of the one of its name; nothing is done when its content is unchanged. */
  readonly replace: (document: SourceDocument) => void
  /** Removes a document by its name; an unknown one is ignored. */
  readonly remove: (source: string) => void
  /** The digests of the documents that `replace` would leave alone, by name. */
  readonly digests: () => ReadonlyMap<string, string>
}

/** A writer that cuts documents by `limits`. */
export function createIndexWriter(database: DatabaseSync, limits: Required<ChunkOptions>): IndexWriter {
  const byName = database.prepare('SELECT id, digest, metadata, settings FROM documents WHERE source = ?')
  const bySettings = database.prepare('SELECT source, digest FROM documents WHERE settings = ?')
  const dropWords = database.prepare('DELETE FROM words WHERE rowid IN (SELECT id FROM passages WHERE document = ?)')
  const dropPassages = database.prepare('DELETE FROM passages WHERE document = ?')
  const dropDocument = database.prepare('DELETE FROM documents WHERE id = ?')
  const addDocument = database.prepare('INSERT INTO documents (source, digest, metadata, settings) VALUES (?, ?, ?, ?)')
  const addPassage = database.prepare('INSERT INTO passages (document, headings, text) VALUES (?, ?, ?)')
  const addWords = database.prepare('INSERT INTO words (rowid, name, headings, text) VALUES (?, ?, ?, ?)')
  const settings = JSON.stringify([cutVersion, limits])

  const remove = (source: string): void => {
    const id = byName.get(source)?.['id']
    if (id === undefined) return
    dropWords.run(id)
    dropPassages.run(id)
    dropDocument.run(id)
  }

  const replace = (document: SourceDocument): void => {
    const metadata = JSON.stringify(document.metadata ?? {})
    const digest = document.digest ?? digestOf(document, metadata)
    const held = byName.get(document.source)
    if (held?.['digest'] === digest && held['metadata'] === metadata && held['settings'] === settings) return
    remove(document.source)
    const documentId = addDocument.run(document.source, digest, metadata, settings).lastInsertRowid
    const name = document.source.replace(/\.(?:md|markdown|txt)$/i, '')
    for (const { headings, text } of chunkDocument(document, limits)) {
      const passageId = addPassage.run(documentId, JSON.stringify(headings), text).lastInsertRowid
      addWords.run(passageId, name, headings.join('\n'), text)
    }
  }

  const digests = (): ReadonlyMap<string, string> =>
    new Map(bySettings.all(settings).map((row) => [String(row['source']), String(row['digest'])]))

  return { replace, remove, digests }
}

function digestOf({ text, format }: SourceDocument, metadata: string): string {
  return createHash('sha256')
    .update(`${format ?? ''} ${metadata}\n`)
    .update(text)
    .digest('hex')
}
