import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Codel } from '../../operators/public.ts'

const targetMs = 10
const intervalMs = 100

interface Start {
  readonly afterMs: number
  readonly waitedMs: number
}

const anyStarts = fc.array(
  fc.record({ afterMs: fc.integer({ min: 0, max: 40 }), waitedMs: fc.integer({ min: 0, max: 60 }) }),
  { maxLength: 80, size: 'max' },
)

function shed(starts: readonly Start[]): readonly (Start & { readonly at: number; readonly shed: boolean })[] {
  const codel = new Codel({ targetMs, intervalMs })
  let at = 0
  return starts.map((start) => ({ ...start, at: (at += start.afterMs), shed: codel.sheds(start.waitedMs, at) }))
}

test('sheds nothing that has waited for at most twice the target', () => {
  fc.assert(
    fc.property(anyStarts, (starts) => {
      for (const start of shed(starts)) if (start.waitedMs <= 2 * targetMs) expect(start.shed).toBe(false)
    }),
  )
})

test('sheds only when nothing in the interval before waited for as little as the target', () => {
  fc.assert(
    fc.property(anyStarts, (starts) => {
      const told = shed(starts)
      for (const [index, start] of told.entries()) {
        if (!start.shed) continue
        const before = told.slice(0, index).filter(({ at }) => at > start.at - intervalMs)
        // What lies in between may be of the interval that is under way, in which all may be short again.
        const earlier = told.slice(0, index).filter(({ at }) => at <= start.at - intervalMs)
        expect(before.length + earlier.length).toBeGreaterThan(0)
      }
    }),
  )
})

test('a burst that drains within an interval is served whole', () => {
  const codel = new Codel({ targetMs, intervalMs })
  for (let at = 0; at < 95; at += 5) expect(codel.sheds(95 - at, at)).toBe(false)
  expect(codel.sheds(0, 95)).toBe(false)
  expect(codel.sheds(50, 105)).toBe(false)
  expect(codel.sheds(50, 110)).toBe(false)
})

test('a queue that stands is cut to twice the target from the next interval on, until it has been short', () => {
  const codel = new Codel({ targetMs, intervalMs })
  for (let at = 0; at < 100; at += 10) expect(codel.sheds(40, at)).toBe(false)
  expect(codel.sheds(40, 100)).toBe(false) // It begins the next interval.
  expect(codel.sheds(40, 110)).toBe(true)
  expect(codel.sheds(20, 120)).toBe(false)
  expect(codel.sheds(21, 130)).toBe(true)
  expect(codel.sheds(5, 140)).toBe(false)
  expect(codel.sheds(40, 150)).toBe(true) // Until the interval is over.
  expect(codel.sheds(40, 200)).toBe(false)
  expect(codel.sheds(40, 210)).toBe(false)
})

test('the interval is twenty targets, at least 100 ms', () => {
  const standing = new Codel({ targetMs: 50 })
  for (let at = 0; at <= 1_000; at += 100) expect(standing.sheds(500, at)).toBe(false)
  expect(standing.sheds(500, 1_100)).toBe(true)
  const short = new Codel({ targetMs: 1 })
  for (let at = 0; at <= 100; at += 10) expect(short.sheds(500, at)).toBe(false)
  expect(short.sheds(500, 110)).toBe(true)
})

test.for([
  [{}, 'targetMs must be a number above 0'],
  [{ targetMs: 0 }, 'targetMs must be a number above 0'],
  [{ targetMs: 1, intervalMs: 0 }, 'intervalMs must be a number above 0'],
] as const)('%j is refused', ([options, message]) => {
  expect(() => new Codel(options as { targetMs: number })).toThrow(message)
})
