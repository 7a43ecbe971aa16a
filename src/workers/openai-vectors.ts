import { show } from '../../operators/index.ts'
import type { Embeddings } from './embeddings.ts'
import { countOf, listIn, recordOf } from './wire-values.ts'
import { WorkerError } from './worker-error.ts'

/** Whose answer is read. */
interface VectorSource {
  /** The worker's name. */
  readonly id: string
  readonly baseUrl: string
}

/**
 * The vectors in a server's answer in the order of the texts, whichever order the server gives them in.
 *
 * @param texts How many texts there are.
 * @throws WorkerError where there is not one vector of numbers for each text.
 */
export function vectorsIn({ id, baseUrl }: VectorSource, body: unknown, texts: number): Embeddings {
  const { data, usage } = recordOf(body)
  if (!Array.isArray(data) || data.length !== texts) {
    const got = Array.isArray(data) ? `${data.length} vectors` : `${show(body)} without data`
    throw new WorkerError(id, `${baseUrl} was to give ${texts} vectors and gave ${got}`, { unreadable: true })
  }
  const given = new Map<number, unknown>()
  for (const [place, entry] of listIn(data).entries()) {
    const { index, embedding } = recordOf(entry)
    given.set(countOf(index) ?? place, embedding)
  }
  const vectors = Array.from({ length: texts }, (_, index) => {
    const vector = given.get(index)
    if (isVector(vector)) return vector
    throw new WorkerError(id, `${baseUrl} gave no vector of numbers for text ${index + 1} of ${texts}`, {
      unreadable: true,
    })
  })
  const promptTokens = countOf(recordOf(usage)['prompt_tokens'])
  return { vectors, ...(promptTokens !== undefined && { promptTokens }) }
}

function isVector(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.length > 0 && value.every((number) => Number.isFinite(number))
}
