import { describe, expect, it } from 'vitest'
import { pipeline, StageCrash } from '../../../src/index.ts'
import { insideOf } from '../../../src/pipeline/inside-of.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { gatedHandler } from './gated-handler.ts'

interface Request {
  readonly id: string
  readonly deadlineMs?: number
}

function oneSlot() {
  const clock = new VirtualClock()
  const gate = gatedHandler<Request, string>()
  const running = pipeline<Request>('p').stage('one', gate.handler, { capacity: 1 }).start({ clock, abortGraceMs: 200 })
  return { clock, running, runs: gate.runs }
}

describe('a request that waits', () => {
  it('frees its place at once when it is cancelled', () => {
    const { running, runs } = oneSlot()
    running.submit({ id: 'a' })
    const waiting = running.submit({ id: 'b' })
    expect(running.submit({ id: 'c' }).settled).toMatchObject({ kind: 'shed' })
    waiting.cancel()
    expect(running.stages.one.queueDepth).toBe(0)
    expect(running.submit({ id: 'd' }).settled).toBeUndefined()
    expect(runs.map(({ input }) => input.id)).toEqual(['a'])
  })

  it('frees its place when its deadline has passed, and is never started', async () => {
    const { clock, running, runs } = oneSlot()
    running.submit({ id: 'a' })
    const waiting = running.submit({ id: 'b', deadlineMs: 100 })
    await clock.advance(100)
    expect(waiting.settled).toMatchObject({ kind: 'expired', stage: 'one', timings: { durationMs: 100 } })
    expect(running.stages.one.queueDepth).toBe(0)
    runs[0]!.resolve('A')
    await clock.settle()
    expect(runs).toHaveLength(1)
  })
})

describe('a request that runs', () => {
  it('is aborted by its deadline and keeps its slot until the handler returns', async () => {
    const { clock, running, runs } = oneSlot()
    const reply = running.submit({ id: 'a', deadlineMs: 100 })
    running.submit({ id: 'b' })
    await clock.advance(100)
    expect(reply.settled).toMatchObject({ kind: 'expired', stage: 'one' })
    expect(runs[0]!.context.signal.aborted).toBe(true)
    expect(running.stages.one).toMatchObject({ running: 1, queueDepth: 1 })
    await clock.advance(199)
    expect(runs).toHaveLength(1)
    runs[0]!.reject(new Error('aborted'))
    await clock.advance(1000)
    expect(runs).toHaveLength(2)
    expect(running.stages.one.abandoned).toBe(0)
    expect(running.ledger()).toMatchObject({ expired: 1, failed: 0 })
  })

  it('loses its slot after abortGraceMs when its handler does not heed the signal, and its result is ignored', async () => {
    const { clock, running, runs } = oneSlot()
    const reply = running.submit({ id: 'a' })
    running.submit({ id: 'b' })
    reply.cancel()
    await clock.advance(199)
    expect(runs).toHaveLength(1)
    await clock.advance(1)
    expect(runs).toHaveLength(2)
    expect(running.stages.one).toMatchObject({ running: 1, queueDepth: 0, abandoned: 1 })
    runs[0]!.resolve('late')
    await clock.settle()
    expect(running.stages.one).toMatchObject({ running: 1, processed: 0 })
    expect(running.ledger()).toMatchObject({ cancelled: 1, completed: 0, inFlight: 1 })
  })

  it('can look at its signal when all is over', async () => {
    const { clock, running, runs } = oneSlot()
    running.submit({ id: 'a' }).cancel('not wanted')
    await clock.advance(1000)
    expect(runs[0]!.context.signal.aborted).toBe(true)
    expect(runs[0]!.context.signal.reason).toBe('not wanted')
  })

  it('leaves no timer behind when a crash of its stage ends it', async () => {
    const clock = new VirtualClock()
    const gate = gatedHandler<Request, string>()
    const running = pipeline<Request>('p')
      .stage('two', gate.handler, { capacity: 1, concurrency: 2 })
      .start({ clock, abortGraceMs: 5_000, supervision: { backoff: () => 10 } })
    const called = running.submit({ id: 'a' })
    running.submit({ id: 'b' })
    called.cancel()
    expect(insideOf(running).wheel.size).toBe(1)
    gate.runs[1]!.reject(new StageCrash('broken'))
    await clock.advance(10)
    expect(running.stages.two).toMatchObject({ state: 'running', restarts: 1, running: 0 })
    expect(insideOf(running).wheel.size).toBe(0)
  })
})
