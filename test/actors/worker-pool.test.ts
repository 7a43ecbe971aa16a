import { describe, expect, it } from 'vitest'
import { createActor, toPromise } from 'xstate'
import {
  fromWorkerPool,
  RestartIntensityError,
  StageCrash,
  supervise,
  type SupervisorEvent,
  type WorkerPoolOptions,
  type WorkerRun,
} from '../../actors/public.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

interface Item {
  readonly name: string
  readonly session: string
}

function item(name: string, session = name): Item {
  return { name, session }
}

type Options = Partial<WorkerPoolOptions<Item, string, number>>

/** A pool whose handlers return when they are told to; everything is written down. */
function pooled(options: Options = {}) {
  const clock = new VirtualClock()
  const log: string[] = []
  const running = new Map<string, { run: WorkerRun<Item>; resolve: () => void; reject: (error: Error) => void }>()
  let setups = 0
  const pool = fromWorkerPool<Item, string, number>(
    ({ name }, run) => {
      log.push(`${name} on ${run.worker}${run.attempt > 1 ? ' again' : ''}`)
      const { promise, resolve, reject } = Promise.withResolvers<string>()
      const started = {
        run,
        reject,
        resolve: () => {
          resolve(name)
        },
      }
      running.set(name, started)
      run.signal.addEventListener('abort', () => log.push(`${name} aborted on ${run.worker}`))
      return promise
    },
    {
      workers: 3,
      channel: { capacity: 10 },
      setup: () => (setups += 1),
      supervision: { backoff: () => 10, maxRestarts: 3 },
      onValue: (value, { worker }) => log.push(`${value} done by ${worker}`),
      onError: (error, run) => log.push(`${run.item.name} failed: ${(error as Error).message}`),
      clock,
      ...options,
    },
  )
  const start = () => {
    const actor = createActor(pool, { clock })
    const ends: unknown[] = []
    actor.subscribe({ error: (error: unknown) => ends.push(error), complete: () => ends.push('done') })
    const note = (event: SupervisorEvent): void => {
      log.push(`${event.type} ${event.id}`)
    }
    for (const type of ['restarted', 'crashed', 'escalated'] as const) actor.on(type, note)
    actor.start()
    return { actor, ends }
  }
  const finish = async (...names: string[]) => {
    for (const name of names) running.get(name)?.resolve()
    await clock.settle()
  }
  const crash = async (name: string) => {
    running.get(name)?.reject(new StageCrash('broken'))
    await clock.settle()
  }
  const offer = (...items: Item[]) => items.map((each) => pool.offer(each))
  const loads = () => pool.figures().workers.map(({ load }) => load)
  const states = () => pool.figures().workers.map(({ state }) => state)
  /** What was told since it was asked last. */
  const told = () => log.splice(0)
  return { clock, pool, start, offer, finish, crash, loads, states, told, running }
}

describe('a pool', () => {
  it('sets up each worker by itself, tells it which it is, and tears each down', async () => {
    const known: unknown[] = []
    const { clock, start, offer, finish, running } = pooled({
      setup: ({ worker, epoch }) => {
        known.push({ worker, epoch })
        return worker * 100
      },
      teardown: (state, { reason }) => {
        known.push(`${state} ${reason}`)
      },
    })
    const { actor, ends } = start()
    expect(known.splice(0)).toEqual([0, 1, 2].map((worker) => ({ worker, epoch: 1 })))
    offer(item('a'), item('b'))
    expect(running.get('b')?.run.state).toBe(100)
    actor.send({ type: 'drain' })
    await finish('a', 'b')
    expect(known).toEqual(['0 drain', '100 drain', '200 drain'])
    expect([ends, clock.pending]).toEqual([['done'], 0])
  })

  it('tells its figures', async () => {
    const { clock, pool, start, offer, crash } = pooled({ workers: 2 })
    expect(pool.figures()).toEqual({
      waiting: 0,
      running: 0,
      workers: [
        { state: 'down', load: 0, restarts: 0 },
        { state: 'down', load: 0, restarts: 0 },
      ],
    })
    start()
    offer(item('a'), item('b'), item('c'))
    expect(pool.figures()).toMatchObject({ waiting: 1, running: 2 })
    await crash('b')
    expect(pool.figures().workers[1]).toEqual({ state: 'down', load: 0, restarts: 0 })
    await clock.advance(10)
    expect(pool.figures().workers[1]).toEqual({ state: 'running', load: 1, restarts: 1 })
  })

  it('tells which worker has trouble', async () => {
    const troubles: unknown[] = []
    const { clock, start } = pooled({
      health: { check: (state) => state !== 2, everyMs: 5, failures: 1 },
      onTrouble: ({ type }, worker) => troubles.push(`${type} ${worker}`),
    })
    start()
    await clock.advance(5)
    expect(troubles).toEqual(['unhealthy 1'])
  })
})

