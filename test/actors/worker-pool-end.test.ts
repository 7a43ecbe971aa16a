import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { createActor } from 'xstate'
import { fromWorkerPool, StageCrash, supervise, type WorkerPoolLogic } from '../../actors/public.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

/** A pool of two workers whose items take as many milliseconds as they are worth. */
function pooled(routing: 'least-load' | { readonly affinity: (ms: number) => string }) {
  const clock = new VirtualClock()
  const log: string[] = []
  const pool = fromWorkerPool<number, undefined>(
    (ms, { worker }) => {
      log.push(`${ms} on ${worker}`)
      return new Promise((resolve) => {
        clock.setTimeout(() => {
          resolve(undefined)
        }, ms)
      })
    },
    { workers: 2, channel: { capacity: 10 }, routing, clock },
  )
  return { clock, log, pool }
}

function states(pool: WorkerPoolLogic<number>): unknown {
  return pool.figures().workers.map(({ state }) => state)
}

describe.each([{ routing: 'least-load' }, { routing: { affinity: String } }] as const)(
  'a pool with $routing',
  ({ routing }) => {
    it.each([0, 1, 2])('that was drained of %i items ends again when it is started with its group', async (items) => {
      const { clock, pool } = pooled(routing)
      let other$ = new Subject<never>()
      const children = [
        { id: 'pool', start: pool },
        { id: 'other', start: () => (other$ = new Subject()) },
      ]
      const root = createActor(supervise(children, { clock, backoff: () => 50, strategy: 'one-for-all' }))
      const ends: string[] = []
      root.on('stopped', ({ id, how }) => ends.push(`${id} ${how}`))
      root.start()
      for (let item = 1; item <= items; item++) pool.offer(item)
      const { children: actors } = root.getSnapshot() as { children: { pool: { send: (event: object) => void } } }
      actors.pool.send({ type: 'drain' })
      await clock.runAll()
      other$.error(new Error('broken'))
      await clock.runAll()
      expect([ends, states(pool)]).toEqual([
        ['pool ended', 'pool ended'],
        ['down', 'down'],
      ])
    })

    it('that is stopped starts nothing more, whichever worker is the last to end', async () => {
      const { clock, log, pool } = pooled(routing)
      const actor = createActor(pool, { clock }).start()
      for (const ms of [1, 5, 4]) pool.offer(ms)
      actor.send({ type: 'stop' })
      await clock.runAll()
      expect(log).toEqual(['1 on 0', '5 on 1'])
      expect([actor.getSnapshot().status, pool.discard()]).toEqual(['done', [4]])
    })
  },
)

describe('a pool of workers that do not return', () => {
  it.each([
    { how: 'is stopped', ends: ['0 forced', '1 forced', '2 forced', 'done'] },
    { how: 'is stopped while it drains', drains: true, ends: ['0 forced', '1 forced', '2 forced', 'done'] },
    { how: 'gives up', crashes: true, ends: ['1 forced', '2 forced', 'gave up'] },
  ])('ends after one shutdownTimeoutMs when it $how', async ({ drains, crashes, ends }) => {
    const clock = new VirtualClock()
    const { promise, reject } = Promise.withResolvers<never>()
    const options = { workers: 3, channel: { capacity: 0 }, clock, shutdownTimeoutMs: 100 }
    const hangs = new Promise<never>(() => undefined)
    const pool = fromWorkerPool((item: number) => (item === 0 ? promise : hangs), {
      ...options,
      supervision: { maxRestarts: 0 },
    })
    const actor = createActor(pool, { clock })
    const told: string[] = []
    actor.on('stopped', ({ id, how }) => told.push(`${id.slice(-1)} ${how}`))
    actor.subscribe({ error: () => told.push('gave up'), complete: () => told.push('done') })
    actor.start()
    for (const item of [0, 1, 2]) pool.offer(item)
    if (drains === true) actor.send({ type: 'drain' })
    await clock.settle()
    if (crashes === true) reject(new StageCrash('broken'))
    else actor.send({ type: 'stop' })
    await clock.advance(99)
    expect(told).toEqual([])
    await clock.advance(1)
    expect(told.toSorted()).toEqual(ends)
  })
})

it('a pool that runs already is not started a second time, and goes on as it was', async () => {
  const { clock, log, pool } = pooled('least-load')
  const first = createActor(pool, { clock }).start()
  pool.offer(10)
  const second = createActor(pool, { clock })
  const errors: unknown[] = []
  second.subscribe({ error: (error: unknown) => errors.push(error) })
  second.start()
  second.stop()
  expect(errors).toMatchObject([{ message: expect.stringContaining('this pool runs already') as string }])
  expect(pool.figures().workers).toEqual([
    { state: 'running', load: 1, restarts: 0 },
    { state: 'running', load: 0, restarts: 0 },
  ])
  pool.offer(20)
  await clock.runAll()
  expect(log).toEqual(['10 on 0', '20 on 1'])
  first.stop()
  createActor(pool, { clock }).start()
  expect(states(pool)).toEqual(['running', 'running'])
})

it.each([1, 2])('a pool that is stopped at once puts back what ran in its order, with %i slots each', (concurrency) => {
  const started: number[] = []
  const clock = new VirtualClock()
  const pool = fromWorkerPool(
    (item: number) => {
      started.push(item)
      return new Promise<number>(() => undefined)
    },
    { workers: 3, channel: { capacity: 10, concurrency }, clock, onError: () => expect.unreachable() },
  )
  const actor = createActor(pool, { clock }).start()
  const items = Array.from({ length: 3 * concurrency + 2 }, (_, index) => index)
  for (const item of items) pool.offer(item)
  actor.stop()
  expect(pool.discard()).toEqual(items)
  expect(started).toHaveLength(3 * concurrency)
})

it('a pool that is stopped at once starts at no worker what another puts back', () => {
  const { clock, log, pool } = pooled('least-load')
  const actor = createActor(pool, { clock }).start()
  pool.offer(5)
  actor.stop()
  expect([log, pool.discard()]).toEqual([['5 on 0'], [5]])
})
