import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram } from '../package/run-program.ts'
import { endings, type RetentionReport } from './retention.ts'

const script = fileURLToPath(new URL('../bench/retention.ts', import.meta.url))

test('nothing is kept of a request that has ended, however it ended', async () => {
  // In a process of its own, whose heap holds nothing else that grows.
  const { stdout, output } = await runProgram(
    process.execPath,
    ['--conditions=source', script, '--requests', '20000', '--json'],
    { cwd: process.cwd(), guardMs: 60_000 },
  )
  const reports = JSON.parse(stdout) as readonly RetentionReport[]
  expect(
    reports.map(({ ending }) => ending),
    output,
  ).toEqual(endings)
  for (const report of reports) {
    expect(report).toMatchObject({ kept: 0, watched: 800 })
    expect(report.heapGrowthMb, report.ending).toBeLessThan(1)
  }
})
