import { expect, test } from 'vitest'
import { pipeline } from '../../../src/index.ts'
import type { Distribution } from '../../../src/simulation/distribution.ts'
import { simulate } from '../../../src/simulation/simulate.ts'
import { md1, md1k, mmck, type Theory } from './queueing-theory.ts'

const meanMs = 10
/** The 99.5th percentile of Student's t with 19 degrees of freedom: what lies outside on both sides is 1 %. */
const t995 = 2.8609
const runs = 20
const perRun = 20_000

interface Confidence {
  readonly low: number
  readonly high: number
}

/** The 99 % confidence interval of a mean of independent values. */
function confidence(values: readonly number[]): Confidence {
  const mean = values.reduce((sum, value) => sum + value) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1)
  const half = t995 * Math.sqrt(variance / values.length)
  return { low: mean - half, high: mean + half }
}

async function measure(
  load: number,
  { servers = 1, capacity, service }: { servers?: number; capacity: number; service: Distribution },
): Promise<{ loss: Confidence; wait: Confidence }> {
  const queue = pipeline<object>('queue').stage('serve', (request) => request, { capacity, concurrency: servers })
  const perSecond = (load * servers * 1_000) / meanMs
  const durationMs = (perRun / perSecond) * 1_000
  const reports = []
  for (let seed = 1; seed <= runs; seed++) {
    const arrivals = { kind: 'poisson', perSecond } as const
    reports.push(
      await simulate(queue, { arrivals, service: { serve: service }, durationMs, warmupMs: durationMs / 5, seed }),
    )
  }
  return {
    loss: confidence(reports.map(({ shedRate }) => shedRate)),
    wait: confidence(reports.map(({ stages }) => (stages[0]?.wait.meanMs ?? NaN) / meanMs)),
  }
}

function expectWithin(seen: { loss: Confidence; wait: Confidence }, theory: Theory): void {
  for (const figure of ['loss', 'wait'] as const) {
    const { low, high } = seen[figure]
    const told = `${figure}: ${theory[figure]} by the formula, ${low} … ${high} seen with 99 % confidence`
    expect(low <= theory[figure] && theory[figure] <= high, told).toBe(true)
  }
}

const exponential = { kind: 'exponential', meanMs } as const

for (const load of [0.5, 0.8, 1, 1.25, 2]) {
  test(`M/M/1/K with a load of ${load} loses and waits as the formula says`, async () => {
    expectWithin(await measure(load, { capacity: 9, service: exponential }), mmck(load, 1, 10))
  })

  test(`M/M/c/K with a load of ${load} loses and waits as the formula says`, async () => {
    expectWithin(await measure(load, { servers: 4, capacity: 12, service: exponential }), mmck(load, 4, 16))
  })

  test(`M/D/1/K with a load of ${load} loses and waits as its chain says`, async () => {
    expectWithin(await measure(load, { capacity: 9, service: meanMs }), md1k(load, 10))
  })
}

for (const load of [0.5, 0.7, 0.85]) {
  test(`M/D/1 with a load of ${load} waits as the formula says`, async () => {
    expectWithin(await measure(load, { capacity: 100_000, service: meanMs }), md1(load))
  })
}
