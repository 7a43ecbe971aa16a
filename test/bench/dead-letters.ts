import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, Queue, Worker } from 'bullmq'
import { createSqliteDeadLetterStore, type DeadLetter, type DeadLetterStore } from '../../src/stores/index.ts'
import { createRedisConnection, createRedisDeadLetterStore } from '../../src/stores/redis/index.ts'
import { type RedisServer, startRedis } from '../fixtures/redis-server.ts'
import type { Report, ReportLine } from './report.ts'
import { median } from './row.ts'

const entries = 5_000
const callers = 64
const rounds = 4
const minute = 60_000

/** What was done to all entries, and what it took. */
interface Cost {
  /** Entries a second. */
  readonly rate: number
  /** Microseconds that one took of the processor: Redis, and the process that asked it. */
  readonly redisUs: number
  readonly clientUs: number
}

interface Figures {
  /** Kept, each acknowledged by itself. */
  readonly put: Cost
  /** Handed out and ended. */
  readonly redriven: Cost
  /** Dead ones made due again. */
  readonly replayed: Cost
}

/** Who keeps the same requests. */
type Contender = 'spillway' | 'bullmq' | 'sqlite'

/**
 * How many dead letters a second go into Redis, through a retry worker and back from the dead, beside the jobs of
 * BullMQ, which keeps the same request in the same Redis: one that writes to its disk before it answers
 * (`appendfsync always`); and into a SQLite file. In turns, medians of four rounds; 64 calls at a time.
 */
export async function deadLetters(): Promise<Report> {
  const server = await startRedis({ appendfsync: 'always' })
  const measured: Record<Contender, Figures>[] = []
  try {
    for (let round = 0; round <= rounds; round++) {
      console.error(round === 0 ? 'warming up' : `round ${round} of ${rounds}`)
      const figures: Partial<Record<Contender, Figures>> = {}
      // Who comes second finds memory that Redis has already been given.
      const turn: readonly Contender[] =
        round % 2 === 0 ? ['spillway', 'bullmq', 'sqlite'] : ['bullmq', 'spillway', 'sqlite']
      for (const contender of turn) {
        figures[contender] = await contenders[contender](server, round)
        await server.command('FLUSHALL')
      }
      if (round > 0) measured.push(figures as Record<Contender, Figures>)
    }
  } finally {
    await server.close()
  }
  const costOf = (who: Contender, figure: keyof Figures): Cost => {
    const middle = (part: keyof Cost): number =>
      Math.round(median(measured.map((figures) => figures[who][figure][part])))
    return { rate: middle('rate'), redisUs: middle('redisUs'), clientUs: middle('clientUs') }
  }
  const line = (figure: keyof Figures, name: string, other: string): readonly ReportLine[] => {
    const [ours, theirs] = [costOf('spillway', figure), costOf('bullmq', figure)]
    return [
      { name, figure: show(ours), target: `≥ ${theirs.rate}`, met: ours.rate >= theirs.rate },
      { name: `  BullMQ: ${other}`, figure: show(theirs) },
      { name: '  SQLite', figure: show(costOf('sqlite', figure)) },
    ]
  }
  return {
    title: `${entries} dead letters, ${callers} callers: how many a second (µs of the processor for one: Redis + client)`,
    lines: [
      ...line('put', 'put', 'Queue.add'),
      ...line('redriven', 'claim and ack', 'Worker, its processor returns at once'),
      ...line('replayed', 'replay, 100 a call', 'Job.retry'),
    ],
  }
}

const contenders: Readonly<Record<Contender, (server: RedisServer, round: number) => Promise<Figures>>> = {
  spillway,
  bullmq,
  sqlite,
}

async function spillway(server: RedisServer, round: number): Promise<Figures> {
  const connection = createRedisConnection({ url: server.url, commandTimeoutMs: minute })
  const store = createRedisDeadLetterStore({ connection, prefix: `bench${round}`, maxDead: 50_000 })
  try {
    await store.counts()
    return await figuresOf(store, server)
  } finally {
    await connection.close()
  }
}

async function sqlite(server: RedisServer): Promise<Figures> {
  const folder = await mkdtemp(join(tmpdir(), 'spillway-dead-letters-'))
  const store = createSqliteDeadLetterStore({ file: join(folder, 'letters.db') })
  try {
    return await figuresOf(store, server)
  } finally {
    await store.close()
    await rm(folder, { recursive: true })
  }
}

