import type { Embedder } from './embedder.ts'
import { type CutDocument, nameOf } from './index-writer.ts'
import { RetrievalError } from './retrieval-error.ts'

/**
 * The vectors of documents' passages: a list for each document, in order. What is embedded is the passage under
 * the document's name and its headings, which often say what the passage is about.
 *
 * @param path The index, for the error.
 * @throws RetrievalError when the embedder gives other than one vector of one length for each text; its own errors.
 */
export async function embedPassages(
  embedder: Embedder,
  path: string,
  documents: readonly CutDocument[],
  signal: AbortSignal,
): Promise<readonly (readonly Float32Array[])[]> {
  const texts = documents.flatMap(({ source, chunks }) =>
    chunks.map(({ headings, text }) => `${[nameOf(source), ...headings].join(' > ')}\n\n${text}`),
  )
  const vectors = texts.length === 0 ? [] : await embed(embedder, path, texts, signal)
  let at = 0
  return documents.map(({ chunks }) => vectors.slice(at, (at += chunks.length)))
}

/** `embedder.embed`, with what it gives checked. */
export async function embed(
  embedder: Embedder,
  path: string,
  texts: readonly string[],
  signal: AbortSignal,
): Promise<readonly Float32Array[]> {
  const vectors = await embedder.embed(texts, { signal })
  const problem = problemOf(vectors, texts.length)
  if (problem === undefined) return vectors
  throw new RetrievalError(path, `the embedding model ${JSON.stringify(embedder.model)} ${problem}`)
}

function problemOf(vectors: readonly Float32Array[], count: number): string | undefined {
  if (vectors.length !== count) return `gave ${vectors.length} vectors for ${count} texts`
  const length = vectors[0]?.length ?? 0
  for (const vector of vectors) {
    if (vector.length !== length) return `gave vectors of ${length} and of ${vector.length} numbers`
    // A vector of zeros has no direction, so nothing can be nearer to it than another.
    if (!vector.every(Number.isFinite) || !vector.some((value) => value !== 0)) {
      return 'gave a vector that is empty, all zeros or not finite'
    }
  }
  return undefined
}
