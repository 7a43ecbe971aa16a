import { Agent, request as httpRequest } from 'node:http'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { DeadLetterStore } from '../../src/stores/index.ts'
import { createRedisConnection, createRedisDeadLetterStore } from '../../src/stores/redis/index.ts'
import { startOpenAiServer } from '../fixtures/openai-server.ts'
import { residentMb } from '../fixtures/process-memory.ts'
import { startRedis } from '../fixtures/redis-server.ts'
import { startSpillway } from '../integration/spillway-process.ts'
import type { Report } from './report.ts'

const callers = 32
const warmUpMs = 15_000
const beforeMs = 30_000
const awayMs = 30_000
const commandMs = 800
/** One request of so many is one that the model refuses: it becomes a dead letter. */
const refusedOneOf = 20

/**
 * What becomes of `spillway serve` while the Redis that keeps its dead letters is stopped (SIGSTOP) for 30 s under load:
 * requests without a session, from a closed loop of 32 callers, of which one in twenty becomes a dead letter.
 */
export async function redisAway(): Promise<Report> {
  await using model = await startOpenAiServer()
  model.behaviour.errorFor = ({ messages }) =>
    /refuse/.test(String(messages.at(-1)?.content)) ? { status: 500, message: 'ill' } : undefined
  const redis = await startRedis({ appendfsync: 'always' })
  const dataDir = await mkdtemp(join(tmpdir(), 'spillway-redis-away-'))
  const options = ['--data-dir', dataDir, '--model', 'fixture', '--no-docs', '--no-redrive', '--log-level', 'error']
  const spillway = await startSpillway(options, { OPENAI_BASE_URL: model.baseUrl, REDIS_URL: redis.url })
  const connection = createRedisConnection({ url: redis.url, commandTimeoutMs: commandMs })
  const store = createRedisDeadLetterStore({ connection })
  const load = new Load(`${spillway.url}/v1/chat/completions`)
  const memory = (): number => residentMb(spillway.child.pid!)
  try {
    await load.rateFor(warmUpMs)
    const before = await load.rateFor(beforeMs)
    const memoryBefore = memory()
    redis.stop()
    const [during, refusedMs] = await Promise.all([load.rateFor(awayMs), timeOfFailure(() => store.counts())])
    const memoryDuring = memory()
    const resumedAt = performance.now()
    redis.resume()
    const after = await load.rateFor(beforeMs)
    await load.end()
    const kept = await keptOf(store, load.refused)
    const movedAfterMs = performance.now() - resumedAt
    const share = during / before
    return {
      title: `Redis stopped for ${awayMs / 1000} s under spillway serve, ${callers} callers in a closed loop`,
      lines: [
        { name: 'requests a second, before', figure: before.toFixed(0) },
        {
          name: '  while Redis is stopped',
          figure: `${during.toFixed(0)} (${(100 * share).toFixed(0)} %)`,
          target: '≥ 90 %',
          met: share >= 0.9,
        },
        { name: '  after', figure: after.toFixed(0) },
        {
          name: 'a command fails after',
          figure: `${refusedMs.toFixed(0)} ms`,
          target: `${commandMs} ms`,
          met: refusedMs < 1.25 * commandMs,
        },
        {
          name: 'resident memory of the server, before and while',
          figure: `${memoryBefore.toFixed(0)} MB, ${memoryDuring.toFixed(0)} MB`,
        },
        { name: 'callers that heard no answer', figure: String(load.unheard), target: '0', met: load.unheard === 0 },
        {
          name: 'dead letters in Redis in the end',
          figure: `${kept} of ${load.refused}, ${(movedAfterMs / 1000).toFixed(0)} s after it resumed`,
          target: 'all',
          met: kept === load.refused,
        },
      ],
    }
  } finally {
    redis.resume()
    await load.end()
    await connection.close()
    await spillway.stop()
    await redis.close()
    await rm(dataDir, { recursive: true })
  }
}

/** Milliseconds until a call is known to have failed. */
async function timeOfFailure(call: () => Promise<unknown>): Promise<number> {
  const from = performance.now()
  const failed = await call().then(
    () => false,
    () => true,
  )
  if (!failed) throw new Error('Redis answered while it was stopped')
  return performance.now() - from
}

/** How many entries there are once there are as many, or no more come. */
async function keptOf(store: DeadLetterStore, expected: number): Promise<number> {
  for (let [kept, looks] = [-1, 0]; ; looks++) {
    const { due, leased, dead } = await store.counts()
    const now = due + leased + dead
    if (now >= expected || looks === 20) return now
    if (now > kept) [kept, looks] = [now, 0]
    await delay(1_000)
  }
}

/** Callers, each of which asks again as soon as it has an answer. */
class Load {
  /** Requests that the model refused. */
  refused = 0
  /** Requests that broke off. */
  unheard = 0
  private answered = 0
  private asked = 0
  private isOver = false
  private readonly url: string
  private readonly agent = new Agent({ keepAlive: true, maxSockets: callers })
  private readonly loops: Promise<unknown>

  constructor(url: string) {
    this.url = url
    this.loops = Promise.all(Array.from({ length: callers }, () => this.loop()))
  }

  /** Answers a second. */
  async rateFor(ms: number): Promise<number> {
    const [answered, from] = [this.answered, performance.now()]
    await delay(ms)
    return (1_000 * (this.answered - answered)) / (performance.now() - from)
  }

  async end(): Promise<void> {
    this.isOver = true
    await this.loops
    this.agent.destroy()
  }

  private async loop(): Promise<void> {
    while (!this.isOver) {
      const refuse = this.asked++ % refusedOneOf === 0
      const status = await this.ask(refuse ? 'refuse' : 'answer')
      if (status === undefined) this.unheard += 1
      else this.answered += 1
      if (status !== undefined && status !== 200) this.refused += 1
    }
  }

  private ask(content: string): Promise<number | undefined> {
    const body = JSON.stringify({ messages: [{ role: 'user', content }] })
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    return new Promise((resolve) => {
      const call = httpRequest(this.url, { method: 'POST', agent: this.agent, headers }, (response) => {
        response.resume()
        response.on('end', () => {
          resolve(response.statusCode)
        })
      })
      call.on('error', () => {
        resolve(undefined)
      })
      call.end(body)
    })
  }
}
