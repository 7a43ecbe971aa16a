import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { runProgram } from '../package/run-program.ts'
import type { LivesReport } from './lives-under-load.ts'

const script = fileURLToPath(new URL('../bench/lives.ts', import.meta.url))

test('random crashes, swaps, pauses and drains under load lose nothing, and leave nothing behind', async () => {
  // In a process of its own, whose heap holds nothing else that grows.
  const { stdout, output } = await runProgram(process.execPath, ['--conditions=source', script, '--json'], {
    cwd: process.cwd(),
    guardMs: 300_000,
  })
  const { reports, heapGrowthMb } = JSON.parse(stdout) as {
    readonly reports: readonly LivesReport[]
    readonly heapGrowthMb: number
  }
  expect(reports, output).toHaveLength(3)
  for (const { strategy, seed, requests, faults, crashes, restarts, swaps } of reports) {
    const title = `${strategy}, seed ${seed}`
    expect(faults, title).toEqual([])
    expect(requests, title).toBeGreaterThanOrEqual(50_000)
    expect(Math.min(crashes, restarts, swaps), title).toBeGreaterThan(100)
  }
  expect(heapGrowthMb).toBeLessThan(1)
}, 310_000)
