import { spawnSync } from 'node:child_process'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { chatPipeline } from '../../src/preset.ts'
import { collectProcessMetrics, createServer } from '../../src/server/index.ts'
import { createSqliteDeadLetterStore } from '../../src/stores/sqlite-dead-letter-store.ts'
import { echo } from '../../src/workers/index.ts'

test('all that is told to Prometheus passes promtool, and the counts are those of the ledger', async () => {
  const registry = new Registry()
  collectProcessMetrics(registry)
  const worker = echo()
  const deadLetters = createSqliteDeadLetterStore({ file: ':memory:' })
  const running = chatPipeline({ worker, deadLetter: ['failed'] }).start({ registry, deadLetters, redrive: {} })
  const server = createServer({ running, models: [worker.info], registry })
  const { url } = await server.listen({ port: 0 })
  const ask = async (content: string): Promise<number> => {
    const response = await fetch(`${url}/v1/chat/completions`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ messages: [{ role: 'user', content }] }),
    })
    await response.text()
    return response.status
  }
  expect([await ask('hello'), await ask('there'), await ask('')]).toEqual([200, 200, 400])
  const metrics = await (await fetch(`${url}/metrics`)).text()
  await running.drain()
  await server.close()
  await deadLetters.close()

  const lines = metrics.split('\n')
  expect(lines).toContain('orchestrator_requests_total{outcome="completed",origin="client"} 2')
  expect(lines).toContain('orchestrator_http_requests_total{route="/v1/chat/completions",status="400"} 1')
  expect(lines.some((line) => line.startsWith('process_resident_memory_bytes '))).toBe(true)
  expect(lines).toContain('orchestrator_dead_letters{state="due"} 0')
  expect(running.ledger()).toMatchObject({ submitted: 2, completed: 2 })
  const check = spawnSync('promtool', ['check', 'metrics'], { input: metrics, encoding: 'utf8' })
  expect(check.error, 'promtool comes with the Debian package prometheus: apt-get install prometheus').toBeUndefined()
  expect(check.stdout + check.stderr).toBe('')
  expect(check.status).toBe(0)
})
