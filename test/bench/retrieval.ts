import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openForReading } from '../../src/retrieval/sqlite-index.ts'
import { createSqliteRetriever } from '../../src/retrieval/sqlite-retriever.ts'
import { createSqliteSearch } from '../../src/retrieval/sqlite-search.ts'
import { searchTerms } from '../../src/retrieval/search-terms.ts'
import { openaiEmbedder } from '../../src/workers/index.ts'
import { startEmbeddingServer } from '../fixtures/embedding-server.ts'
import { labelledDocuments, labelledQuestions } from '../fixtures/labelled-questions.ts'
import { measureQuality, type Quality, readLabelledDocuments, type Search } from '../fixtures/retrieval-quality.ts'
import type { Report, ReportLine } from './report.ts'

/** As long as large models' vectors: in short ones too many words and groups of letters share a place. */
const dimensions = 3_072

/**
 * How well questions about the project's own documents are answered: by words, by vectors of an embedding server
 * on loopback, and by both fused.
 */
export async function retrieval(): Promise<Report> {
  await using server = await startEmbeddingServer({ dimensions })
  const embedder = openaiEmbedder({ baseUrl: server.baseUrl, model: 'hashed n-grams' })
  const { model } = embedder
  const folder = await mkdtemp(join(tmpdir(), 'spillway-retrieval-'))
  const path = join(folder, 'retrieval.db')
  const retriever = createSqliteRetriever({ path, embedder })
  try {
    await retriever.add(await readLabelledDocuments())
    using database = openForReading(path, 1_000, true)
    const find = createSqliteSearch(database, true)
    const by =
      (how: { readonly words: boolean; readonly vectors: boolean }): Search =>
      async (question, topK) => {
        const [vector] = how.vectors ? await embedder.embed([question]) : []
        const terms = how.words ? searchTerms(question, 32) : []
        return find({ terms, topK, filter: undefined, embedding: vector && { model, vector } })
      }
    const words = await measureQuality(by({ words: true, vectors: false }), labelledQuestions)
    const vectors = await measureQuality(by({ words: false, vectors: true }), labelledQuestions)
    const fused = await measureQuality(by({ words: true, vectors: true }), labelledQuestions)
    const least = Math.max(words.meanReciprocalRank, vectors.meanReciprocalRank)
    return {
      title: `${labelledQuestions.length} questions about ${labelledDocuments.length} documents of the project`,
      lines: [
        ...figuresOf('words (BM25)', words),
        ...figuresOf('vectors', vectors),
        ...figuresOf('fused', fused, least),
      ],
    }
  } finally {
    await retriever.close()
    await rm(folder, { recursive: true, force: true })
  }
}

function figuresOf(name: string, { recallAt5, meanReciprocalRank }: Quality, least?: number): readonly ReportLine[] {
  return [
    { name: `${name}, recall@5`, figure: recallAt5.toFixed(3) },
    {
      name: `${name}, MRR`,
      figure: meanReciprocalRank.toFixed(3),
      ...(least !== undefined && { target: `≥ ${least.toFixed(3)}`, met: meanReciprocalRank >= least }),
    },
  ]
}
