import { expect, test } from 'vitest'
import { Dagor } from '../../operators/public.ts'

/** Sends so many in one window, spread over users, and says how many were let in, by priority. */
function window(
  dagor: Dagor,
  number: number,
  { perPriority, waitedMs }: { readonly perPriority: number; readonly waitedMs: number },
  priorities: readonly number[] = [0],
): readonly number[] {
  const letIn = priorities.map(() => 0)
  for (let index = 0; index < perPriority; index++) {
    for (const [at, priority] of priorities.entries()) {
      const now = number * 1_000 + (index / perPriority) * 999
      if (dagor.refuses(priority, `user ${index}`, now)) continue
      letIn[at] = (letIn[at] as number) + 1
      dagor.starts(waitedMs)
    }
  }
  return letIn
}

const slow = { perPriority: 400, waitedMs: 30 }
const fast = { perPriority: 400, waitedMs: 10 }

test('lets in all while they wait for less than the target', () => {
  const dagor = new Dagor({ targetMs: 20 }, Math.random)
  for (let number = 0; number < 5; number++) expect(window(dagor, number, fast)).toEqual([400])
})

test('lets in some five percent fewer after each window in which they waited for longer', () => {
  const dagor = new Dagor({ targetMs: 20 }, Math.random)
  const counts = Array.from({ length: 8 }, (_, number) => window(dagor, number, slow)[0] as number)
  expect(counts[0]).toBe(400)
  for (const [index, count] of counts.slice(1).entries()) {
    // One of 128 users has about three of the four hundred.
    expect(count / (counts[index] as number)).toBeGreaterThan(0.9)
    expect(count / (counts[index] as number)).toBeLessThanOrEqual(0.95)
  }
})

test('lets in more again, one percent of all after each window, when they wait for less, until all are let in', () => {
  const dagor = new Dagor({ targetMs: 20 }, Math.random)
  for (let number = 0; number < 5; number++) window(dagor, number, slow)
  const counts = Array.from({ length: 60 }, (_, number) => window(dagor, number + 5, fast)[0] as number)
  expect(counts[0]).toBeLessThan(340)
  for (const [index, count] of counts.slice(1).entries()) expect(count).toBeGreaterThanOrEqual(counts[index] as number)
  expect(counts.at(-1)).toBe(400)
})

test('refuses what matters least first', () => {
  const dagor = new Dagor({ targetMs: 20 }, Math.random)
  let letIn: readonly number[] = []
  for (let number = 0; number < 12; number++)
    letIn = window(dagor, number, { perPriority: 200, waitedMs: 30 }, [1, 0, -1])
  expect(letIn[0]).toBe(200)
  expect(letIn[1]).toBeGreaterThan(0)
  expect(letIn[2]).toBe(0)
})

test('serves the same users in each window, and not others by turns', () => {
  const dagor = new Dagor({ targetMs: 20 }, Math.random)
  for (let number = 0; number < 6; number++) window(dagor, number, slow)
  const served = (now: number): readonly boolean[] =>
    Array.from({ length: 100 }, (_, index) => !dagor.refuses(0, `user ${index}`, now))
  const first = served(5_999)
  expect(served(5_999)).toEqual(first)
  expect(new Set(first).size).toBe(2)
})

test('who is nobody is let in by chance', () => {
  let drawn = 0
  const dagor = new Dagor({ targetMs: 20 }, () => (drawn += 0.01) % 1)
  for (let number = 0; number < 6; number++) window(dagor, number, slow)
  const refused = Array.from({ length: 100 }, () => dagor.refuses(0, undefined, 5_999)).filter(Boolean)
  expect(refused.length).toBeGreaterThan(5)
  expect(refused.length).toBeLessThan(50)
})

test('knows nothing of a window in which none has started', () => {
  const dagor = new Dagor({ targetMs: 20 }, Math.random)
  window(dagor, 0, slow)
  for (let at = 1_000; at < 20_000; at += 100) dagor.refuses(0, 'one', at)
  expect(window(dagor, 30, fast)[0]).toBeGreaterThan(370)
})

test('a window is over after 2,000 items, however short', () => {
  const dagor = new Dagor({ targetMs: 20, windowMs: 1_000_000 }, Math.random)
  const letIn = (): number => {
    let count = 0
    for (let index = 0; index < 2_000; index++) {
      if (dagor.refuses(0, `user ${index}`, 1)) continue
      count += 1
      dagor.starts(30)
    }
    return count
  }
  expect(letIn()).toBe(2_000)
  expect(letIn()).toBeLessThan(1_901)
})

test.for([
  [{}, 'targetMs must be a number above 0'],
  [{ targetMs: 1, windowMs: 0 }, 'windowMs must be a number above 0'],
] as const)('%j is refused', ([options, message]) => {
  expect(() => new Dagor(options as { targetMs: number }, Math.random)).toThrow(message)
})
