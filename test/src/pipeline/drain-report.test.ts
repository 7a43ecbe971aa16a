import { NEVER, of } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { type DrainReport, pipeline, StageCrash } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { gatedHandler } from './gated-handler.ts'

interface Ask {
  readonly id: string
  readonly deadlineMs?: number
}

describe('the report of a drain', () => {
  it('says how each that was in flight ended; what came later is refused, and counted apart', async () => {
    const clock = new VirtualClock()
    const [first, second] = [gatedHandler<Ask>(), gatedHandler<Ask>()]
    const running = pipeline<Ask>('p')
      .stage('first', first.handler, { capacity: 0, concurrency: 5 })
      .stage('second', second.handler, { capacity: 0 })
      .start({ clock, admission: 'stage' })
    const asks: readonly Ask[] = [{ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 'd', deadlineMs: 50 }, { id: 'e' }]
    const replies = asks.map((ask) => running.submit(ask))
    expect(running.submit({ id: 'before' }).settled).toMatchObject({ kind: 'shed' })
    const reports: DrainReport[] = []
    void running.drain({ timeoutMs: 10_000 }).then((report) => reports.push(report))
    running.submit({ id: 'late' })
    running.submit({ id: 'later' })
    first.runs[2]!.reject(new Error('no'))
    replies[4]!.cancel()
    await clock.advance(60)
    for (const run of first.runs) run.resolve(run.input)
    await clock.settle()
    expect(running.submit({ id: 'latest' }).settled).toMatchObject({ kind: 'shed', reason: 'draining' })
    second.runs[0]!.resolve({ id: 'done' })
    await clock.settle()
    expect(replies.map(({ settled }) => settled?.kind)).toEqual(['completed', 'shed', 'failed', 'expired', 'cancelled'])
    expect(reports).toEqual([
      {
        inFlight: 5,
        completed: 1,
        shed: 1,
        failed: 1,
        expired: 1,
        cancelled: 1,
        refused: 3,
        timedOut: 0,
        durationMs: 60,
      },
    ])
    expect(running.ledger()).toMatchObject({ submitted: 9, shed: 5, inFlight: 0 })
  })

  it('balances when nothing was in flight and much is refused', async () => {
    const clock = new VirtualClock()
    const running = pipeline<string>('p')
      .stage('one', (text) => text, { capacity: 1 })
      .start({ clock })
    const drained = running.drain()
    for (let late = 0; late < 10; late++) running.submit('late')
    const nothing = { inFlight: 0, completed: 0, shed: 0, failed: 0, expired: 0, cancelled: 0, timedOut: 0 }
    expect(await drained).toMatchObject(nothing)
  })
})

describe('after a drain', () => {
  it('no timer is left where all came to their end', async () => {
    const clock = new VirtualClock()
    const gate = gatedHandler<Ask>()
    const running = pipeline<Ask>('p')
      .stage('one', gate.handler, { capacity: 4, timeoutMs: 1000 })
      .stage('two', ({ id }) => of(id), { capacity: 4, timeoutMs: 1000 })
      .start({ clock })
    const reply = running.submit({ id: 'a', deadlineMs: 10_000 })
    reply.output$.subscribe({ error: () => undefined })
    running.submit({ id: 'b', deadlineMs: 10_000 }).cancel()
    const drained = running.drain()
    gate.runs[0]!.resolve({ id: 'a' })
    await clock.settle()
    expect(await drained).toMatchObject({ completed: 1, timedOut: 0 })
    expect(clock.pending).toBe(0)
  })

  it('no timer is left where time was up: of a handler called off, a stream unread, a deadline', async () => {
    const clock = new VirtualClock()
    const running = pipeline<Ask>('p')
      .stage('one', ({ id }) => (id === 'stuck' ? new Promise<never>(() => undefined) : NEVER), {
        capacity: 4,
        concurrency: 2,
        timeoutMs: 60_000,
      })
      .start({ clock })
    for (const id of ['stuck', 'stream', 'waits']) running.submit({ id, deadlineMs: 60_000 })
    const drained = running.drain({ timeoutMs: 100 })
    await clock.advance(100)
    expect(await drained).toMatchObject({ inFlight: 3, failed: 3, timedOut: 3 })
    expect(clock.pending).toBe(0)
  })

  it.each([
    ['backs off', 5, 'backing-off', 'stopped'],
    ['has been given up', 0, 'failed', 'failed'],
  ])('no timer is left where a stage %s', async (_, maxRestarts, stageState, state) => {
    const clock = new VirtualClock()
    const running = pipeline<Ask>('p')
      .stage(
        'one',
        ({ id }) => {
          if (id === 'crash') throw new StageCrash('broken')
          return new Promise<string>(() => undefined)
        },
        { capacity: 4, concurrency: 3 },
      )
      .start({ clock, supervision: { maxRestarts, backoff: () => 5000 } })
    running.submit({ id: 'a', deadlineMs: 60_000 })
    running.submit({ id: 'b' }).cancel()
    running.submit({ id: 'crash' })
    expect(running.stages.one.state).toBe(stageState)
    const drained = running.drain({ timeoutMs: 100 })
    await clock.advance(100)
    await drained
    expect(running.state).toBe(state)
    expect(running.ledger()).toMatchObject({ submitted: 3, inFlight: 0 })
    expect(clock.pending).toBe(0)
  })
})
