import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type GoalReport, meetsGoal, missedBy, parseGoal } from '../../../src/simulation/goal.ts'

const latency = { count: 90, meanMs: 0, p50Ms: 100, p90Ms: 900, p99Ms: 2_000, p999Ms: 2_500, maxMs: 3_000 }
const report = {
  latency: { ...latency, byShare: [] },
  shedRate: 0.001,
  requests: { submitted: 100, completed: 90, shed: 0, failed: 0, expired: 10, cancelled: 0 },
  goodputPerSecond: 400,
} as unknown as GoalReport

test('a goal is read with its units', () => {
  expect(parseGoal(' p99<2s\tshed<=0.5% goodput>400/s p999<1500ms ')).toEqual([
    { figure: 'p99', relation: '<', limit: 2_000 },
    { figure: 'shed', relation: '<=', limit: 0.005 },
    { figure: 'goodput', relation: '>', limit: 400 },
    { figure: 'p999', relation: '<', limit: 1_500 },
  ])
})

test.each([
  'p98<2s',
  'p99<2',
  'p99>2s',
  'p99<2%',
  'shed<1',
  'shed<1s',
  'goodput<4/s',
  'goodput>4',
  'p99 < 2s',
  'p99<-1s',
])('%j is refused', (text) => {
  expect(() => parseGoal(text)).toThrow(/^goal must be made of conditions such as p99<2s, .*got "/)
})

test('a goal that says nothing is refused', () => {
  expect(() => parseGoal('')).toThrow('goal must not be empty')
})

test.each([
  ['p50<101ms p90<1s p999<=2.5s', true],
  ['p99<2s', false],
  ['p99<=2s', true],
  ['shed<0.1%', false],
  ['shed<=0.1%', true],
  ['expired<10%', false],
  ['expired<11%', true],
  ['goodput>400/s', false],
  ['goodput>=400/s', true],
  ['goodput>=400/s p50<1ms', false],
] as const)('%j is met: %j', (text, met) => {
  expect(meetsGoal(report, parseGoal(text))).toBe(met)
})

test('where nothing is completed no latency is met', () => {
  const nothing = { ...report, latency: { ...report.latency, count: 0, p99Ms: 0 } }
  expect(meetsGoal(nothing, parseGoal('p99<3600s'))).toBe(false)
  expect(missedBy(nothing, parseGoal('p99<2s'))).toBe(Infinity)
})

test('what is missed by more than nothing is not met, and what is met is missed by nothing', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('p50', 'p99', 'shed', 'expired', 'goodput'),
      fc.integer({ min: 0, max: 5_000 }),
      (figure, limit) => {
        const unit = { p: 'ms', s: '%', e: '%', g: '/s' }[figure[0]!]!
        const goal = parseGoal(`${figure}${figure === 'goodput' ? '>=' : '<='}${limit}${unit}`)
        expect(missedBy(report, goal) <= 0).toBe(meetsGoal(report, goal))
      },
    ),
  )
})

test('each figure counts by how many times its limit it is', () => {
  expect(missedBy(report, parseGoal('p99<1s p50<90ms goodput>600/s'))).toBeCloseTo(
    Math.log((2 * (100 / 90) * 600) / 400),
  )
  expect(missedBy(report, parseGoal('goodput>600/s p90<5s'))).toBeCloseTo(Math.log(1.5))
  expect(missedBy(report, parseGoal('shed<=0%'))).toBeCloseTo(0.001)
})
