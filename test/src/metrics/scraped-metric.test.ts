import { Registry } from 'prom-client'
import { expect, it } from 'vitest'
import { LatencyHistogram } from '../../../src/metrics/latency-histogram.ts'
import { histogramSamples, registerScraped } from '../../../src/metrics/scraped-metric.ts'

it('reads a metric when it is scraped, and not before', async () => {
  const registry = new Registry()
  let value = 0
  let reads = 0
  const collect = () => {
    reads += 1
    return [{ labels: { stage: 'a "quoted"\nname' }, value }]
  }
  registerScraped(registry, { name: 'things_total', help: 'Things.', type: 'counter', collect })
  value = 5
  expect(reads).toBe(0)
  expect(await registry.metrics()).toContain('things_total{stage="a \\"quoted\\"\\nname"} 5\n')
  value = 6
  registry.resetMetrics()
  expect(await registry.metrics()).toContain(
    '# TYPE things_total counter\nthings_total{stage="a \\"quoted\\"\\nname"} 6\n',
  )
  expect(reads).toBe(2)
})

it('refuses a second metric of one name', () => {
  const registry = new Registry()
  const metric = { name: 'things_total', help: 'Things.', type: 'counter' as const, collect: () => [] }
  registerScraped(registry, metric)
  expect(() => {
    registerScraped(registry, metric)
  }).toThrow('things_total')
})

it('writes a histogram in seconds, cumulative, with a sum and a count', async () => {
  const registry = new Registry()
  const histogram = new LatencyHistogram()
  for (const durationMs of [0.0625, 700, 60_000]) histogram.observe(durationMs)
  const name = 'wait_seconds'
  const collect = () => histogramSamples(name, { stage: 'a' }, histogram)
  registerScraped(registry, { name, help: 'Waits.', type: 'histogram', collect })
  const text = await registry.metrics()
  expect(text).toContain('# TYPE wait_seconds histogram')
  expect(text).toContain('wait_seconds_bucket{stage="a",le="0.0001"} 1\n')
  expect(text).toContain('wait_seconds_bucket{stage="a",le="0.5"} 1\n')
  expect(text).toContain('wait_seconds_bucket{stage="a",le="1"} 2\n')
  expect(text).toContain('wait_seconds_bucket{stage="a",le="+Inf"} 3\n')
  expect(text).toContain('wait_seconds_sum{stage="a"} 60.7000625\n')
  expect(text).toContain('wait_seconds_count{stage="a"} 3\n')
})
