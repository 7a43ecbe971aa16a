import fc from 'fast-check'
import { Registry } from 'prom-client'
import { expect, test } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import { LatencyHistogram } from '../../../src/metrics/latency-histogram.ts'
import { histogramSamples, registerScraped } from '../../../src/metrics/scraped-metric.ts'
import { histogramFrom } from '../../../src/simulation/prometheus-histogram.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

const name = 'took_seconds'
const text = `# HELP took_seconds How long.
# TYPE took_seconds histogram
took_seconds_bucket{stage="a",le="1.005"} 2
took_seconds_bucket{stage="a",le="0.07"} 1
took_seconds_bucket{stage="a",le="+Inf"} 5 1395066363000
took_seconds_sum{stage="a"} 1.5
took_seconds_count{stage="a"} 5
took_seconds_bucket{ stage = "b\\\\ \\"}," , le="0.07" , } 3
took_seconds_bucket{stage="b\\\\ \\"},",le="1.005"} 3
took_seconds_bucket{stage="b\\\\ \\"},",le="+Inf"} 3
other_seconds_count{stage="a"} what is not asked for is not read
`

test('whatever a histogram has counted is read again from the text that a server tells', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ min: 0.001, max: 100_000, noNaN: true }), { minLength: 1 }),
      fc.string({ unit: 'binary' }),
      async (durations, stage) => {
        const counted = new LatencyHistogram()
        for (const ms of durations) counted.observe(ms)
        const registry = new Registry()
        registerScraped(registry, {
          ...{ name, help: 'How long.', type: 'histogram' },
          collect: () => [
            ...histogramSamples(name, { stage }, counted),
            ...histogramSamples(name, { stage: `${stage}!` }, counted),
          ],
        })
        const { boundsMs, counts, meanMs } = histogramFrom(await registry.metrics(), {
          metric: name,
          labels: { stage },
        })!
        expect(boundsMs).toEqual(LatencyHistogram.boundsMs)
        expect(counts).toEqual([...boundsMs, Infinity].map((bound, at) => between(durations, boundsMs[at - 1], bound)))
        expect(meanMs).toBeCloseTo(counted.meanMs, 6)
      },
    ),
  )
})

function between(durations: readonly number[], above = 0, upTo: number): number {
  return durations.filter((ms) => ms > above && ms <= upTo).length
}

test('the figures of a pipeline that runs are read by the names that it has for them', async () => {
  const registry = new Registry()
  const clock = new VirtualClock()
  const running = pipeline<number>('one')
    .stage(
      'work',
      (ms, { clock: time }) =>
        new Promise((resolve) =>
          time.setTimeout(() => {
            resolve(ms)
          }, ms),
        ),
      {
        ...{ capacity: 9, concurrency: 3 },
      },
    )
    .start({ clock, registry })
  for (const ms of [20, 30, 400]) running.submit(ms)
  await clock.advance(400)
  const labels = { stage: 'work' }
  const read = histogramFrom(await registry.metrics(), { metric: 'orchestrator_stage_latency_seconds', labels })
  expect(read?.meanMs).toBeCloseTo(150)
  expect(read?.counts.filter((count) => count > 0)).toEqual([1, 1, 1])
  await running.drain()
})

test('buckets come in any order, and labels may have anything in them', () => {
  expect(histogramFrom(text, { metric: name, labels: { stage: 'a' } })).toEqual({
    ...{ boundsMs: [70, 1_005], counts: [1, 1, 3], meanMs: 300 },
  })
  expect(histogramFrom(text, { metric: name, labels: { stage: 'b\\ "},' } })).toEqual({
    ...{ boundsMs: [70, 1_005], counts: [3, 0, 0] },
  })
})

test('what has other labels besides is added up', () => {
  expect(histogramFrom(text, { metric: name })).toMatchObject({ boundsMs: [70, 1_005], counts: [4, 1, 3] })
})

test('there is none where the metric, the label or any count is missing', () => {
  expect(histogramFrom(text, { metric: 'took' })).toBeUndefined()
  expect(histogramFrom(text, { metric: name, labels: { stage: 'c' } })).toBeUndefined()
  expect(histogramFrom('took_seconds_bucket{le="1"} 0\ntook_seconds_count 0', { metric: name })).toBeUndefined()
})

test('`_count` tells what the last bucket would', () => {
  expect(histogramFrom('took_seconds_bucket{le="1"} 2\ntook_seconds_count 3', { metric: name })).toEqual({
    ...{ boundsMs: [1_000], counts: [2, 1] },
  })
})

test.each([
  ['took_seconds_bucket{le="1} 2', 'line 1 must be a sample in Prometheus\' text format, got "took_seconds_bucket{le='],
  ['\ntook_seconds_sum', "line 2 must be a sample in Prometheus' text format"],
  ['took_seconds_count five', 'line 1 must be a sample'],
  ['took_seconds_bucket{le="fast"} 2', 'took_seconds_bucket must have a number as its label le'],
  ['took_seconds_bucket{le="1"} 2\ntook_seconds_bucket{le="+Inf"} 1', 'as that of le="+Inf" does'],
  ['took_seconds_bucket{a="b",le="1"} 2\ntook_seconds_bucket{a="c",le="2"} 2', 'must have the same buckets'],
])('%j is refused', (bad, message) => {
  expect(() => histogramFrom(bad, { metric: name })).toThrow(message)
})
