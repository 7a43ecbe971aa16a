import { expect, test } from 'vitest'
import { checkParameters } from '../../../src/workers/check-parameters.ts'
import { InvalidPromptError } from '../../../src/workers/invalid-prompt-error.ts'

const check = (stop: unknown) => (): void => {
  checkParameters('parameters', { stop }, [])
}

test('16 stops of 256 UTF-16 units are the most', () => {
  expect(check(Array.from({ length: 16 }, () => 'x'.repeat(256)))).not.toThrow()
})

test.each<[string, unknown, string]>([
  ['a longer one', ['ok', '😀'.repeat(128) + 'x'], 'parameters.stop[1] must be at most 256 UTF-16 units long, got 257'],
  ['one more', Array.from({ length: 17 }, () => 'x'), 'parameters.stop must hold at most 16 texts, got 17'],
  ['an empty one', [''], 'parameters.stop[0] must not be empty'],
])('a refusal names the field, the value and the limit: %s', (_name, stop, message) => {
  expect(check(stop)).toThrow(InvalidPromptError)
  expect(check(stop)).toThrow(message)
})
