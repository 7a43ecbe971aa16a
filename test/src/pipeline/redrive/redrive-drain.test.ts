import { describe, expect, it } from 'vitest'
import { StageCrash } from '../../../../src/index.ts'
import { after, createWorld, faulty } from './redriving-world.ts'

describe('a drain', () => {
  it('claims nothing more, gives back what is claimed meanwhile, and lets finish what runs', async () => {
    const { clock, store, start, put } = createWorld()
    let slow = false
    const claim: typeof store.claim = async (options) => {
      const claimed = await store.claim(options)
      if (slow) await after(clock, 300)
      return claimed
    }
    const running = start(
      async ({ id }) => {
        await after(clock, 2_000)
        return id
      },
      { pollMs: 100 },
      { store: faulty(store, { claim }) },
    )
    await put({ id: 'runs' })
    await clock.advance(500)
    slow = true
    await put({ id: 'claimed' })
    await clock.advance(200)
    expect((await store.get('first-claimed'))?.state).toBe('leased')
    const drained = running.drain({ timeoutMs: 10_000 })
    await put({ id: 'later' })
    await clock.advance(2_000)
    const report = await drained
    expect(report).toMatchObject({ inFlight: 1, completed: 1, refused: 0, failed: 0, timedOut: 0 })
    expect(report.redrives).toMatchObject({ claimed: 2, acked: 1, deferred: 1, running: 0 })
    expect(await store.get('first-claimed')).toMatchObject({ state: 'due', attempts: 0 })
    expect(await store.get('first-later')).toMatchObject({ state: 'due', epoch: 0 })
    expect(clock.pending).toBe(0)
  })

  it('defers what does not finish in time, which counts as no attempt', async () => {
    const { clock, store, start, put } = createWorld()
    const running = start(() => new Promise(() => undefined))
    await put({ id: 'a' })
    await clock.advance(1_000)
    const drained = running.drain({ timeoutMs: 3_000 })
    await clock.advance(3_000)
    const report = await drained
    expect(report).toMatchObject({ inFlight: 1, failed: 1, timedOut: 1, redrives: { deferred: 1, running: 0 } })
    expect(await store.get('first-a')).toMatchObject({ state: 'due', attempts: 0 })
    expect(clock.pending).toBe(0)
  })

  it('waits no longer than its time for a store that does not answer, or for who takes the answers', async () => {
    const { clock, store, start, put } = createWorld()
    const never = (): Promise<never> => new Promise(() => undefined)
    const running = start(
      ({ id }) => id,
      { onRedriven: ({ letter: { id } }) => (id === 'a' ? never() : undefined) },
      { store: faulty(store, { ack: never }) },
    )
    await put({ id: 'a' }, { id: 'b' })
    await clock.advance(1_000)
    const drained = running.drain({ timeoutMs: 2_000 })
    await clock.advance(4_000)
    expect((await drained).redrives).toMatchObject({ claimed: 2, unknown: 2, running: 0 })
    expect(clock.pending).toBe(0)
    // What was not acked comes back when its lease is over.
    await clock.advance(30_000)
    expect(await store.claim({ pipeline: 'chat', limit: 10, leaseMs: 1_000 })).toHaveLength(2)
  })

  it('ends the worker also while it waits to be started again, or for the store to come back', async () => {
    const { clock, store, start, put } = createWorld()
    const crash = (): never => {
      throw new Error('a fault of ours')
    }
    const crashing = start(crash, { backoff: crash })
    const away = start(() => 1, {}, { store: faulty(store, { claim: () => Promise.reject(new Error('away')) }) })
    await put({ id: 'a' })
    await clock.advance(1_000)
    expect(crashing.redrives().restarts).toBe(1)
    expect((await crashing.drain()).redrives).toMatchObject({ claimed: 1, unknown: 1 })
    expect((await away.drain()).redrives).toMatchObject({ claimed: 0 })
    expect(clock.pending).toBe(0)
  })

  it('is not needed to end the claims of a pipeline that has failed, whose redrives are deferred', async () => {
    const { clock, store, start, put } = createWorld()
    const running = start(
      ({ id }) => {
        if (id === 'crash') throw new StageCrash('for good')
        return new Promise(() => undefined)
      },
      {},
      { supervision: { maxRestarts: 0 } },
    )
    await put({ id: 'a' })
    await clock.advance(1_000)
    running.submit({ id: 'crash' })
    await clock.advance(1_000)
    expect(running.state).toBe('failed')
    expect(running.redrives()).toMatchObject({ claimed: 1, deferred: 1, running: 0 })
    expect(await store.get('first-a')).toMatchObject({ state: 'due', attempts: 0 })
    await running.drain()
    expect(clock.pending).toBe(0)
  })
})
