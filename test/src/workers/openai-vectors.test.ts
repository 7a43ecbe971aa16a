import fc from 'fast-check'
import { expect, test } from 'vitest'
import { vectorsIn } from '../../../src/workers/openai-vectors.ts'

const from = { id: 'w', baseUrl: 'http://127.0.0.1/v1' }

test('the vectors come in the order of the texts, whichever order they are given in', () => {
  const vector = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 4 })
  const shuffled = fc.array(vector, { maxLength: 9 }).chain((vectors) =>
    fc.tuple(
      fc.constant(vectors),
      fc.shuffledSubarray(
        vectors.map((embedding, index) => ({ index, embedding })),
        { minLength: vectors.length },
      ),
    ),
  )
  fc.assert(
    fc.property(shuffled, ([vectors, data]) => {
      expect(vectorsIn(from, { data, usage: { prompt_tokens: 3 } }, vectors.length)).toEqual({
        vectors,
        promptTokens: 3,
      })
    }),
  )
})

test('without an index, the place counts; tokens only where they are counted', () => {
  const data = [{ embedding: [1] }, { embedding: [2] }]
  expect(vectorsIn(from, { data, usage: { prompt_tokens: -1 } }, 2)).toEqual({ vectors: [[1], [2]] })
})

test.each([
  ['text', 'was to give 1 vectors and gave "text" without data'],
  [{ data: {} }, 'was to give 1 vectors and gave an object without data'],
  [{ data: [] }, 'was to give 1 vectors and gave 0 vectors'],
  [{ data: [{ embedding: [1] }, { embedding: [2] }] }, 'was to give 1 vectors and gave 2 vectors'],
  [{ data: [{ index: 1, embedding: [1] }] }, 'gave no vector of numbers for text 1 of 1'],
  [{ data: [{ embedding: [] }] }, 'gave no vector of numbers for text 1 of 1'],
  [{ data: [{ embedding: [1, null] }] }, 'gave no vector of numbers for text 1 of 1'],
  [{ data: [{ embedding: 'AAAA' }] }, 'gave no vector of numbers for text 1 of 1'],
  [{ data: [null] }, 'gave no vector of numbers for text 1 of 1'],
])('the answer %j', (body, message) => {
  expect(() => vectorsIn(from, body, 1)).toThrow(`http://127.0.0.1/v1 ${message}`)
})
