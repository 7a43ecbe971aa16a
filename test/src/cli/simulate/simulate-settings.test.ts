import { expect, test } from 'vitest'
import { simulateSettings } from '../../../../src/cli/simulate/simulate-settings.ts'

test('nothing is needed', () => {
  expect(simulateSettings({})).toEqual({ json: false, html: undefined, seed: undefined, sweeps: [], goal: undefined })
})

test('a goal keeps its text', () => {
  expect(simulateSettings({ goal: ' p99<2s', seed: '-7' })).toMatchObject({
    ...{ goal: { text: 'p99<2s', terms: [{ figure: 'p99', relation: '<', limit: 2_000 }] }, seed: -7 },
  })
})

test.each([
  [{ seed: 'x' }, '--seed must be a whole number from -2147483648 to 4294967295, got "x"'],
  [{ seed: '4294967296' }, '--seed must be a whole number'],
  [{ html: '' }, '--html must not be empty'],
  [{ goal: 'fast' }, '--goal must be made of conditions such as p99<2s, shed<0.1% or goodput>400/s, got "fast"'],
])('%j is refused', (given, message) => {
  expect(() => simulateSettings(given)).toThrow(message)
})
