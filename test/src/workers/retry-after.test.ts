import { expect, test } from 'vitest'
import { retryAfterMs } from '../../../src/workers/retry-after.ts'

const of = (headers: Record<string, string>): number | undefined => retryAfterMs({ headers: new Headers(headers) })

test.each<[string, Record<string, string>, number | undefined]>([
  ['seconds', { 'retry-after': '7' }, 7000],
  ['part of a second', { 'retry-after': '0.5' }, 500],
  ['milliseconds, which are exact', { 'retry-after': '7', 'retry-after-ms': '6400' }, 6400],
  [
    "a date, by the server's clock",
    { 'retry-after': 'Tue, 24 Nov 2026 10:00:30 GMT', date: 'Tue, 24 Nov 2026 10:00:00 GMT' },
    30_000,
  ],
  ['a date that is over', { 'retry-after': 'Tue, 24 Nov 2026 10:00:00 GMT', date: 'Tue, 24 Nov 2026 10:00:30 GMT' }, 0],
  ['a date without a clock', { 'retry-after': 'Tue, 24 Nov 2026 10:00:30 GMT' }, undefined],
  ['more than a day', { 'retry-after': '1000000' }, undefined],
  ['a negative time', { 'retry-after': '-1' }, undefined],
  ['a word', { 'retry-after': 'soon' }, undefined],
  ['nothing', {}, undefined],
])('%s', (_, headers, expected) => {
  expect(of(headers)).toBe(expected)
})

test.each([[undefined], [new Error('x')], [{ headers: { 'retry-after': '7' } }]])('no answer at all: %o', (error) => {
  expect(retryAfterMs(error)).toBeUndefined()
})
