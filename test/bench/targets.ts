import { mkdtemp, rm } from 'node:fs/promises'
import { Agent, request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { createCorpus, writeCorpus } from '../fixtures/corpus.ts'
import { residentMb } from '../fixtures/process-memory.ts'
import { startSpillway } from '../integration/spillway-process.ts'
import type { Report, ReportLine } from './report.ts'

const documents = 10_000
const perSecond = 100
const seconds = 30
const warmUpSeconds = 5
const closedLoopSeconds = 10
const callers = 64

/**
 * The targets of the original, measured through HTTP: 10,000 documents, the echo model, 100 requests a second that
 * do not wait for one another, every other one streamed; then as many as 64 callers can make.
 */
export async function targets(): Promise<Report> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-targets-'))
  const corpus = createCorpus({ documents })
  console.error(`writing ${documents} documents`)
  await writeCorpus(folder, corpus)
  const startedAt = performance.now()
  const spillway = await startSpillway(['--docs', folder, '--log-level', 'error'])
  const agent = new Agent({ keepAlive: true })
  try {
    const { url, child } = spillway
    await ready(url)
    const readyMs = performance.now() - startedAt
    const peak = watchMemory(child.pid!)
    let number = 0
    const ask = (): Promise<Answer> => post(url, agent, corpus.question(), number++ % 2 === 0)

    console.error(`${perSecond} requests a second for ${warmUpSeconds} + ${seconds} s`)
    await steadily(ask, warmUpSeconds)
    const before = await figures(url)
    const answers = await steadily(ask, seconds)
    const after = await figures(url)
    console.error(`${callers} callers for ${closedLoopSeconds} s`)
    const rate = await closedLoop(ask)
    const memoryMb = peak()

    const p99 = (metric: string, labels: string): number => quantileMs(before, after, metric, labels, 0.99)
    const stage = (name: string, of: string, belowMs: number): ReportLine =>
      below(of, p99('orchestrator_stage_latency_seconds', `stage="${name}"`), belowMs)
    const durations = answers.map(({ durationMs }) => durationMs)
    const failed = answers.filter(({ status }) => status !== 200).length
    return {
      title: `${documents} documents, echo model, ${perSecond} requests a second over HTTP for ${seconds} s; p99 in ms`,
      lines: [
        stage('rag', 'RAG', 10),
        stage('assemble', 'Assemble', 5),
        below(
          'Inference, to the end of its stream',
          p99('orchestrator_stream_duration_seconds', 'stage="inference"'),
          500,
        ),
        stage('post', 'Post, its handler', 10),
        stage('stream', 'Stream, its handler', 5),
        below('end to end, as the client sees it', quantile(durations, 0.99), 600),
        { name: 'p50 of the same', figure: quantile(durations, 0.5).toFixed(2) },
        { name: 'not answered with 200', figure: String(failed), target: '0', met: failed === 0 },
        { name: 'requests a second, closed loop', figure: rate.toFixed(0), target: '> 100', met: rate > 100 },
        {
          name: 'resident memory, at the most, MB',
          figure: memoryMb.toFixed(0),
          target: '< 500',
          met: memoryMb < 500,
        },
        {
          name: 'event loop delay, p99 since the start, ms',
          figure: ((after.get('nodejs_eventloop_lag_p99_seconds') ?? NaN) * 1000).toFixed(1),
        },
        { name: 'from start to ready, indexing included, s', figure: (readyMs / 1000).toFixed(1) },
      ],
    }
  } finally {
    agent.destroy()
    await spillway.stop()
    await rm(folder, { recursive: true, force: true })
  }
}

function below(name: string, ms: number, limitMs: number): ReportLine {
  return { name, figure: ms.toFixed(2), target: `< ${limitMs}`, met: ms < limitMs }
}

interface Answer {
  readonly status: number
  readonly durationMs: number
}

function post(url: string, agent: Agent, question: string, stream: boolean): Promise<Answer> {
  const body = JSON.stringify({ messages: [{ role: 'user', content: question }], stream })
  const startedAt = performance.now()
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const call = httpRequest(`${url}/v1/chat/completions`, { method: 'POST', agent, headers }, (response) => {
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, durationMs: performance.now() - startedAt })
      })
      response.resume()
    })
    call.on('error', reject)
    call.end(body)
  })
}

/** Asks at a steady rate, whatever becomes of the earlier requests, and waits for all of them. */
async function steadily(ask: () => Promise<Answer>, forSeconds: number): Promise<readonly Answer[]> {
  const answers: Promise<Answer>[] = []
  const startedAt = performance.now()
  for (let sent = 0; sent < perSecond * forSeconds; sent++) {
    const dueInMs = startedAt + (sent * 1000) / perSecond - performance.now()
    if (dueInMs > 0) await delay(dueInMs)
    answers.push(ask())
  }
  return Promise.all(answers)
}

async function closedLoop(ask: () => Promise<Answer>): Promise<number> {
  const until = performance.now() + closedLoopSeconds * 1000
  let answered = 0
  const caller = async (): Promise<void> => {
    while (performance.now() < until) {
      const { status } = await ask()
      if (status === 200) answered++
    }
  }
  await Promise.all(Array.from({ length: callers }, caller))
  return answered / closedLoopSeconds
}

async function ready(url: string): Promise<void> {
  while (!(await fetch(`${url}/readyz`)).ok) await delay(50)
}

/** Looks at a process's memory now and then; the function that is returned stops it and says the most. */
function watchMemory(pid: number): () => number {
  let peak = residentMb(pid)
  const looking = setInterval(() => {
    peak = Math.max(peak, residentMb(pid))
  }, 100)
  return () => {
    clearInterval(looking)
    return peak
  }
}

/** What `/metrics` says: the value of each line, by all that stands before it. */
async function figures(url: string): Promise<ReadonlyMap<string, number>> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return new Map(
    text
      .split('\n')
      .filter((line) => line !== '' && !line.startsWith('#'))
      .map((line) => {
        const at = line.lastIndexOf(' ')
        return [line.slice(0, at), Number(line.slice(at + 1))]
      }),
  )
}

/** A quantile of what a histogram has counted between two scrapes, interpolated within its bucket. */
function quantileMs(
  before: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
  metric: string,
  labels: string,
  share: number,
): number {
  const buckets = [...after].flatMap(([line, value]) => {
    const bound = new RegExp(`^${metric}_bucket\\{${labels},le="([^"]+)"\\}$`).exec(line)?.[1]
    return bound === undefined
      ? []
      : [{ bound: Number(bound.replace('+Inf', 'Infinity')), count: value - (before.get(line) ?? 0) }]
  })
  const rank = share * (buckets.at(-1)?.count ?? NaN)
  let [lower, below] = [0, 0]
  for (const { bound, count } of buckets) {
    if (count >= rank)
      return 1000 * (bound === Infinity ? lower : lower + ((bound - lower) * (rank - below)) / (count - below))
    lower = bound
    below = count
  }
  return NaN
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN
}
