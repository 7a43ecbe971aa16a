import fc from 'fast-check'
import { expect, test } from 'vitest'
import { simulationTable } from '../../../../src/simulation/report/simulation-table.ts'
import { widthOf } from '../../../../src/simulation/report/stage-label.ts'
import { hostileNames } from './elements-of.ts'
import { figuresUpTo, sampleReport, stageReport } from './sample-report.ts'

const busy = stageReport({
  ...{ name: 'inference', capacity: 1_024, concurrency: 16, utilisation: 0.973, share: 0.88, expired: 3 },
  ...{ depth: { mean: 3.25, max: 17 }, wait: figuresUpTo(400), service: figuresUpTo(2_000), shed: { door: 12_345 } },
})

test('the summary and the rows have the figures of the report', () => {
  const report = sampleReport([busy, stageReport({ name: 'post' })])
  expect(simulationTable(report).split('\n')).toEqual([
    'Requests    40 (16/s): 30 completed, 8 shed, 2 expired',
    'Shed rate   20.0%',
    'Goodput     12/s',
    'Latency     p50 850 ms, p99 3.1 s, max 3.4 s',
    "Bottleneck  inference, 97.3% of its slots' time taken",
    '',
    'STAGE        CAP  CONC   UTIL  DEPTH  MAX  WAIT P50     P99  SERVICE P50    P99  SHARE  LOST',
    'inference  1,024    16  97.3%    3.3   17    100 ms  360 ms       500 ms  1.8 s  88.0%  door 12,345, expired 3',
    'post           8     2     0%      0    0      0 ms    0 ms         0 ms   0 ms     0%',
  ])
})

test('no line is longer than 120, and the columns stand below their titles, whatever the names and numbers', () => {
  const count = fc.integer({ min: 0, max: 2 ** 40 })
  const ms = fc.double({ min: 0, max: 3e9, noNaN: true })
  const reasons = ['full', 'evicted', 'door', 'too-large', 'wait-timeout', 'rate', 'stage-down'] as const
  const stages = fc.uniqueArray(
    fc.record({
      name: fc.oneof(
        fc.constantFrom(...hostileNames, '日本語の名前', 'a'.repeat(300)),
        fc.string({ unit: 'grapheme' }),
      ),
      ...{ capacity: count, concurrency: count, expired: count, failed: count },
      depth: fc.record({ mean: fc.double({ min: 0, max: 1e9, noNaN: true }), max: count }),
      ...{ wait: ms.map(figuresUpTo), service: ms.map(figuresUpTo) },
      shed: fc.dictionary(fc.constantFrom(...reasons), count),
    }),
    { minLength: 1, maxLength: 12, selector: ({ name }) => name },
  )
  fc.assert(
    fc.property(stages, (some) => {
      const report = sampleReport(some.map((each) => stageReport({ ...each, utilisation: 1, share: 1 })))
      const lines = simulationTable(report).split('\n')
      expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(120)
      const rows = lines.slice(lines.indexOf('') + 1)
      // The shares end where their title ends, measured from the left as a terminal does.
      const shareEnd = (rows[0] ?? '').indexOf('SHARE') + 'SHARE'.length
      const ofStages = rows.slice(1).filter((row) => row.includes('100.0%'))
      expect(ofStages).toHaveLength(some.length)
      for (const row of ofStages) expect(widthOf(row.slice(0, row.lastIndexOf('100.0%') + 6))).toBe(shareEnd)
    }),
  )
})

test('each loss is told, over several lines where they have no room in one', () => {
  const shed = { full: 1, evicted: 2, door: 3, 'too-large': 4, 'wait-timeout': 5, rate: 6, breaker: 7 } as const
  const table = simulationTable(sampleReport([stageReport({ name: 'work', shed, expired: 8, failed: 9 })]))
  for (const [kind, number] of Object.entries({ ...shed, expired: 8, failed: 9 })) {
    expect(table).toContain(`${kind} ${number}`)
  }
})

test('a terminal obeys no name', () => {
  const table = simulationTable(sampleReport(hostileNames.map((name) => stageReport({ name }))))
  expect(table).not.toMatch(/[^\P{C}\n]/u)
})

test('nothing that came and nothing that was completed is said', () => {
  const requests = { submitted: 0, completed: 0, shed: 0, expired: 0, failed: 0, cancelled: 0 }
  const latency = { ...figuresUpTo(0), count: 0 }
  const report = sampleReport([stageReport({ name: 'work' })], { requests, latency, submittedPerSecond: 0 })
  expect(simulationTable(report)).toContain('Requests    0 (0/s)\n')
  expect(simulationTable(report)).toContain('Latency     no request was completed\n')
})