describe('routing by least load', () => {
  it('starts each item at the worker that runs least, of equal ones at the first', async () => {
    const { start, offer, finish, told, loads } = pooled({ channel: { capacity: 10, concurrency: 2 } })
    start()
    offer(item('a'), item('b'), item('c'), item('d'))
    expect(told()).toEqual(['a on 0', 'b on 1', 'c on 2', 'd on 0'])
    await finish('b', 'c')
    offer(item('e'), item('f'), item('g'))
    expect(told().slice(2)).toEqual(['e on 1', 'f on 2', 'g on 1'])
    expect(loads()).toEqual([2, 2, 1])
  })

  it('has all wait in one line while none can take one more, and its overflow decides', async () => {
    const lost: string[] = []
    const { start, offer, finish, told } = pooled({
      channel: { capacity: 1, overflow: 'drop-oldest', onLost: ({ name }, reason) => lost.push(`${name} ${reason}`) },
    })
    start()
    expect(offer(item('a'), item('b'), item('c'), item('d'), item('e'))).toEqual(Array(5).fill('accepted'))
    expect(lost).toEqual(['d evicted'])
    await finish('b')
    expect(told().slice(3)).toEqual(['b done by 1', 'e on 1'])
  })

  it('lets items wait while no worker is up, and leaves out those that are not', async () => {
    const ready = [0, 1, 2].map(() => Promise.withResolvers<number>())
    const { clock, start, offer, states, told } = pooled({ setup: ({ worker }) => ready[worker]!.promise })
    offer(item('a'), item('b'))
    start()
    expect([states(), told()]).toEqual([['starting', 'starting', 'starting'], []])
    ready[1]!.resolve(1)
    await clock.settle()
    expect([states(), told()]).toEqual([['starting', 'running', 'starting'], ['a on 1']])
    ready[0]!.resolve(0)
    await clock.settle()
    expect(told()).toEqual(['b on 0'])
  })

  it('lets only the worker fall that crashes; what it ran goes to another, once it is called off', async () => {
    const { clock, start, offer, crash, finish, told, loads, states } = pooled({
      workers: 2,
      channel: { capacity: 10, concurrency: 2 },
    })
    start()
    offer(item('a'), item('b'), item('c'), item('d'), item('e'))
    told()
    await finish('b')
    expect(told()).toEqual(['b done by 1', 'e on 1'])
    await finish('d')
    await crash('a')
    expect(told()).toEqual(['d done by 1', 'a failed: broken', 'c aborted on 0', 'c on 1 again', 'crashed worker 0'])
    expect([loads(), states()]).toEqual([
      [0, 2],
      ['down', 'running'],
    ])
    await clock.advance(10)
    offer(item('f'))
    expect(told()).toEqual(['restarted worker 0', 'f on 0'])
  })

  it('puts an item back once, whoever runs it: the second time it fails', async () => {
    const putBack: string[] = []
    const { clock, start, offer, told } = pooled({
      workers: 2,
      onPutBack: ({ item: { name }, worker, attempt }) => putBack.push(`${name} ${worker} ${attempt}`),
      health: { check: () => false, everyMs: 5, failures: 1 },
      supervision: { backoff: () => 100 },
      setup: ({ worker, clock: waits }) =>
        new Promise<number>((resolve) => {
          waits.setTimeout(() => {
            resolve(worker)
          }, worker * 2)
        }),
    })
    start()
    offer(item('a'))
    await clock.advance(6)
    expect([putBack, told()]).toEqual([['a 0 1'], ['a on 0', 'a aborted on 0', 'a on 1 again', 'crashed worker 0']])
    await clock.advance(2)
    expect(putBack).toHaveLength(1)
    expect(told()).toEqual(['a aborted on 1', 'a failed: the health check failed 1 times in a row', 'crashed worker 1'])
  })

  it('forgets what was put back once it is lost: the same again is a first attempt', async () => {
    const { clock, start, pool, crash, told } = pooled({
      workers: 1,
      channel: { capacity: 9, concurrency: 2, ttlMs: 5 },
    })
    start()
    const [a, b] = [item('a'), item('b')]
    pool.offer(a)
    pool.offer(b)
    await crash('a')
    await clock.advance(10)
    told()
    pool.offer(b)
    expect(told()).toEqual(['b on 0'])
    await crash('b')
    pool.offer(a)
    expect(pool.discard()).toEqual([a])
  })
})

describe('routing by affinity', () => {
  const affinity: Options = { routing: { affinity: ({ session }) => session } }

  it('gives a session to one worker, where its items wait for each other', async () => {
    const { start, offer, finish, told, loads } = pooled(affinity)
    start()
    offer(item('a', 's'), item('b', 's'), item('c', 'x'))
    expect([told(), loads()]).toEqual([
      ['a on 2', 'c on 0'],
      [1, 0, 2],
    ])
    await finish('a')
    expect(told()).toEqual(['a done by 2', 'b on 2'])
  })

  it('keeps what waits for a worker that is down, and what it ran before that', async () => {
    const { clock, start, offer, crash, told, loads } = pooled({
      ...affinity,
      channel: { capacity: 10, concurrency: 2 },
    })
    start()
    offer(item('a', 's'), item('b', 's'), item('c', 's'), item('d', 'x'))
    told()
    await crash('a')
    expect(told()).toEqual(['a failed: broken', 'b aborted on 2', 'crashed worker 2'])
    offer(item('e', 's'))
    expect([loads(), told()]).toEqual([[1, 0, 3], []])
    await clock.advance(10)
    expect(told()).toEqual(['b on 2 again', 'c on 2', 'restarted worker 2'])
  })

  it('has each worker shed by itself', () => {
    const { start, offer } = pooled({ ...affinity, channel: { capacity: 1 } })
    start()
    expect(offer(item('a', 's'), item('b', 's'), item('c', 's'), item('d', 'x'))).toEqual([
      'accepted',
      'accepted',
      'shed',
      'accepted',
    ])
  })
})

