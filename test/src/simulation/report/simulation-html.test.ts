import { Parser } from 'htmlparser2'
import { expect, test } from 'vitest'
import { pipeline } from '../../../../src/index.ts'
import { simulationHtml } from '../../../../src/simulation/report/simulation-html.ts'
import { simulate } from '../../../../src/simulation/simulate.ts'
import { hostileNames } from './elements-of.ts'
import { sampleReport, stageReport } from './sample-report.ts'

/** The texts of the table's cells, row by row. */
function cellsOf(html: string): readonly (readonly string[])[] {
  const rows: string[][] = []
  let inCell = false
  const parser = new Parser({
    onopentag: (name) => {
      if (name === 'tr') rows.push([])
      inCell = name === 'td' || name === 'th'
      if (inCell) rows.at(-1)?.push('')
    },
    ontext: (text) => {
      const row = rows.at(-1)
      if (inCell) row?.push(`${row.pop() ?? ''}${text}`)
    },
    onclosetag: () => {
      inCell = false
    },
  })
  parser.end(html)
  return rows
}

test('the page has the summary, the scenario, a row for each stage and three pictures', async () => {
  const two = pipeline<{ readonly deadlineMs?: number }>('two')
    .stage('first', (job) => job, { capacity: 4, concurrency: 2 })
    .stage('second', (job) => job, { capacity: 3, concurrency: 1 })
  const report = await simulate(two, {
    arrivals: { kind: 'poisson', perSecond: 400 },
    service: { first: { kind: 'exponential', meanMs: 4 }, second: { kind: 'exponential', meanMs: 5 } },
    ...{ durationMs: 5_000, warmupMs: 500, seed: 42 },
  })
  const html = simulationHtml(report)
  const [head, ...rows] = cellsOf(html)
  expect(rows.map(([name, capacity, concurrency]) => [name, capacity, concurrency])).toEqual([
    ['first', '4', '2'],
    ['second', '3', '1'],
  ])
  for (const [index, row] of rows.entries()) {
    expect(row).toHaveLength(head?.length ?? 0)
    expect(row[3]).toBe(`${((report.stages[index]?.utilisation ?? 0) * 100).toFixed(1)}%`)
  }
  expect(rows[1]?.at(-1)).toBe(`door ${report.stages[1]?.shed.door?.toLocaleString('en-US') ?? ''}`)
  expect(html.match(/<svg /g)).toHaveLength(3)
  for (const [name, figure] of [
    ['Seed', '42'],
    ['Duration', '5 s (5,000 ms)'],
    ['Warm-up', '500 ms (500 ms)'],
    ['Shed rate', `${(report.shedRate * 100).toFixed(1)}%`],
  ] as const) {
    expect(html).toContain(`<dt>${name}</dt><dd>${figure}</dd>`)
  }
  expect(simulationHtml(structuredClone(report))).toBe(html)
})

test('the page has no script, and nothing in it is loaded, whatever stages are called', () => {
  const stages = hostileNames.map((name) => ({ ...stageReport({ name, shed: { full: 1 } }), waiting: [1, 2, 3, 4] }))
  const html = simulationHtml(sampleReport(stages, { pipeline: '<script src="http://example.org">' }))
  const ids: string[] = []
  const parser = new Parser({
    onopentag: (name, attributes) => {
      expect(['script', 'link', 'image', 'img', 'iframe', 'b']).not.toContain(name)
      for (const [key, value] of Object.entries(attributes)) {
        expect(key).not.toMatch(/^on|^href$|^src$/)
        if (key === 'fill') expect(value).toMatch(/^url\(#shed-\d+\)$/)
        if (key === 'id') ids.push(value)
      }
    },
  })
  parser.end(html)
  expect(new Set(ids).size).toBe(ids.length)
  expect(html.replaceAll('xmlns="http://www.w3.org/2000/svg"', '')).not.toMatch(/(?:url\(|@import )["']?(?!#)/)
  expect(cellsOf(html).at(1)?.[0]).toBe(hostileNames[0])
})
