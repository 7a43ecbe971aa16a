import { openaiEmbedder } from '../../src/workers/index.ts'
import { createSqliteRetriever } from '../../src/retrieval/sqlite-retriever.ts'
import { startEmbeddingServer } from '../fixtures/embedding-server.ts'
import { labelledDocuments, labelledQuestions } from '../fixtures/labelled-questions.ts'
import { measureQuality, type Quality, readLabelledDocuments } from '../fixtures/retrieval-quality.ts'
import type { Report, ReportLine } from './report.ts'

/**
 * How well questions about the project's own documents are answered: by words, by vectors of an embedding server
 * on loopback, and by both fused.
 */
export async function retrieval(): Promise<Report> {
  await using server = await startEmbeddingServer()
  const embedder = openaiEmbedder({ baseUrl: server.baseUrl, model: 'hashed n-grams' })
  const plain = createSqliteRetriever({ path: ':memory:' })
  const both = createSqliteRetriever({ path: ':memory:', embedder })
  try {
    const documents = await readLabelledDocuments()
    await Promise.all([plain.add(documents), both.add(documents)])
    const words = await measureQuality(plain, labelledQuestions)
    const vectors = await measureQuality(both, labelledQuestions, 'vectors')
    const fused = await measureQuality(both, labelledQuestions)
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
    await Promise.all([plain.close(), both.close()])
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
