import { describe, expect, it } from 'vitest'
import type { ClaimedDeadLetter } from '../../../../src/stores/index.ts'
import { after, type Ask, createWorld, faulty, plenty } from './redriving-world.ts'

const asks = (count: number, session?: string): readonly Ask[] =>
  Array.from({ length: count }, (_, at) => ({
    id: `${session ?? 'q'}${at}`,
    ...(session !== undefined && { session }),
  }))

describe('the leases of redrives', () => {
  it.each([
    ['while the request runs', 60_000],
    ['and the request was done before anybody noticed', 5_000],
  ])('are lost to a worker that sleeps past them, %s: its answer is thrown away', async (_, runMs) => {
    const { clock, store, start, put, lines } = createWorld()
    const redriven: string[] = []
    const running = start(
      async ({ id }) => {
        await after(clock, runMs)
        return id
      },
      { leaseMs: 30_000, onRedriven: ({ letter }) => redriven.push(letter.submissionId), pollMs: 1_000_000 },
    )
    await put({ id: 'a' })
    await clock.advance(1_000)
    expect(running.redrives().running).toBe(1)
    clock.sleep(40_000)
    const [other] = await store.claim({ pipeline: 'chat', limit: 1, leaseMs: 100_000 })
    expect(other!.lease.epoch).toBe(2)
    await clock.advance(50_000)
    expect(redriven).toEqual([])
    expect(running.redrives()).toMatchObject({ claimed: 1, fenced: 1, running: 0 })
    expect(lines.map(({ message }) => message)).toContain('dead letter lost to another worker')
    expect(await store.ack(other!.lease)).toBe('acked')
    await running.drain()
    expect(clock.pending).toBe(0)
  })

  it('are given up when the store cannot be asked for so long: nobody knows who has the entry then', async () => {
    const { clock, store, start, put } = createWorld()
    const away = (): Promise<never> => Promise.reject(new Error('connection refused'))
    let cancelled = false
    const running = start(
      (_, { signal }) => new Promise(() => signal.addEventListener('abort', () => (cancelled = true))),
      { leaseMs: 9_000 },
      { store: faulty(store, { extend: away }) },
    )
    await put({ id: 'a' })
    await clock.advance(8_000)
    expect([running.redrives().running, cancelled]).toEqual([1, false])
    await clock.advance(1_500)
    expect(cancelled).toBe(true)
    expect(running.redrives()).toMatchObject({ unknown: 1 })
    const drained = running.drain({ timeoutMs: 100 })
    await clock.advance(10_000)
    await drained
    expect(clock.pending).toBe(0)
  })

  it('are at most perSession for one session, whoever has them', async () => {
    const { clock, start, put } = createWorld()
    const now = new Map<string, number>()
    let most = 0
    const act = async ({ session = '' }: Ask): Promise<void> => {
      now.set(session, (now.get(session) ?? 0) + 1)
      most = Math.max(most, ...now.values())
      await after(clock, 700)
      now.set(session, now.get(session)! - 1)
    }
    const workers = [1, 2].map(() => start(act, { concurrency: 8, budget: plenty }))
    await put(...asks(6, 's'), ...asks(6, 't'))
    await clock.advance(20_000)
    expect(most).toBe(1)
    expect(workers.reduce((sum, worker) => sum + worker.redrives().acked, 0)).toBe(12)
    await Promise.all(workers.map((worker) => worker.drain()))
    expect(clock.pending).toBe(0)
  })

  it('share the work among several workers, and nothing runs twice while they hold', async () => {
    const { clock, store, start, put } = createWorld()
    const ran: string[] = []
    const act = async ({ id }: Ask): Promise<void> => {
      ran.push(id)
      await after(clock, 5_000)
    }
    const workers = [1, 2, 3].map((seed) => start(act, { leaseMs: 2_000, concurrency: 5 }, { random: () => seed / 4 }))
    await put(...asks(40))
    await clock.advance(60_000)
    expect(ran.toSorted()).toEqual(
      asks(40)
        .map(({ id }) => id)
        .toSorted(),
    )
    for (const worker of workers) expect(worker.redrives().acked).toBeGreaterThan(5)
    expect((await store.counts()).totals.acked).toBe(40)
    await Promise.all(workers.map((worker) => worker.drain()))
    expect(clock.pending).toBe(0)
  })

  it('that nobody ended make suspects, which run alone, so that none can take others with it', async () => {
    const { clock, store, start, put } = createWorld()
    await put(...asks(5, 'lost'))
    await store.claim({ pipeline: 'chat', limit: 5, leaseMs: 100 })
    await clock.advance(200)
    await put(...asks(5, 'new'))
    const now = new Set<string>()
    const beside: string[] = []
    let most = 0
    const running = start(
      async ({ id }) => {
        now.add(id)
        most = Math.max(most, now.size)
        if (now.size > 1) beside.push(...now)
        await after(clock, 500)
        now.delete(id)
      },
      { concurrency: 8, perSession: 8, budget: plenty },
    )
    await clock.advance(30_000)
    expect(beside.filter((id) => id.startsWith('lost'))).toEqual([])
    expect(most).toBeGreaterThan(2)
    expect(running.redrives()).toMatchObject({ acked: 10, fenced: 0, unknown: 0 })
    expect(running.redrives().deferred).toBeLessThan(10)
    await running.drain()
    expect(clock.pending).toBe(0)
  })

  it('of a claim that is answered too late are given back', async () => {
    const { clock, store, start, put } = createWorld()
    let slow = true
    const claim = async (options: Parameters<typeof store.claim>[0]): Promise<readonly ClaimedDeadLetter[]> => {
      const { signal: _, ...rest } = options
      const claimed = await store.claim(rest)
      if (!slow) return claimed
      slow = false
      await after(clock, 15_000)
      return claimed
    }
    const running = start(({ id }) => id, {}, { store: faulty(store, { claim }) })
    await put({ id: 'a' })
    await clock.advance(10_500)
    expect(running.redrives()).toMatchObject({ failedClaims: 1, claimed: 0 })
    await clock.advance(5_000)
    expect(running.redrives()).toMatchObject({ deferred: 1, acked: 0 })
    expect(await store.get('first-a')).toMatchObject({ state: 'due', attempts: 0 })
    await clock.advance(5_000)
    expect(running.redrives()).toMatchObject({ deferred: 1, acked: 1 })
    await running.drain()
  })

  it('are ended by asking again, when the answer of the store was lost', async () => {
    const { clock, store, start, put } = createWorld()
    const asked: string[] = []
    let lost = 3
    const losing =
      <Given extends unknown[], Answer>(name: string, method: (...given: Given) => Promise<Answer>) =>
      async (...given: Given): Promise<Answer> => {
        asked.push(name)
        const result = await method(...given)
        if (lost-- > 0) throw new Error('reset')
        return result
      }
    const half = faulty(store, { ack: losing('ack', store.ack), fail: losing('fail', store.fail) })
    const running = start(
      ({ id }) => {
        if (id === 'bad') throw new Error('no')
      },
      { backoff: () => 100_000 },
      { store: half },
    )
    await put({ id: 'good' })
    await clock.advance(5_000)
    expect(asked).toEqual(['ack', 'ack', 'ack', 'ack'])
    expect(running.redrives()).toMatchObject({ acked: 1, unknown: 0 })
    lost = 1
    await put({ id: 'bad' })
    await clock.advance(5_000)
    expect(asked.slice(4)).toEqual(['fail', 'fail'])
    expect(running.redrives()).toMatchObject({ acked: 1, unknown: 1, fenced: 0 })
    expect(await store.get('first-bad')).toMatchObject({ state: 'due', attempts: 1 })
    await running.drain()
  })

  it('are left to themselves when the worker crashes, which is started again', async () => {
    const { clock, store, start, put, lines } = createWorld()
    let crashes = true
    const backoff = (): number => {
      if (!crashes) return 1_000
      crashes = false
      throw new Error('a fault of ours')
    }
    const aborted: string[] = []
    const running = start(
      ({ id }, { signal }) => {
        if (id === 'bad') throw new Error('no')
        if (!crashes) return id
        return new Promise(() => signal.addEventListener('abort', () => aborted.push(id)))
      },
      { backoff, leaseMs: 5_000 },
    )
    await put({ id: 'slow' })
    await clock.advance(1_500)
    await put({ id: 'bad' })
    await clock.advance(1_600)
    expect(aborted).toEqual(['slow'])
    expect(running.state).toBe('running')
    expect(running.redrives()).toMatchObject({ claimed: 2, unknown: 2, running: 0, restarts: 1 })
    expect(lines).toContainEqual(expect.objectContaining({ message: 'retry worker crashed', error: 'a fault of ours' }))
    await clock.advance(20_000)
    expect(await store.get('first-slow')).toBeUndefined()
    expect(await store.get('first-bad')).toMatchObject({ attempts: 5, state: 'dead' })
    await running.drain()
    expect(clock.pending).toBe(0)
  })
})
