import type { Embeddings } from './embeddings.ts'
import { countOf, listIn, recordOf } from './wire-values.ts'
import { WorkerError } from './worker-error.ts'

/**
 * The vectors in a server's answer, in the order of the texts.
 *
 * @throws WorkerError where there is not one vector of numbers for each text.
 */
export function vectorsIn(worker: string, body: unknown, texts: number): Embeddings {
  const { data, usage } = recordOf(body)
  const vectors: (readonly number[])[] = []
  for (const [place, entry] of listIn(data).entries()) {
    const { index, embedding } = recordOf(entry)
    vectors[countOf(index) ?? place] = numbersOf(worker, embedding)
  }
  if (vectors.length !== texts || vectors.includes(undefined as never)) {
    throw new WorkerError(worker, `expected ${texts} vectors, got ${listIn(data).length}`)
  }
  const promptTokens = countOf(recordOf(usage)['prompt_tokens'])
  return { vectors, ...(promptTokens !== undefined && { promptTokens }) }
}

function numbersOf(worker: string, value: unknown): readonly number[] {
  const isVector = Array.isArray(value) && value.length > 0 && value.every((number) => Number.isFinite(number))
  if (isVector) return value as number[]
  throw new WorkerError(worker, 'the answer holds a vector that is no list of numbers')
}
