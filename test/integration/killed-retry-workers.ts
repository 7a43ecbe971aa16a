import { setTimeout } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createRedisDeadLetterStore } from '../../src/stores/redis/index.ts'
import { mulberry32 } from '../fixtures/mulberry32.ts'
import { startRedis } from '../fixtures/redis-server.ts'
import { LetterLog, type LetterReport } from './letter-log.ts'
import { ProcessLife } from './process-life.ts'

/** What is done to the processes, and for how long. */
export interface KillWorkersOptions {
  /** Retry workers, each a process of its own. */
  readonly workers: number
  /** How often each of them, and Redis, is killed at least. */
  readonly kills: number
  /** How long it goes on at least. */
  readonly forMs: number
  /** Milliseconds that a process is stopped at the most. */
  readonly stopMs: number
  readonly seed: number
}

/** What became of all entries, and what was done to those who worked on them. */
export interface KillWorkersReport extends LetterReport {
  /** Of each worker, and of Redis at last. */
  readonly kills: readonly number[]
  readonly stops: readonly number[]
}

const program = fileURLToPath(new URL('retry-worker-process.ts', import.meta.url))

/**
 * Kills and stops retry workers, and the Redis that they share, at random in the middle of their work; each of them
 * does something between two such faults.
 */
export async function killRetryWorkers(options: KillWorkersOptions): Promise<KillWorkersReport> {
  const { workers, kills, forMs, stopMs, seed } = options
  const random = mulberry32(seed)
  const log = new LetterLog()
  const server = await startRedis({ appendfsync: 'always' })
  const until = Date.now() + forMs
  const killed = new Array<number>(workers + 1).fill(0)
  const stopped = new Array<number>(workers + 1).fill(0)
  let isOver = false
  const pauseMs = (): number => stopMs * (0.2 + 0.8 * random())

  const worker = async (who: number): Promise<void> => {
    while (killed[who]! < kills || !isOver) {
      const life = new ProcessLife([program, `${who}-${killed[who]!}`, server.url, String(seed + who)], log)
      await life.lines(1 + Math.floor(600 * random()))
      if (random() < 0.5) {
        life.stop()
        stopped[who]! += 1
        await setTimeout(pauseMs())
        life.resume()
        await life.lines(1 + Math.floor(100 * random()))
      }
      await life.kill()
      killed[who]! += 1
    }
  }
  const redis = async (): Promise<void> => {
    while (killed[workers]! < kills || Date.now() < until) {
      await log.growth(100 + Math.floor(900 * random()))
      if (random() < 0.3) {
        server.stop()
        stopped[workers]! += 1
        await setTimeout(pauseMs())
        server.resume()
      } else {
        await server.kill()
        killed[workers]! += 1
        await server.restart()
      }
    }
    isOver = true
  }
  const store = createRedisDeadLetterStore({ url: server.url, maxAttempts: 20, shards: 4 })
  try {
    await Promise.all([redis(), ...Array.from({ length: workers }, (_, who) => worker(who))])
    return { ...(await log.judge(store)), kills: killed, stops: stopped }
  } finally {
    await store.close()
    await server.close()
  }
}
