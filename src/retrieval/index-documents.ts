import { checkKeys } from '../../operators/index.ts'
import { FileMemory } from './file-memory.ts'
import { findDocuments } from './find-documents.ts'
import { openDocumentFormats } from './formats/document-formats.ts'
import { checkIndexing, type IndexOptions, indexOptionNames, type IndexSettings } from './index-options.ts'
import type { IndexReport } from './index-report.ts'
import { IndexRun } from './index-run.ts'
import { readDocument } from './read-document.ts'
import type { DocumentIndex } from './retriever.ts'

/**
 * Makes an index hold the documents of the paths and no others: Markdown, text, HTML and PDF files, in folders and
 * those below them. New and changed ones are added, those that are gone are removed; one whose bytes are the same as
 * when it was indexed is not even parsed.
 *
 * It is safe to stop at any time, also by killing the process: documents are written in groups, each whole or not at
 * all, and the next run goes on from there. A document that cannot be read (any longer) is not in the index, and the
 * report says why; only of one that is being written to the earlier version stays, until the next run.
 *
 * @example
 * ```ts
 * const { documents, leftOut } = await indexDocuments(retriever, ['docs'], { logger })
 * ```
 *
 * @throws RetrievalError naming a path given that does not exist or is no document, before anything is written;
 * RangeError or TypeError for an empty path or a bad option. Rejects with the signal's reason.
 */
export async function indexDocuments(
  index: DocumentIndex,
  paths: readonly string[],
  options: IndexOptions = {},
): Promise<IndexReport> {
  checkKeys('indexDocuments', options, indexOptionNames)
  return updateIndex(index, paths, checkIndexing(paths, options), new FileMemory())
}

/** Does it once for `indexDocuments`, and again and again for whoever watches. */
export async function updateIndex(
  index: DocumentIndex,
  paths: readonly string[],
  settings: IndexSettings,
  memory: FileMemory,
): Promise<IndexReport> {
  const formats = openDocumentFormats()
  try {
    const { files, leftOut, skipped } = await findDocuments(paths, settings.root, formats, settings.signal)
    const known = await index.digests()
    const run = new IndexRun(index, settings, memory, new Set(await index.sources()), files.length)
    for (const document of leftOut) run.leaveOut(document)
    for (const found of files) {
      settings.signal?.throwIfAborted()
      const read = (await memory.recall(found, known)) ?? (await readDocument(found, { ...settings, known }))
      await run.take(found, read)
    }
    return await run.end(skipped)
  } finally {
    await formats.close()
  }
}
