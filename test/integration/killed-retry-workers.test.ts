import { expect, test } from 'vitest'
import { faults } from '../effort.ts'
import { killRetryWorkers } from './killed-retry-workers.ts'

test('what Redis has acknowledged survives retry workers, and a Redis, that are killed and stopped in the middle of their work', async ({
  annotate,
}) => {
  const seed = Date.now()
  const report = await killRetryWorkers({ workers: 3, kills: faults(1), forMs: faults(3_000), stopMs: 2_500, seed })
  await annotate(`${JSON.stringify(report)}, seed ${seed}`)
  expect(report.faults, `seed ${seed}`).toEqual([])
  expect(report.acknowledged).toBeGreaterThan(faults(50))
})
