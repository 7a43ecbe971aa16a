import { describe, expect, test } from 'vitest'
import { openAiPath } from '../../../src/server/openai-path.ts'
import { badInput, problem } from '../../../src/server/refusal.ts'
import { unknownModel } from '../../../src/server/unknown-model.ts'

test.each([
  [400, 'Bad Request'],
  [403, 'Forbidden'],
  [409, 'Conflict'],
  [410, 'Gone'],
  [426, 'Upgrade Required'],
])('the title of a problem of %i is its standard phrase', (status, title) => {
  expect(problem(badInput(null, 'x', 'y', status))).toMatchObject({ status, title })
})

describe('errors have the shape of OpenAI', () => {
  test.each(['/v1/responses', '/v1/models/x/y', '/v1/chat/completions?x', '/v1/audio/speech', '/v1/streams', '/v1/'])(
    'at %s',
    (path) => {
      expect(openAiPath.test(path)).toBe(true)
    },
  )
  test.each(['/', '/v1', '/v1/stream', '/v1/stream/x', '/v1/stream?x', '/v1/pipeline', '/v2/x', '/metrics'])(
    'but not at %s',
    (path) => {
      expect(openAiPath.test(path)).toBe(false)
    },
  )
})

test('one model is, several are', () => {
  expect(unknownModel('x', ['a']).message).toBe('the model "x" does not exist; there is "a"')
  expect(unknownModel('x', ['a', 'b']).message).toBe('the model "x" does not exist; there are "a", "b"')
})
