import { expect, test } from 'vitest'
import { keptLetters } from '../../../src/cli/kept-letters.ts'

test('what fails or expires is kept and run again, unless another is said', () => {
  expect(keptLetters({})).toEqual({
    ...{ kinds: ['failed', 'expired'], redrive: true, maxAgeMs: 604_800_000, maxEntries: 100_000, maxAttempts: 5 },
  })
  const limits = { deadLettersMaxAge: '12h', deadLettersMaxEntries: '7', deadLettersMaxAttempts: '1' }
  expect(keptLetters({ deadLetters: 'expired, shed', redrive: false, ...limits })).toEqual({
    ...{ kinds: ['shed', 'expired'], redrive: false, maxAgeMs: 43_200_000, maxEntries: 7, maxAttempts: 1 },
  })
  expect(keptLetters({ deadLetters: 'none' })).toBeUndefined()
  expect(keptLetters({ deadLetters: 'none', redrive: false })).toBeUndefined()
})

test.each([
  [
    { deadLetters: 'lost' },
    '--dead-letters must be some of shed, failed, expired, each once and separated by commas, or none, got "lost"',
  ],
  [{ deadLetters: 'shed,shed' }, 'got "shed,shed"'],
  [{ deadLetters: 'shed,none' }, 'got "shed,none"'],
  [{ deadLetters: '' }, 'got ""'],
  [{ deadLetters: 'none', redrive: true }, '--redrive must not be given together with --dead-letters none'],
  [{ deadLetters: 'none', deadLettersMaxAge: '1h' }, '--dead-letters-max-age must not be given together with'],
  [{ deadLettersMaxAge: 'x' }, '--dead-letters-max-age must be a duration such as 90s, 2h, 1h30m or 7d, got "x"'],
  [{ deadLettersMaxEntries: '0' }, '--dead-letters-max-entries must be a whole number from 1 to'],
])('%j is refused', (given, message) => {
  expect(() => keptLetters(given)).toThrow(message)
})
