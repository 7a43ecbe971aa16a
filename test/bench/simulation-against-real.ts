import { setTimeout as sleep } from 'node:timers/promises'
import { chatPipeline, type Outcome } from '../../src/index.ts'
import { arrivalTimes } from '../../src/simulation/arrivals.ts'
import { type Distribution, drawFrom } from '../../src/simulation/distribution.ts'
import { seededSources } from '../../src/simulation/seeded-random.ts'
import { simulate } from '../../src/testing/index.ts'
import { defineWorker, echo, type ModelWorker } from '../../src/workers/index.ts'
import type { Report, ReportLine } from './report.ts'

const seconds = 60
const warmupMs = 5_000
const toMs = warmupMs + seconds * 1_000
/** Times a little above a timer's grain of a millisecond. */
const searching: Distribution = { kind: 'log-normal', medianMs: 20, p99Ms: 60 }
const toFirstChunk: Distribution = { kind: 'log-normal', medianMs: 60, p99Ms: 200 }
const toTheEnd: Distribution = { kind: 'log-normal', medianMs: 120, p99Ms: 500 }
/** Some 75 are what the model can do. */
const perSecond = 95
const start = { scale: 0.125 } as const

interface Measured {
  readonly requests: number
  readonly shedRate: number
  readonly p50Ms: number
  readonly p99Ms: number
}

/** The same workload through the real pipeline for a minute, and in a simulation: how far they are from each other. */
export async function simulationAgainstReal(): Promise<Report> {
  const atMs = drawArrivals()
  const real = await run(atMs)
  const report = await simulate(chatPipeline({ worker: echo() }), {
    arrivals: { kind: 'trace', atMs },
    service: {
      rag: searching,
      assemble: 0,
      inference: { firstChunk: toFirstChunk, rest: toTheEnd },
      post: 0,
      stream: 0,
    },
    ...{ durationMs: seconds * 1_000, warmupMs, start },
  })
  const { p50Ms, p99Ms } = report.latency
  const simulated = { requests: report.requests.submitted, shedRate: report.shedRate, p50Ms, p99Ms }
  const compared = (name: string, key: keyof Measured, show: (value: number) => string): ReportLine => {
    const off = Math.abs(simulated[key] / real[key] - 1)
    const figure = `${show(real[key])} real, ${show(simulated[key])} simulated: ${(off * 100).toFixed(1)} % off`
    return { name, figure, target: 'within 10 %', met: off <= 0.1 }
  }
  return {
    title: `${seconds} s of ${perSecond} requests a second through the preset, and the same in virtual time`,
    lines: [
      compared('requests', 'requests', String),
      compared('shed', 'shedRate', (rate) => `${(rate * 100).toFixed(1)} %`),
      compared('latency, p50', 'p50Ms', (ms) => `${ms.toFixed(0)} ms`),
      compared('latency, p99', 'p99Ms', (ms) => `${ms.toFixed(0)} ms`),
    ],
  }
}

function drawArrivals(): readonly number[] {
  const next = arrivalTimes('arrivals', { kind: 'poisson', perSecond }, seededSources(3)())
  const atMs: number[] = []
  for (let at = next(); at < toMs; at = next()) atMs.push(at)
  return atMs
}

async function run(atMs: readonly number[]): Promise<Measured> {
  const source = seededSources(2)
  const search = drawFrom('searching', searching, source())
  const retriever = {
    search: async () => {
      await sleep(search())
      return []
    },
  }
  const running = chatPipeline({ worker: slowWorker(source), retriever }).start(start)
  const outcomes: { readonly at: number; readonly outcome: Promise<Outcome<unknown>> }[] = []
  const startedAt = performance.now()
  for (const at of atMs) {
    const early = startedAt + at - performance.now()
    if (early > 0) await sleep(early)
    const reply = running.submit({ input: 'how long will this take?' })
    reply.output$.subscribe({ error: () => undefined })
    if (at >= warmupMs) outcomes.push({ at, outcome: reply.outcome })
  }
  const ends = await Promise.all(outcomes.map(({ outcome }) => outcome))
  await running.drain()
  const durations = ends
    .filter(({ kind }) => kind === 'completed')
    .map(({ timings }) => timings.durationMs)
    .sort((a, b) => a - b)
  const quantile = (share: number): number => durations[Math.floor(share * durations.length)] ?? NaN
  const shed = ends.filter(({ kind }) => kind === 'shed').length
  return { requests: ends.length, shedRate: shed / ends.length, p50Ms: quantile(0.5), p99Ms: quantile(0.99) }
}

function slowWorker(source: ReturnType<typeof seededSources>): ModelWorker {
  const first = drawFrom('toFirstChunk', toFirstChunk, source())
  const rest = drawFrom('toTheEnd', toTheEnd, source())
  return defineWorker({
    info: { id: 'slow', provider: 'bench', models: ['slow'], capabilities: ['chat', 'stream'] },
    async *inferStream() {
      await sleep(first())
      yield { text: 'this ' }
      await sleep(rest())
      yield { text: 'long', finishReason: 'stop' }
    },
  })
}
