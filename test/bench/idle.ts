import { pipeline, type Running, StageCrash } from '../../src/index.ts'
import { liveHeapMb } from '../integration/resident-memory.ts'
import type { Report, ReportLine } from './report.ts'

const pipelines = 1_000
const stages = ['one', 'two', 'three', 'four', 'five']

/** What pipelines cost that have nothing to do: to start them, to crash every stage of each, to stop them. */
export async function idle(): Promise<Report> {
  const lines: ReportLine[] = []
  const timed = async (name: string, what: () => Promise<unknown>): Promise<void> => {
    const startedAt = performance.now()
    await what()
    const ms = performance.now() - startedAt
    lines.push({ name, figure: `${ms.toFixed(0)} ms, ${((ms * 1000) / pipelines).toFixed(0)} µs each` })
  }
  const weigh = async (name: string): Promise<number> => {
    const mb = await liveHeapMb()
    lines.push({ name, figure: `${mb.toFixed(1)} MB` })
    return mb
  }
  // What is compiled and cached at first is not part of what a pipeline costs.
  const warm = Array.from({ length: 200 }, start)
  await Promise.all(warm.splice(0).map(async (running) => crashAll(running).then(() => running.drain())))
  const before = await liveHeapMb()
  let all: Running<string, string>[] = []
  await timed('start', () => {
    all = Array.from({ length: pipelines }, start)
    return Promise.resolve()
  })
  const idling = await liveHeapMb()
  const kilobytes = ((idling - before) * 1000) / pipelines
  lines.push({ name: 'heap of one that is idle', figure: `${kilobytes.toFixed(1)} kB` })
  for (let round = 1; round <= 2; round++) {
    await timed(`crash of all stages, round ${round}`, async () => {
      await Promise.all(all.map((running) => crashAll(running)))
    })
  }
  const crashed = await liveHeapMb()
  const grown = ((crashed - idling) * 1000) / pipelines
  lines.push({ name: 'heap that the crashes left in each', figure: `${grown.toFixed(1)} kB` })
  await timed('drain and stop', () => Promise.all(all.map((running) => running.drain())))
  all = []
  const left = (await weigh('heap when all are gone')) - before
  lines.push({ name: 'of which is new', figure: `${left.toFixed(1)} MB`, target: 'at most 4 MB', met: left <= 4 })
  return { title: `${pipelines} idle pipelines of ${stages.length} stages in one process`, lines }
}

/** Five stages with a health check each, of which one crashes when its name comes along. */
function start(): Running<string, string> {
  const life = {
    capacity: 16,
    concurrency: 4,
    setup: () => ({ sick: false }),
    teardown: () => undefined,
    health: { check: () => true, everyMs: 60_000 },
  }
  const stage = (name: string) => (text: string) => {
    if (text === name) throw new StageCrash('it was to crash')
    return text
  }
  const running = pipeline<string>('idle')
    .stage('one', stage('one'), life)
    .stage('two', stage('two'), life)
    .stage('three', stage('three'), life)
    .stage('four', stage('four'), life)
    .stage('five', stage('five'), life)
    .start({ supervision: { backoff: () => 0, maxRestarts: 1_000 } })
  running.events$.subscribe({ error: () => undefined })
  return running
}

async function crashAll(running: Running<string, string>): Promise<void> {
  const restarted = stages.map(
    (name) =>
      new Promise<void>((resolve) => {
        const subscription = running.events$.subscribe({
          next: (event) => {
            if (event.type !== 'restarted' || event.stage !== name) return
            subscription.unsubscribe()
            resolve()
          },
          error: () => undefined,
        })
      }),
  )
  for (const name of stages) running.submit(name)
  await Promise.all(restarted)
}
