import { createHash } from 'node:crypto'
import type { DatabaseSync } from 'node:sqlite'
import { type Chunk, cutDocument } from './chunk-document.ts'
import type { ChunkLimits } from './chunk-limits.ts'
import type { SourceDocument } from './retriever.ts'
import { bytesOf, firstVector } from './sqlite-search.ts'
import type { Steps } from './steps.ts'

/** Counts up when documents are cut or named differently, so that an older index is brought up to date. */
const cutVersion = 3

/** A document as it will be written. */
export interface CutDocument {
  readonly source: string
  readonly digest: string
  /** As JSON. */
  readonly metadata: string
  readonly chunks: readonly Chunk[]
}

/** Writes documents into an index; each call is part of the caller's transaction. */
export interface IndexWriter {
  /** Cuts a document; `undefined` when the index has it already, unchanged. Writes nothing. */
  readonly cut: (document: SourceDocument) => Steps<CutDocument | undefined>
  /**
   * Puts a document in the place of the one of its name.
   *
   * @param vectors One for each chunk, where the writer has a model.
   */
  readonly replace: (document: CutDocument, vectors?: readonly Float32Array[]) => Steps<void>
  /** Removes a document by its name; an unknown one is ignored. */
  readonly remove: (source: string) => void
  /** The digests of the documents that the index has unchanged, by name. */
  readonly digests: () => ReadonlyMap<string, string>
}

/**
 * A writer that cuts documents by `limits`.
 *
 * @param model The embedding model that the passages' vectors are of; `undefined` leaves the vectors of unchanged
 * documents as they are.
 */
export function createIndexWriter(database: DatabaseSync, limits: ChunkLimits, model: string | undefined): IndexWriter {
  const byName = database.prepare('SELECT id, digest, metadata, settings, model FROM documents WHERE source = ?')
  const unchanged = database.prepare(
    'SELECT source, digest FROM documents WHERE settings = ? AND model = ifnull(?, model)',
  )
  const dropWords = database.prepare('DELETE FROM words WHERE rowid IN (SELECT id FROM passages WHERE document = ?)')
  const dropVectors = database.prepare('DELETE FROM vectors WHERE document = ?')
  const dropPassages = database.prepare('DELETE FROM passages WHERE document = ?')
  const dropDocument = database.prepare('DELETE FROM documents WHERE id = ?')
  const addDocument = database.prepare(
    'INSERT INTO documents (source, digest, metadata, settings, model) VALUES (?, ?, ?, ?, ?)',
  )
  const addPassage = database.prepare('INSERT INTO passages (document, headings, text) VALUES (?, ?, ?)')
  const addWords = database.prepare('INSERT INTO words (rowid, name, headings, text) VALUES (?, ?, ?, ?)')
  const addVector = database.prepare('INSERT INTO vectors (passage, document, vector) VALUES (?, ?, ?)')
  const first = database.prepare(firstVector)
  const settings = JSON.stringify([cutVersion, limits.key])

  const cut = function* (document: SourceDocument): Steps<CutDocument | undefined> {
    const metadata = JSON.stringify(document.metadata ?? {})
    const digest = document.digest ?? digestOf(document, metadata)
    const held = byName.get(document.source)
    const isSame = held?.['digest'] === digest && held['metadata'] === metadata && held['settings'] === settings
    if (isSame && (model === undefined || held['model'] === model)) return undefined
    return { source: document.source, digest, metadata, chunks: yield* cutDocument(document, limits) }
  }

  const remove = (source: string): void => {
    const id = byName.get(source)?.['id']
    if (id === undefined) return
    dropWords.run(id)
    dropVectors.run(id)
    dropPassages.run(id)
    dropDocument.run(id)
  }

  /** Vectors of another model or length say nothing beside the new ones; their documents are to be added again. */
  const dropOthers = (bytes: number): void => {
    const other = first.get()
    if (other === undefined || (other['model'] === model && other['bytes'] === bytes)) return
    database.exec(`DELETE FROM vectors; UPDATE documents SET model = ''`)
  }

  const replace = function* (
    { source, digest, metadata, chunks }: CutDocument,
    vectors: readonly Float32Array[] = [],
  ): Steps<void> {
    remove(source)
    if (vectors[0] !== undefined) dropOthers(vectors[0].byteLength)
    const documentId = addDocument.run(source, digest, metadata, settings, model ?? '').lastInsertRowid
    const name = nameOf(source)
    for (const [index, { headings, text }] of chunks.entries()) {
      yield
      const passageId = addPassage.run(documentId, JSON.stringify(headings), text).lastInsertRowid
      addWords.run(passageId, name, headings.join('\n'), text)
      const vector = vectors[index]
      if (vector !== undefined) addVector.run(passageId, documentId, bytesOf(vector))
    }
  }

  const digests = (): ReadonlyMap<string, string> =>
    new Map(unchanged.all(settings, model ?? null).map((row) => [String(row['source']), String(row['digest'])]))

  return { cut, replace, remove, digests }
}

/** What a document is called in a search: its name without the ending that says how it is written. */
export function nameOf(source: string): string {
  return source.replace(/\.(?:md|markdown|txt|text|x?html?|pdf)$/i, '')
}

function digestOf({ text, format }: SourceDocument, metadata: string): string {
  return createHash('sha256')
    .update(`${format ?? ''} ${metadata}\n`)
    .update(text)
    .digest('hex')
}
