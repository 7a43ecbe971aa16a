import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  readableCount,
  readableMs,
  readableNumber,
  readableShare,
} from '../../../../src/simulation/report/readable-figures.ts'

test.each([
  [0, '0 ms'],
  [0.01, '<0.1 ms'],
  [0.1, '0.1 ms'],
  [9.94, '9.9 ms'],
  [9.96, '10 ms'],
  [12, '12 ms'],
  [999.4, '999 ms'],
  [999.6, '1.0 s'],
  [3_400, '3.4 s'],
  [119_400, '119 s'],
  [120_000, '2 min'],
  [7_200_000, '2 h'],
])('%d ms are told as %s', (ms, text) => {
  expect(readableMs(ms)).toBe(text)
})

test('what is told of a duration is within 5% of it, from 1 ms on', () => {
  const lengths: Readonly<Record<string, number>> = { ms: 1, s: 1_000, min: 60_000, h: 3_600_000 }
  fc.assert(
    fc.property(fc.double({ min: 1, max: 3e9, noNaN: true }), (ms) => {
      const [number = '', unit = ''] = readableMs(ms).split(' ')
      const told = Number(number.replaceAll(',', '')) * (lengths[unit] ?? NaN)
      expect(Math.abs(told - ms) / ms).toBeLessThanOrEqual(0.0501)
    }),
  )
})

test('shares, counts and other numbers', () => {
  expect([0, 0.000_1, 0.036, 1].map(readableShare)).toEqual(['0%', '<0.1%', '3.6%', '100.0%'])
  expect([0, 999_999, 1_234_567, Number.MAX_SAFE_INTEGER].map(readableCount)).toEqual([
    ...['0', '999,999', '1.23M', '9010T'],
  ])
  expect([0, 0.01, 3, 3.14, 31.4].map(readableNumber)).toEqual(['0', '<0.1', '3', '3.1', '31'])
})
