import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { stringify } from 'yaml'
import type { SimulationReport } from '../../../src/simulation/simulation-report.ts'
import type { SweepRow } from '../../../src/simulation/sweep.ts'
import { runSpillway } from '../../integration/spillway-process.ts'

let folder: string
let file: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'spillway-'))
  file = join(folder, 'work.yaml')
  const simulation = {
    arrivals: { kind: 'constant', perSecond: 100 },
    ...{ durationMs: 10_000, service: { work: { kind: 'exponential', meanMs: 45 } } },
  }
  await writeFile(file, stringify({ name: 'one', stages: [{ name: 'work', capacity: 4, concurrency: 4 }], simulation }))
})

afterAll(async () => {
  await rm(folder, { recursive: true })
})

test('a table is printed, and a page written', async () => {
  const page = join(folder, 'page.html')
  const { code, stdout, stderr } = await runSpillway(['simulate', file, '--html', page])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^Requests {4}999 \(100\/s\): \d+ completed, \d+ shed\n(.+\n)+\nSTAGE .+\nwork .+\n$/)
  expect(await readFile(page, 'utf8')).toContain('<title>Simulation of one</title>')
})

test('the report as JSON, the same for the same seed', async () => {
  const [first, again, other] = await Promise.all(
    ['5', '5', '6'].map((seed) => runSpillway(['simulate', file, '--json', '--seed', seed])),
  )
  expect(first).toEqual(again)
  expect(first?.stdout).not.toBe(other?.stdout)
  const report = JSON.parse(first!.stdout) as SimulationReport
  expect(report).toMatchObject({ pipeline: 'one', seed: 5, bottleneck: 'work', requests: { submitted: 999 } })
  expect(report.timeline.atMs.length).toBeGreaterThan(100)
})

const sweeps = ['--sweep', 'work.concurrency=4,16', '--sweep', 'work.capacity=8..32'] as const

test('all combinations are tried, and the cheapest that meets the goal is named', async () => {
  const { code, stdout } = await runSpillway(['simulate', file, ...sweeps, '--goal', 'p99<1s shed<0.1%'])
  const lines = stdout.trimEnd().split('\n')
  expect(lines[0]).toMatch(/^work\.concurrency +work\.capacity +SHED +P50 +P99 +GOODPUT +UTIL +BOTTLENECK +GOAL$/)
  expect(lines).toHaveLength(1 + 6 + 2)
  expect(lines.at(-1)).toBe('the cheapest that meets p99<1s shed<0.1% is work.concurrency=16 work.capacity=8')
  expect(code).toBe(0)
})

test('rows as JSON are data alone; that no limits meet the goal is told beside, and is no success', async () => {
  const { code, stdout, stderr } = await runSpillway(['simulate', file, ...sweeps, '--goal', 'p99<1ms', '--json'])
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as SweepRow & { readonly met: boolean })
  expect(rows.map(({ tried, met }) => ({ ...tried['work'], met }))).toEqual(
    [4, 16].flatMap((concurrency) => [8, 16, 32].map((capacity) => ({ concurrency, capacity, met: false }))),
  )
  expect(stderr).toMatch(
    /^none meets p99<1ms; the nearest is work\.concurrency=16 work\.capacity=\d+\nbottleneck: work/,
  )
  expect(code).toBe(1)
})

test('what is wrong is told, and nothing is printed', async () => {
  const bad = join(folder, 'bad.yaml')
  await writeFile(bad, (await readFile(file, 'utf8')).replace('capacity', 'capacty').replace('meanMs', 'medianMs'))
  const none = join(folder, 'none.yaml')
  const results = await Promise.all([
    runSpillway(['simulate', bad]),
    runSpillway(['simulate', none]),
    runSpillway(['simulate', file, '--sweep', 'wrk.capacity=1']),
    runSpillway(['simulate', file, '--sweep', 'work.capacity=1..40:1', '--sweep', 'work.concurrency=1..40:1']),
    runSpillway(['simulate', file, '--html', join(folder, 'none', 'page.html')]),
  ])
  expect(results.map(({ code, stderr }) => [code, stderr])).toEqual([
    [
      1,
      `error: ${bad}:4:5 stages[0].capacty: unknown option; did you mean "capacity"?\n` +
        `error: ${bad}:14:7 simulation.service.work.medianMs: unknown option; did you mean "meanMs"?\n`,
    ],
    [1, `error: ${none}: does not exist\n`],
    [1, 'error: --sweep wrk.capacity=1: the pipeline has no stage "wrk"; did you mean "work"?\n'],
    [1, 'error: --sweep must have at most 1000 combinations together, got 1600\n'],
    [1, `error: --html "${join(folder, 'none', 'page.html')}": does not exist\n`],
  ])
  expect(results.slice(0, 4).map(({ stdout }) => stdout)).toEqual(['', '', '', ''])
})

test('what the simulation itself refuses is told with its place in the file', async () => {
  const bad = join(folder, 'bad.yaml')
  await writeFile(bad, (await readFile(file, 'utf8')).replace('durationMs: 10000', 'durationMs: 0'))
  const { code, stderr } = await runSpillway(['simulate', bad, '--sweep', 'work.capacity=1'])
  expect(stderr).toMatch(
    /^error: .*bad\.yaml:10:15 simulation\.durationMs: must be a number above 0, and finite, got 0\n$/,
  )
  expect(code).toBe(1)
})
