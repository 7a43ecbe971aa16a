import { expect, test } from 'vitest'
import { sweepHtml } from '../../../../src/simulation/report/sweep-html.ts'
import { sweepPicture } from '../../../../src/simulation/report/sweep-picture.ts'
import type { SweepRow } from '../../../../src/simulation/sweep.ts'
import { elementsOf, hostileNames, withClass } from './elements-of.ts'
import { figuresUpTo, sampleReport, stageReport } from './sample-report.ts'

const settings = [
  { stage: 'work', limit: 'concurrency' },
  { stage: 'work', limit: 'capacity' },
] as const

function rowOf(concurrency: number, capacity: number, shedRate: number, p99Ms: number, stage = 'work'): SweepRow {
  const { timeline: _, ...report } = sampleReport([{ ...stageReport({ name: stage }), waiting: [0] }])
  const latency = { ...figuresUpTo(p99Ms), p99Ms }
  return { tried: { [stage]: { concurrency, capacity } }, report: { ...report, shedRate, latency } }
}

const rows = [rowOf(1, 10, 0.5, 400), rowOf(1, 100, 0.4, 4_000), rowOf(2, 10, 0.1, 200), rowOf(2, 100, 0, 900)]

test('each combination is a point, joined along the setting that changes fastest', () => {
  const elements = elementsOf(sweepPicture(rows, settings))
  expect(withClass(elements, 'circle', 'area')).toHaveLength(4)
  // Two lines, and a piece of each beside its name.
  expect(withClass(elements, 'path', 'line')).toHaveLength(4)
  const texts = elements.filter(({ name }) => name === 'text').map(({ text }) => text)
  expect(texts).toEqual(
    expect.arrayContaining(['work.concurrency 1', 'work.concurrency 2', '10', '100', 'shed rate', 'p99 (s)']),
  )
  const told = elements.find(({ name }) => name === 'desc')?.text
  expect(told).toContain('work.concurrency 1, work.capacity 100: 40.0% shed, p99 4 s')
})

test('more shed is further to the right, and longer is higher', () => {
  const points = withClass(elementsOf(sweepPicture(rows, settings)), 'circle', 'area').map(({ attributes }) => [
    Number(attributes['cx']),
    Number(attributes['cy']),
  ])
  const order = (at: 0 | 1): readonly number[] =>
    [0, 1, 2, 3].sort((a, b) => (points[a]?.[at] ?? 0) - (points[b]?.[at] ?? 0))
  expect(order(0)).toEqual([3, 2, 1, 0])
  expect(order(1)).toEqual([1, 3, 0, 2])
})

test('points that lie upon each other have one label', () => {
  const close = [rowOf(1, 10, 0, 400), rowOf(1, 20, 0, 400), rowOf(1, 30, 0, 401), rowOf(1, 40, 0.9, 900)]
  const texts = elementsOf(sweepPicture(close, settings))
    .filter(({ name }) => name === 'text')
    .map(({ text }) => text)
  expect(texts).toContain('10 … 30')
  expect(texts).toContain('40')
  expect(texts).not.toContain('20')
})

test('where nothing was completed it says so', () => {
  const none = rowOf(1, 1, 1, 0)
  const empty = { ...none, report: { ...none.report, latency: { ...none.report.latency, count: 0 } } }
  expect(sweepPicture([empty], settings)).toContain('No request was completed.')
  expect(sweepPicture([], [])).toContain('No request was completed.')
})

test('the page has the picture and a row for each combination, and obeys no name', () => {
  const html = sweepHtml(rows, settings)
  expect(html.match(/<tr>/g)).toHaveLength(5)
  expect(html).toContain('<td>work</td>')
  expect(html).not.toMatch(/NaN|Infinity|undefined|<script/)
  for (const name of hostileNames) {
    const hostile = [{ stage: name, limit: 'capacity' }] as const
    const svg = sweepPicture([rowOf(1, 1, 0.1, 10, name), rowOf(1, 2, 0.2, 9, name)], hostile)
    for (const kind of ['script', 'image', 'b']) expect(elementsOf(svg).map((each) => each.name)).not.toContain(kind)
  }
})