describe.each([{ routing: 'least-load' }, { routing: { affinity: ({ session }: Item) => session } }] as const)(
  'the end of a pool with $routing',
  ({ routing }) => {
    it('that is drained comes when nothing is left, of what a crash puts back either; nothing more is taken in', async () => {
      const { clock, pool, start, offer, finish, crash, states } = pooled({
        routing,
        channel: { capacity: 10, concurrency: 2 },
      })
      const { actor, ends } = start()
      offer(item('a', 's'), item('b', 's'), item('c', 's'))
      actor.send({ type: 'drain' })
      expect(offer(item('d', 's'))).toEqual(['closed'])
      await crash('a')
      await clock.advance(10)
      expect(ends).toEqual([])
      await finish('b', 'c')
      await clock.runAll()
      expect([ends, states()]).toEqual([['done'], ['down', 'down', 'down']])
      expect(pool.figures()).toMatchObject({ waiting: 0, running: 0 })
    })

    it('that is drained while nothing is there comes at once', async () => {
      const { clock, start } = pooled({ routing })
      const { actor, ends } = start()
      actor.send({ type: 'drain' })
      await clock.settle()
      expect(ends).toEqual(['done'])
    })

    it('that is drained while its last item crashes comes after the restart', async () => {
      const { clock, start, offer, crash } = pooled({ routing })
      const { actor, ends } = start()
      offer(item('a'))
      actor.send({ type: 'drain' })
      await crash('a')
      await clock.advance(10)
      expect(ends).toEqual(['done'])
    })

    it('that is stopped leaves what waits to the next start, or to whoever takes it back', async () => {
      const { clock, pool, start, offer, finish, told } = pooled({ routing, workers: 1, teardown: () => undefined })
      const { actor, ends } = start()
      offer(item('a'), item('b'))
      actor.send({ type: 'stop' })
      await clock.settle()
      expect(ends).toEqual([])
      await finish('a')
      expect([ends, told()]).toEqual([['done'], ['a on 0', 'a done by 0']])
      start()
      expect(told()).toEqual(['b on 0'])
      offer(item('c'))
      expect(pool.discard().map(({ name }) => name)).toEqual(['c'])
    })

    it('that is stopped without waiting puts back what runs', async () => {
      const { start, offer, told, loads, pool } = pooled({ routing, workers: 1 })
      const { actor } = start()
      offer(item('a'))
      actor.stop()
      expect(told()).toEqual(['a on 0', 'a aborted on 0'])
      expect([loads()[0], pool.figures().waiting]).toEqual([routing === 'least-load' ? 0 : 1, 1])
      start()
      expect(told()).toEqual(['a on 0 again'])
    })
  },
)

describe('a pool whose workers crash too often', () => {
  it('stops all of them, ends with a RestartIntensityError, and goes on when its supervisor starts it again', async () => {
    const { clock, pool, offer, finish, crash, told, states } = pooled({ workers: 2, supervision: { maxRestarts: 0 } })
    const root = createActor(supervise([{ id: 'pool', start: pool }], { clock, backoff: () => 50 }), { clock })
    const ends: unknown[] = []
    root.on('crashed', ({ id, error }) => ends.push([id, error]))
    root.start()
    offer(item('a'), item('b'), item('c'), item('d'))
    await crash('a')
    expect([states(), ends]).toEqual([['down', 'stopping'], []])
    await finish('b')
    expect(states()).toEqual(['down', 'down'])
    expect(ends).toEqual([['pool', expect.any(RestartIntensityError)]])
    told()
    await clock.advance(50)
    expect(states()).toEqual(['running', 'running'])
    expect(told()).toEqual(['c on 0', 'd on 1'])
  })
})

describe('a pool in a program', () => {
  it('runs an item in the very call that brings it, also from within an answer', async () => {
    const values: number[] = []
    const pool = fromWorkerPool((n: number) => n * 2, {
      workers: 2,
      channel: { capacity: 0 },
      onValue: (value) => {
        values.push(value)
        if (value < 100_000) expect(pool.offer(value / 2 + 1)).toBe('accepted')
      },
    })
    const actor = createActor(pool).start()
    pool.offer(1)
    expect(values).toHaveLength(50_000)
    actor.send({ type: 'drain' })
    await toPromise(actor)
  })
})
