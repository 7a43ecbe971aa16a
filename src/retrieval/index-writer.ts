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
}

/** A writer that cuts documents by `limits`. */
export function createIndexWriter(database: DatabaseSync, limits: Required<ChunkOptions>): IndexWriter {
  const byName = database.prepare('SELECT id, digest FROM documents WHERE source = ?')
  const dropWords = database.prepare('DELETE FROM words WHERE rowid IN (SELECT id FROM passages WHERE document = ?)')
  const dropPassages = database.prepare('DELETE FROM passages WHERE document = ?')
  const dropDocument = database.prepare('DELETE FROM documents WHERE id = ?')
  const addDocument = database.prepare('INSERT INTO documents (source, digest) VALUES (?, ?)')
  const addPassage = database.prepare('INSERT INTO passages (document, headings, text) VALUES (?, ?, ?)')
  const addWords = database.prepare('INSERT INTO words (rowid, name, headings, text) VALUES (?, ?, ?, ?)')

  const remove = (source: string): void => {
    const id = byName.get(source)?.['id']
    if (id === undefined) return
    dropWords.run(id)
    dropPassages.run(id)
    dropDocument.run(id)
  }

  const replace = (document: SourceDocument): void => {
    const digest = digestOf(document, limits)
    if (byName.get(document.source)?.['digest'] === digest) return
    remove(document.source)
    const documentId = addDocument.run(document.source, digest).lastInsertRowid
    const name = document.source.replace(/\.(?:md|markdown|txt)$/i, '')
    for (const { headings, text } of chunkDocument(document, limits)) {
      const passageId = addPassage.run(documentId, JSON.stringify(headings), text).lastInsertRowid
      addWords.run(passageId, name, headings.join('\n'), text)
    }
  }

  return { replace, remove }
}

/** Changes with the text and with how it is cut. */
function digestOf(document: SourceDocument, { maxChars, overlapChars }: Required<ChunkOptions>): string {
  return createHash('sha256').update(`${cutVersion} ${maxChars} ${overlapChars}\n`).update(document.text).digest('hex')
}