async function figuresOf(store: DeadLetterStore, server: RedisServer): Promise<Figures> {
  const put = await cost(server, () => atOnce((at) => store.put(letterOf(`${at}`))))
  const redriven = await cost(server, () => redriveAll(store))
  await atOnce((at) => store.put(letterOf(`dead ${at}`), { dead: true }))
  const replayed = await cost(server, () =>
    atOnce((at) => store.replay(Array.from({ length: 100 }, (_, nth) => `dead ${100 * at + nth}`)), entries / 100),
  )
  const { due, totals } = await store.counts()
  expectEqual('due, acked, replayed', [due, totals.acked, totals.replayed].join(), [entries, entries, entries].join())
  return { put, redriven, replayed }
}

async function redriveAll(store: DeadLetterStore): Promise<void> {
  for (;;) {
    const claimed = await store.claim({ pipeline: 'chat', limit: callers, leaseMs: minute })
    if (claimed.length === 0) return
    await Promise.all(claimed.map(({ lease }) => store.ack(lease)))
  }
}

async function bullmq(server: RedisServer, round: number): Promise<Figures> {
  const connection = { host: '127.0.0.1', port: server.port, maxRetriesPerRequest: null }
  const queue = new Queue<DeadLetter>(`bench${round}`, { connection })
  await queue.waitUntilReady()
  try {
    const add = (id: string): Promise<unknown> =>
      queue.add('chat', letterOf(id), { jobId: id, attempts: 1, removeOnComplete: { count: entries } })
    const put = await cost(server, () => atOnce((at) => add(`a${at}`)))
    const redriven = await cost(server, () => work(queue, connection, () => Promise.resolve()))
    await atOnce((at) => add(`b${at}`))
    await work(queue, connection, () => Promise.reject(new Error('no')))
    const failed = await queue.getFailed()
    const replayed = await cost(server, () => atOnce((at) => failed[at]!.retry()))
    const counts = await queue.getJobCounts('completed', 'failed', 'waiting')
    expectEqual('jobs', JSON.stringify(counts), JSON.stringify({ completed: entries, failed: 0, waiting: entries }))
    return { put, redriven, replayed }
  } finally {
    await queue.close()
  }
}

/** Lets a worker end all jobs that wait. */
async function work(queue: Queue, connection: ConnectionOptions, process: () => Promise<void>): Promise<void> {
  const worker = new Worker(queue.name, process, { connection, concurrency: callers })
  let ended = 0
  await new Promise<void>((resolve) => {
    const end = (): void => {
      ended += 1
      if (ended === entries) resolve()
    }
    worker.on('completed', end)
    worker.on('failed', end)
  })
  await worker.close()
}

/** Calls so often, by so many callers at a time. */
async function atOnce(call: (at: number) => Promise<unknown>, calls: number = entries): Promise<void> {
  let next = 0
  const caller = async (): Promise<void> => {
    while (next < calls) await call(next++)
  }
  await Promise.all(Array.from({ length: callers }, caller))
}

async function cost(server: RedisServer, run: () => Promise<unknown>): Promise<Cost> {
  const before = await usedByRedis(server)
  const [startedAt, used] = [performance.now(), process.cpuUsage()]
  await run()
  const ms = performance.now() - startedAt
  const { user, system } = process.cpuUsage(used)
  return {
    rate: (entries / ms) * 1000,
    redisUs: ((await usedByRedis(server)) - before) / entries,
    clientUs: (user + system) / entries,
  }
}

/** Microseconds of the processor since the server was started. */
async function usedByRedis(server: RedisServer): Promise<number> {
  const told = String(await server.command('INFO', 'cpu'))
  const seconds = (name: string): number => Number(new RegExp(`${name}:([\\d.]+)`).exec(told)?.[1])
  return (seconds('used_cpu_user') + seconds('used_cpu_sys')) * 1_000_000
}

function show({ rate, redisUs, clientUs }: Cost): string {
  return `${rate} (${redisUs} + ${clientUs})`
}

function expectEqual(name: string, found: string, expected: string): void {
  if (found !== expected) throw new Error(`${name} must be ${expected}, are ${found}`)
}

/** A request of about 1 kB. */
function letterOf(submissionId: string): DeadLetter {
  const now = Date.now()
  return {
    submissionId,
    id: submissionId,
    pipeline: 'chat',
    stage: 'inference',
    kind: 'failed',
    reason: 'worker_failed',
    error: 'the model did not answer',
    session: `session ${submissionId}`,
    request: { messages: [{ role: 'user', content: 'question '.repeat(100) }], priority: 'normal' },
    firstSeenAt: now,
    lastSeenAt: now,
  }
}
