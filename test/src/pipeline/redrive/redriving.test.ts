import { Registry } from 'prom-client'
import { interval, map, NEVER, of, take } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { CircuitOpenError, type HandlerContext, type Outcome, type Reply, StageCrash } from '../../../../src/index.ts'
import type { Redriven } from '../../../../src/pipeline/redrive/redrive-options.ts'
import { after, type Ask, createWorld, plenty } from './redriving-world.ts'

const answer = ({ id }: Ask): string => `answer to ${id}`
const fail = (): never => {
  throw new Error('not today')
}

describe('redriving', () => {
  it('runs a request again that has failed, hands its answer on, and only then forgets it', async () => {
    const { clock, store, start, lines } = createWorld()
    const redriven: Redriven[] = []
    const outcomes: Outcome<unknown>[] = []
    let act: (ask: Ask) => unknown = fail
    const running = start((ask) => act(ask), {
      onRedriven: async (one) => {
        redriven.push(one)
        expect((await store.get(one.letter.submissionId))?.state).toBe('leased')
      },
    })
    running.outcomes$.subscribe({ next: (outcome) => outcomes.push(outcome), error: () => undefined })
    const first = running.submit({ id: 'a', session: 's' })
    expect(first.settled?.kind).toBe('failed')
    act = answer
    await clock.advance(100)
    expect(redriven).toHaveLength(1)
    const [{ letter, outcome }] = redriven as [Redriven]
    expect(letter).toMatchObject({ submissionId: first.submissionId, id: 'a', attempts: 1 })
    expect(outcome).toMatchObject({ kind: 'completed', value: 'answer to a', id: 'a', origin: 'redrive' })
    expect(outcome.submissionId).not.toBe(first.submissionId)
    expect(redriven[0]).not.toHaveProperty('chunks')
    expect(outcomes.map(({ origin }) => origin)).toEqual([undefined, 'redrive'])
    expect(await store.get(first.submissionId)).toBeUndefined()
    expect(running.ledger()).toMatchObject({ submitted: 2, completed: 1, failed: 1 })
    expect(running.redrives()).toMatchObject({ claimed: 1, acked: 1, running: 0 })
    const told = lines.filter(({ submissionId }) => submissionId === first.submissionId)
    const session: unknown = expect.stringMatching(/^[0-9a-f]{12}$/)
    expect(told).toEqual(
      ['dead letter claimed', 'dead letter redriven'].map((message) => ({
        ...{ submissionId: first.submissionId, request: 'a', session, attempt: 1, message },
      })),
    )
    expect(await running.drain()).toMatchObject({ inFlight: 0, redrives: { acked: 1 } })
    expect(clock.pending).toBe(0)
  })

  it('reads streams to their end, and keeps the lease while they last longer than that', async () => {
    const { clock, store, start, put } = createWorld()
    const redriven: Redriven[] = []
    const chunks = (): unknown =>
      interval(100, clock).pipe(
        take(50),
        map((n) => `${n}`),
      )
    const running = start(chunks, { leaseMs: 1_000, onRedriven: (one) => redriven.push(one) })
    await put({ id: 'a' })
    await clock.advance(4_000)
    expect(await store.get('first-a')).toMatchObject({ state: 'leased', epoch: 1 })
    await clock.advance(3_000)
    expect(redriven).toMatchObject([{ outcome: { kind: 'completed', chunks: 50 } }])
    expect(redriven[0]!.chunks).toEqual(Array.from({ length: 50 }, (_, n) => `${n}`))
    expect(running.redrives()).toMatchObject({ claimed: 1, acked: 1 })
    await running.drain()
    expect(clock.pending).toBe(0)
  })

  it('gives each redrive the whole deadline of its request, and counts what expires as an attempt', async () => {
    const { clock, store, start, put } = createWorld()
    const running = start(() => NEVER, { backoff: () => 60_000 })
    await put({ id: 'a', deadlineMs: 500 })
    await clock.advance(400)
    expect(running.ledger().inFlight).toBe(1)
    await clock.advance(1_000)
    expect(await store.get('first-a')).toMatchObject({ state: 'due', attempts: 1, kind: 'expired', reason: 'deadline' })
    await running.drain()
    expect(clock.pending).toBe(0)
  })

  it('never keeps a redrive as another dead letter', async () => {
    const { clock, store, start, put, lines } = createWorld({ maxAttempts: 2 })
    const running = start(fail, { backoff: () => 1_000, budget: plenty })
    await put({ id: 'a' })
    await clock.advance(10_000)
    expect(await store.get('first-a')).toMatchObject({ state: 'dead', attempts: 2, error: 'not today' })
    expect(running.redrives()).toMatchObject({ claimed: 2, retried: 1, died: 1 })
    expect(running.deadLetters()).toMatchObject({ selected: 0 })
    expect((await store.counts()).totals).toMatchObject({ stored: 1, died: 1 })
    const told = lines.filter(
      ({ message }) => message === 'dead letter failed again' || message === 'dead letter given up',
    )
    expect(told.map(({ message, ...fields }) => [message, 'retryInMs' in fields])).toEqual([
      ['dead letter failed again', true],
      ['dead letter given up', false],
    ])
    await running.drain()
  })

  it('tries again when the backoff says so, by default in full jitter below ceilings of 10, 40, 160 and 640 s', async () => {
    const { clock, store, start, put } = createWorld()
    const at: number[] = []
    const running = start(() => (at.push(clock.now()), fail()), { backoff: (attempt) => attempt * 5_000 })
    await put({ id: 'a' })
    await clock.advance(100_000)
    const waits = at.slice(1).map((now, index) => now - at[index]!)
    expect(waits).toHaveLength(4)
    for (const [index, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual(5_000 * (index + 1))
      expect(wait).toBeLessThanOrEqual(5_000 * (index + 1) + 1_500)
    }
    await running.drain()
    at.length = 0
    await store.replay(['first-a'])
    const usual = start(() => (at.push(clock.now()), fail()), {}, { random: () => 0.99 })
    await clock.advance(900_000)
    const usually = at.slice(1).map((now, index) => now - at[index]!)
    for (const [index, ms] of [9_900, 39_600, 158_400, 633_600].entries()) {
      expect(usually[index]).toBeGreaterThanOrEqual(ms)
      expect(usually[index]).toBeLessThanOrEqual(ms + 1_500)
    }
    await usual.drain()
  })

  it('gives up a request that crashes its stage, without taking the pipeline with it', async () => {
    const { clock, store, start, put } = createWorld()
    const at: number[] = []
    const act = async ({ id }: Ask): Promise<string> => {
      await after(clock, 10)
      if (id !== 'poison') return id
      at.push(clock.now())
      throw new StageCrash('poisoned')
    }
    const running = start(act, { backoff: () => 0 })
    await put({ id: 'poison' }, { id: 'other' })
    await clock.advance(600_000)
    expect(await store.get('first-poison')).toMatchObject({ state: 'dead', attempts: 5, reason: 'stage_crash' })
    expect(await store.get('first-other')).toBeUndefined()
    expect(running.state).toBe('running')
    expect(running.stages.one).toMatchObject({ state: 'running', restarts: 5 })
    // So far apart that they never add up to what a supervisor gives up for.
    for (const [index, now] of at.slice(1).entries()) expect(now - at[index]!).toBeGreaterThanOrEqual(60_000)
    await running.drain()
    expect(clock.pending).toBe(0)
  })

  it('waits as long as what has failed asks for', async () => {
    const { clock, store, start, put } = createWorld()
    const act = (): never => {
      throw Object.assign(new Error('busy'), { retryAfterMs: 25_000 })
    }
    const running = start(act, { backoff: () => 1_000 })
    await put({ id: 'a' })
    await clock.advance(100)
    const { stateAt } = (await store.get('first-a'))!
    expect(stateAt - clock.wallTime()).toBeGreaterThan(25_000)
    await running.drain()
  })

  it('counts no attempt where there was no room, and none of one that was cancelled', async () => {
    const { clock, store, start, put } = createWorld()
    let calls = 0
    const running = start(
      (_, context: HandlerContext) => {
        calls += 1
        if (calls === 1) throw new CircuitOpenError(20_000)
        if (calls === 2) (context as unknown as { readonly item: Reply<unknown> }).item.cancel('an operator')
        return calls === 2 ? NEVER : 'done'
      },
      { budget: plenty },
    )
    await put({ id: 'a' })
    await clock.advance(10_000)
    expect(await store.get('first-a')).toMatchObject({ state: 'due', attempts: 0, epoch: 1 })
    await clock.advance(15_000)
    expect(await store.get('first-a')).toBeUndefined()
    expect(running.redrives()).toMatchObject({ claimed: 3, deferred: 2, acked: 1 })
    await running.drain()
  })

  it('takes the answer for lost that nobody has taken, and gives up one that is too large', async () => {
    const { clock, store, start, put } = createWorld()
    const large = 'x'.repeat(1_000)
    const running = start(({ id }) => (id === 'large' ? of(large, large, large) : id), {
      maxResultBytes: 5_000,
      leaseMs: 2_000,
      backoff: () => 60_000,
      onRedriven: ({ letter: { id } }) => {
        if (id === 'rejects') throw new Error('the disk is full')
        return new Promise(() => undefined)
      },
    })
    await put({ id: 'rejects' }, { id: 'hangs' }, { id: 'large' })
    await clock.advance(1_000)
    expect(await store.get('first-rejects')).toMatchObject({
      ...{ state: 'due', attempts: 1, stage: 'one', reason: 'not_handed_over', error: 'the disk is full' },
    })
    expect(await store.get('first-large')).toMatchObject({ state: 'dead', reason: 'result_too_large' })
    expect((await store.get('first-hangs'))?.state).toBe('leased')
    await clock.advance(1_500)
    expect(await store.get('first-hangs')).toMatchObject({ state: 'due', attempts: 1, reason: 'not_handed_over' })
    await running.drain()
    expect(clock.pending).toBe(0)
  })

  it('is counted by origin', async () => {
    const registry = new Registry()
    const { clock, start, put } = createWorld()
    const running = start(answer, {}, { registry })
    await put({ id: 'a' })
    running.submit({ id: 'b' })
    running.submit({ id: 'c' })
    await clock.advance(100)
    const text = await registry.metrics()
    expect(text).toContain('orchestrator_requests_total{outcome="completed",origin="client"} 2\n')
    expect(text).toContain('orchestrator_requests_total{outcome="completed",origin="redrive"} 1\n')
    await running.drain()
  })

  it('leaves alone what is of another pipeline', async () => {
    const { clock, store, start, put } = createWorld()
    const running = start(answer, {}, { name: 'other' })
    await put({ id: 'a' })
    await clock.advance(3_000)
    expect(running.redrives().claimed).toBe(0)
    expect(await store.get('first-a')).toMatchObject({ state: 'due', epoch: 0 })
    await running.drain()
  })

  it('refuses options by their name', () => {
    const { start, store } = createWorld()
    expect(() => start(answer, {}, { store: { put: store.put } as never })).toThrow(/deadLetters .*claim/)
    expect(() => start(answer, { leaseMs: 10 })).toThrow(/redrive: leaseMs .*1000/)
    expect(() => start(answer, { concurrency: 0 })).toThrow(/redrive: concurrency/)
    expect(() => start(answer, { budget: { ratio: 2 } })).toThrow(/redrive: budget.ratio/)
    expect(() => start(answer, { polMs: 2 } as never)).toThrow(/redrive: unknown option "polMs"/)
  })
})
