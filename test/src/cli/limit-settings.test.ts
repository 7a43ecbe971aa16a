import { expect, test } from 'vitest'
import { limitSettings, limitsHelp } from '../../../src/cli/limit-settings.ts'
import { defaultLimits } from '../../../src/server/limits.ts'

test('what is given is taken, of two for the same limit the last', () => {
  expect(limitSettings()).toEqual({})
  expect(limitSettings(['bodyBytes=1', 'jsonDepth=5', 'bodyBytes=2'])).toEqual({
    bodyBytes: 2,
    jsonDepth: 5,
  })
})

test.each([
  ['bodyBytes', '--limit must be name=value, e.g. bodyBytes=2097152, got "bodyBytes"'],
  ['=1', '--limit must be name=value'],
  ['bodyByte=1', '--limit must be one of "bodyBytes", '],
  ['bodyBytes=many', '--limit bodyBytes must be a whole number from 1 to 1073741824, got "many"'],
  ['bodyBytes=', '--limit bodyBytes must be a whole number from 1 to 1073741824, got ""'],
  ['bodyBytes=0', '--limit bodyBytes must be a whole number from 1 to 1073741824, got 0'],
])('%s is refused by name', (text, message) => {
  expect(() => limitSettings([text])).toThrow(message)
})

test('the help names every limit', () => {
  for (const name of Object.keys(defaultLimits)) expect(limitsHelp).toContain(`  ${name} `)
})
