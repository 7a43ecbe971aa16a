import { expect, test } from 'vitest'
import { sweepTable } from '../../../../src/cli/simulate/sweep-table.ts'
import { verdictOn } from '../../../../src/cli/simulate/verdict.ts'
import { pipeline } from '../../../../src/index.ts'
import { parseGoal } from '../../../../src/simulation/goal.ts'
import { sweep, type SweepSetting } from '../../../../src/simulation/sweep.ts'

const two = pipeline<object>('two')
  .stage('parse', (job) => job, { capacity: 16, concurrency: 4 })
  .stage('work', (job) => job, { capacity: 4, concurrency: 1 })

const scenario = {
  arrivals: { kind: 'constant', perSecond: 100 },
  service: { parse: 1, work: 45 },
  durationMs: 10_000,
} as const

const slots: SweepSetting<'work'> = { stage: 'work', limit: 'concurrency', values: [2, 4, 5, 8] }
const room: SweepSetting<'work'> = { stage: 'work', limit: 'capacity', values: [1] }

const goalOf = (text: string): Parameters<typeof verdictOn>[1] => ({ text, terms: parseGoal(text) })

test('a table has a row for each combination', async () => {
  const rows = await sweep(two, scenario, [slots, room])
  expect(sweepTable(rows, [slots, room], parseGoal('shed<1%'))).toEqual([
    'work.concurrency  work.capacity   SHED    P50    P99  GOODPUT   UTIL  BOTTLENECK  GOAL',
    '               2              1  55.5%  51 ms  76 ms     45/s  99.8%  work        missed',
    '               4              1  11.0%  51 ms  56 ms     89/s  99.7%  work        missed',
    '               5              1     0%  46 ms  46 ms    100/s  89.7%  work        met',
    '               8              1     0%  46 ms  46 ms    100/s  56.1%  work        met',
  ])
  expect(sweepTable(rows.slice(0, 1), [])[0]).toBe(' SHED    P50    P99  GOODPUT   UTIL  BOTTLENECK')
})

test('where nothing was completed there is no latency', async () => {
  const late = await sweep(two, { ...scenario, deadlineMs: 10 }, [])
  expect(sweepTable(late, [])[1]).toMatch(/^ *[\d.]+% +- +- +0\/s /)
})

test('the cheapest is named', async () => {
  const rows = await sweep(two, scenario, [slots, room])
  expect(verdictOn(rows, goalOf('shed<1% p99<50ms'))).toEqual({
    best: rows[2],
    lines: ['the cheapest that meets shed<1% p99<50ms is work.concurrency=5 work.capacity=1'],
  })
})

test('where none is good enough the nearest is named, and what its bottleneck would need', async () => {
  const rows = await sweep(two, scenario, [{ ...slots, values: [2, 4] }])
  expect(verdictOn(rows, goalOf('shed<1%'))).toEqual({
    best: undefined,
    lines: [
      'none meets shed<1%; the nearest is work.concurrency=4',
      "bottleneck: work, 99.7% of its slots' time taken",
      '100 requests a second × 45 ms keep 4.5 slots busy: it needs a concurrency of at least 5, and has 4',
    ],
  })
})

test('where slots would not help it is told where the time is spent', async () => {
  const rows = await sweep(two, scenario, [{ ...slots, values: [5, 8] }])
  expect(verdictOn(rows, goalOf('p99<20ms')).lines.slice(2)).toEqual([
    '100 requests a second × 45 ms keep 4.5 slots busy: it has 5, which is enough on average',
    'most time is spent in work: wait p99 0 ms, service p99 45 ms',
  ])
})

test('one simulation meets its goal or does not', async () => {
  const rows = await sweep(two, scenario, [])
  expect(verdictOn(rows, goalOf('shed<1%')).lines[0]).toBe('shed<1% is not met')
  expect(verdictOn(rows, goalOf('shed<99%')).lines).toEqual(['shed<99% is met'])
})
