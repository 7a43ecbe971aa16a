import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { boundedBuffer, dropNewest } from '../../../operators/index.ts'
import { checkInvariants, type CheckOptions, InvariantError, operator } from '../../../src/testing/index.ts'

const limits = { capacity: 2, concurrency: 2 }
const subject = operator(
  ({ project, clock, onOutcome, limits$ }) => boundedBuffer(project, { ...limits, clock, onOutcome, limits$ }),
  limits,
)

async function digest(seed: number): Promise<string> {
  const hash = createHash('sha256')
  const onRun = (timeline: readonly string[]): void => {
    hash.update(`${timeline.join('\n')}\n\n`)
  }
  await checkInvariants(subject, { runs: 200, seed, onRun })
  return hash.digest('hex')
}

test('the same seed gives the same traces, another one others', async () => {
  const first = await digest(1)
  expect(await digest(1)).toBe(first)
  expect(await digest(2)).not.toBe(first)
})

test('reports what was played', async () => {
  const report = await checkInvariants(subject, { runs: 50, seed: 7, maxItems: 8 })
  expect(report).toMatchObject({ runs: 50, seed: 7 })
  expect(Object.values(report.outcomes).reduce((sum, count) => sum + count, 0)).toBe(report.items)
  expect(await checkInvariants(subject, { runs: 50, seed: 7, maxItems: 8 })).toEqual(report)
})

test('begins no further scenario once maxMs is over', async () => {
  const { runs } = await checkInvariants(subject, { runs: 10_000_000, maxMs: 50 })
  expect(runs).toBeLessThan(10_000_000)
})

test('dropNewest keeps the invariants', async () => {
  const newest = operator(
    ({ project, clock, onOutcome }) => dropNewest(project, { ...limits, clock, onOutcome }),
    limits,
  )
  await checkInvariants(newest)
})

test("a check of one's own is called after every step, and what it throws is shown with the step", async () => {
  let runs = 0
  const counted = operator(({ project, clock, onOutcome }) => {
    runs = 0
    return boundedBuffer(
      (...call: Parameters<typeof project>) => {
        runs += 1
        return project(...call)
      },
      { ...limits, clock, onOutcome },
    )
  }, limits)
  const check = (): void => {
    if (runs > 2) throw new Error('a third run')
  }
  const failure: unknown = await checkInvariants(counted, { check }).catch((error: unknown) => error)
  expect((failure as InvariantError).invariant).toBe('Your own')
  expect((failure as InvariantError).message).toMatch(/^your own check does not hold: a third run\n/)
  expect((failure as InvariantError).cause).toBeInstanceOf(Error)
})

test('the failure reads as it should', async () => {
  const narrow = operator(
    ({ project, clock, onOutcome }) => boundedBuffer(project, { capacity: 0, clock, onOutcome }),
    { capacity: 1 },
  )
  const failure: unknown = await checkInvariants(narrow, { seed: 3 }).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(InvariantError)
  const { message, code } = failure as InvariantError
  expect(code).toBe('invariant_broken')
  const [first, replay, , ...rest] = message.split(/\n\n|(?<=:)\n/)
  expect(first).toBe(
    'invariant 4, "Sheds exactly when it must", does not hold: item 1 is shed (full), but 0 of 1 places are taken',
  )
  expect(replay).toMatch(/^run \d+ of 100, shrunk \d+ times; play it again with \{ seed: 3, path: '[\d:]+' \}$/)
  expect(rest[0]).toMatch(
    /^ {2}capacity 1; by default .*\n {2}item 0 arrives at 0 ms; .*\n {2}item 1 arrives .*\n {2}the s.*$/,
  )
  expect(rest[2]).toMatch(
    /^ {5}0 ms {2}item 0 arrives\n {5}0 ms {2}item 0 starts\n(.*\n)*> {4}0 ms {2}item 1 is shed \(full\)$/,
  )
})

const bad: readonly (readonly [string, unknown, typeof Error])[] = [
  ['runs', { runs: 0 }, RangeError],
  ['seed', { seed: 1.5 }, RangeError],
  ['path', { path: '1:2' }, TypeError],
  ['path', { path: '', seed: 1 }, RangeError],
  ['maxItems', { maxItems: 0 }, RangeError],
  ['maxMs', { maxMs: -1 }, RangeError],
  ['check', { check: true }, TypeError],
  ['onRun', { onRun: 1 }, TypeError],
  ['"numRuns"', { numRuns: 1 }, TypeError],
]
test.each(bad)('a bad %s is refused by name: %j', async (name, options, type) => {
  const failure: unknown = await checkInvariants(subject, options as CheckOptions).catch((error: unknown) => error)
  expect(failure).toBeInstanceOf(type)
  expect((failure as Error).message).toContain(name)
})

test('claims that make no sense are refused by name, and so is what is no subject', async () => {
  expect(() => operator(() => (source) => source, { capacity: -1 })).toThrow('capacity')
  expect(() => operator(() => (source) => source, { capacity: 1, size: 1 } as never)).toThrow('size')
  expect(() => operator(1 as never, { capacity: 1 })).toThrow('operator must be a function')
  await expect(checkInvariants({} as never)).rejects.toThrow('operator(')
})
