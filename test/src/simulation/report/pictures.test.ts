import { expect, test } from 'vitest'
import { depthPicture } from '../../../../src/simulation/report/depth-picture.ts'
import { latencyPicture } from '../../../../src/simulation/report/latency-picture.ts'
import { shedPicture } from '../../../../src/simulation/report/shed-picture.ts'
import { elementsOf, hostileNames, withClass } from './elements-of.ts'
import { figuresUpTo, sampleReport, stageReport } from './sample-report.ts'

const pictures = { depthPicture, latencyPicture, shedPicture }
const names = Object.keys(pictures) as (keyof typeof pictures)[]

const report = sampleReport([
  { ...stageReport({ name: 'first', shed: { full: 6, evicted: 2 } }), waiting: [0, 4, 2, 0] },
  stageReport({ name: 'second' }),
  { ...stageReport({ name: 'third', shed: { full: 10 } }), waiting: [0, 0, 0, 1] },
])

/** Numbers of a path, in pairs. */
function pointsOf(path: string): readonly (readonly [number, number])[] {
  return [...path.matchAll(/[ML](-?[\d.]+),(-?[\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)])
}

test.each(names)('%s is well-formed, has a title and a description, and is the same for the same report', (name) => {
  const svg = pictures[name](report)
  const elements = elementsOf(svg)
  const [root] = elements
  expect(root).toMatchObject({ name: 'svg', attributes: { role: 'img' } })
  const labels = root?.attributes['aria-labelledby']?.split(' ') ?? []
  const labelled = labels.map((id) => elements.find(({ attributes }) => attributes['id'] === id))
  expect(labelled.map((element) => element?.name)).toEqual(['title', 'desc'])
  for (const element of labelled) expect(element?.text).not.toBe('')
  expect(svg).not.toMatch(/NaN|Infinity|undefined/)
  expect(pictures[name](structuredClone(report))).toBe(svg)
})

test.each(names)('%s shows hostile names, and obeys none', (name) => {
  const stages = hostileNames.map((each) => ({
    ...stageReport({ name: each, shed: { full: 1 } }),
    waiting: [1, 2, 3, 4],
  }))
  const svg = pictures[name](sampleReport(stages))
  const kinds = new Set(elementsOf(svg).map((element) => element.name))
  for (const kind of ['script', 'image', 'b']) expect(kinds).not.toContain(kind)
  for (const { attributes } of elementsOf(svg)) expect(Object.keys(attributes)).not.toContain('onload')
})

test('the depth of each stage that ever had something waiting is a line below its name', () => {
  const elements = elementsOf(depthPicture(report))
  const lines = withClass(elements, 'path', 'line').map(({ attributes }) => pointsOf(attributes['d'] ?? ''))
  expect(lines).toHaveLength(2)
  const texts = elements.filter(({ name }) => name === 'text').map(({ text }) => text)
  expect(texts).toContain('first')
  expect(texts).not.toContain('second')
  expect(texts).toContain('third')
  expect(texts).toContain('simulated time (s)')
  // Twice as deep is twice as high, and time runs evenly.
  const [x0 = 0, x1 = 0, x2 = 0, x3 = 0] = lines[0]?.map(([x]) => x) ?? []
  const [bottom = 0, top = 0, half = 0] = lines[0]?.map(([, y]) => y) ?? []
  expect(bottom).toBeGreaterThan(top)
  expect(bottom - half).toBeCloseTo((bottom - top) / 2, 1)
  expect(x1 - x0).toBeCloseTo(x3 - x2, 1)
})

test('a warm-up is shaded behind each line, and told', () => {
  const elements = elementsOf(depthPicture(report))
  expect(withClass(elements, 'rect', 'faint')).toHaveLength(2)
  expect(depthPicture(report)).toContain('shaded: warm-up')
  const without = depthPicture({ ...report, warmupMs: 0 })
  expect(withClass(elementsOf(without), 'rect', 'faint')).toHaveLength(0)
  expect(without).not.toContain('shaded')
})

test('the names of twelve stages do not stand upon one another', () => {
  const stages = Array.from({ length: 12 }, (_, index) => ({
    ...stageReport({ name: `stage ${index}`, shed: { full: index } }),
    waiting: [0, index + 1, 0, 1],
  }))
  for (const svg of [depthPicture(sampleReport(stages)), shedPicture(sampleReport(stages))]) {
    const heights = elementsOf(svg)
      .filter(({ name, text }) => name === 'text' && text.startsWith('stage '))
      .map(({ attributes }) => Number(attributes['y']))
    expect(heights).toHaveLength(12)
    for (const [index, height] of heights.slice(1).entries()) expect(height - (heights[index] ?? 0)).toBeGreaterThan(14)
  }
})

test('each nine of the latency takes as much room as the one before', () => {
  const elements = elementsOf(latencyPicture(report))
  const [line] = withClass(elements, 'path', 'line')
  const [, , p90, p99, p9999] = pointsOf(line?.attributes['d'] ?? '')
  expect((p9999?.[0] ?? 0) - (p99?.[0] ?? 0)).toBeCloseTo(2 * ((p99?.[0] ?? 0) - (p90?.[0] ?? 0)), 1)
  const texts = elements.filter(({ name }) => name === 'text').map(({ text }) => text)
  expect(texts).toContain('latency (s)')
  for (const percentile of ['50%', '90%', '99%', '99.9%', '99.99%']) expect(texts).toContain(percentile)
})

test('the bars of what was shed are as long as the numbers are large, and each reason has a pattern of its own', () => {
  const elements = elementsOf(shedPicture(report))
  const pieces = elements.filter(({ name, attributes }) => name === 'rect' && attributes['height'] === '18')
  const widths = pieces.map(({ attributes }) => Number(attributes['width']))
  expect(widths).toHaveLength(3)
  expect((widths[0] ?? 0) / (widths[2] ?? 0)).toBeCloseTo(0.6, 2)
  expect((widths[1] ?? 0) / (widths[2] ?? 0)).toBeCloseTo(0.2, 2)
  const fills = pieces.map(({ attributes }) => attributes['fill'])
  expect(fills[0]).toBe(fills[2])
  expect(fills[0]).not.toBe(fills[1])
  const texts = elements.filter(({ name }) => name === 'text').map(({ text }) => text)
  for (const text of ['first', 'second', 'third', 'full', 'evicted', '8', '0', '10']) expect(texts).toContain(text)
})

test('what there is nothing of is a sentence', () => {
  const none = sampleReport([stageReport({ name: 'idle' })], {
    latency: { ...figuresUpTo(0), count: 0 },
    latencyDistribution: [],
  })
  expect(depthPicture(none)).toContain('Nothing was waiting')
  expect(latencyPicture(none)).toContain('No request was completed')
  expect(shedPicture(none)).toContain('No request was shed')
  for (const name of names) expect(withClass(elementsOf(pictures[name](none)), 'path', 'line')).toEqual([])
})
