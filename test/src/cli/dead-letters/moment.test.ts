import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { durationMs, momentMs, spokenDuration } from '../../../../src/cli/dead-letters/moment.ts'

const now = Date.parse('2026-03-01T12:00:00Z')

describe('a duration', () => {
  it.each([
    ['250ms', 250],
    ['90s', 90_000],
    ['2h', 7_200_000],
    ['1h30m', 5_400_000],
    ['0.5d', 43_200_000],
    ['1w', 604_800_000],
  ])('%s', (text, ms) => {
    expect(durationMs('--x', text)).toBe(ms)
  })

  it.each(['', '2', 'h', '2 h', '-2h', '2y', '1e3s', '9'.repeat(30) + 's'])('not %j', (text) => {
    expect(() => durationMs('--x', text)).toThrow(/^--x must be a duration such as 90s, 2h, 1h30m or 7d, got "/)
  })

  it('is read in its two largest units', () => {
    const texts = [0, 999, 61_000, 3_600_000, 3_661_000, 90_061_000, 8 * 86_400_000].map(spokenDuration)
    expect(texts).toEqual(['0s', '0s', '1m1s', '1h', '1h1m', '1d1h', '8d'])
  })

  it('is read as no more than it is, by less than its smaller unit', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 ** 12 }), (ms) => {
        const read = durationMs('--x', spokenDuration(ms))
        const unit = ms >= 86_400_000 ? 3_600_000 : ms >= 3_600_000 ? 60_000 : 1_000
        expect(ms - read).toBeGreaterThanOrEqual(0)
        expect(ms - read).toBeLessThan(unit)
      }),
    )
  })
})

describe('a moment', () => {
  it.each([
    ['2026-01-31', '2026-01-31T00:00:00.000Z'],
    ['2026-01-31T12:30', '2026-01-31T12:30:00.000Z'],
    ['2026-01-31T12:30:15.5Z', '2026-01-31T12:30:15.500Z'],
    ['2026-01-31T12:30:00+02:00', '2026-01-31T10:30:00.000Z'],
    ['2h', '2026-03-01T10:00:00.000Z'],
  ])('%s', (text, expected) => {
    expect(new Date(momentMs('--x', text, now)).toISOString()).toBe(expected)
  })

  it.each(['', 'yesterday', '2026-02-30', '2026-13-01', '2026-01-31T25:00', '1738000000000', '2026-01-31 12:00'])(
    'not %j',
    (text) => {
      expect(() => momentMs('--x', text, now)).toThrow(
        `--x must be a time such as 2026-01-31 or 2026-01-31T12:00:00Z, or how long ago, such as 90s, 2h or 7d, got ${JSON.stringify(text)}`,
      )
    },
  )
})
