import { chatPipeline } from '../../src/index.ts'
import { type Scenario, simulate } from '../../src/testing/index.ts'
import { echo } from '../../src/workers/index.ts'
import type { Report } from './report.ts'

/** How long an hour of the preset takes in virtual time, and whether the same seed gives the same. */
export async function simulation(): Promise<Report> {
  const definition = chatPipeline({ worker: echo() })
  const scenario = (durationMs: number): Scenario<object, 'rag' | 'assemble' | 'inference' | 'post' | 'stream'> => ({
    arrivals: { kind: 'poisson', perSecond: 500 },
    service: {
      rag: { kind: 'exponential', meanMs: 10 },
      assemble: 0.1,
      inference: { kind: 'exponential', meanMs: 30 },
      post: 0,
      stream: 0,
    },
    durationMs,
  })
  const startedAt = performance.now()
  const { requests } = await simulate(definition, scenario(3_600_000))
  const seconds = (performance.now() - startedAt) / 1_000
  const minute = scenario(60_000)
  const once = JSON.stringify(await simulate(definition, minute))
  const again = JSON.stringify(await simulate(definition, minute))
  return {
    title: 'An hour of 500 requests a second through the preset, in virtual time',
    lines: [
      { name: 'requests', figure: requests.submitted.toLocaleString('en') },
      { name: 'time', figure: `${seconds.toFixed(1)} s`, target: 'under 20 s', met: seconds < 20 },
      { name: 'time for each', figure: `${((seconds * 1e6) / requests.submitted).toFixed(1)} µs` },
      {
        name: 'a minute with the same seed, twice',
        figure: once === again ? 'the same report' : 'another report',
        target: 'the same',
        met: once === again,
      },
    ],
  }
}
