import { config, NEVER } from 'rxjs'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { type DrainReport, pipeline, StageCrash } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { gatedHandler } from './gated-handler.ts'

/** Two stages: in the first a request waits for the test, the second crashes on "crash". */
function crashable(supervision: object) {
  const clock = new VirtualClock()
  const gate = gatedHandler<string>()
  const running = pipeline<string>('p')
    .stage('first', gate.handler, { capacity: 4, concurrency: 4 })
    .stage(
      'second',
      (text) => {
        if (text === 'crash') throw new StageCrash('broken')
        return new Promise<string>(() => undefined)
      },
      { capacity: 4, concurrency: 2 },
    )
    .start({ clock, supervision })
  running.events$.subscribe({ error: () => undefined })
  return { clock, running, runs: gate.runs }
}

const uncaught: unknown[] = []
const onUncaught = (error: unknown): void => {
  uncaught.push(error)
}

beforeEach(() => {
  uncaught.length = 0
  config.onUnhandledError = onUncaught
  process.on('uncaughtException', onUncaught)
  process.on('unhandledRejection', onUncaught)
})

afterEach(() => {
  config.onUnhandledError = null
  process.off('uncaughtException', onUncaught)
  process.off('unhandledRejection', onUncaught)
})

/** Errors that nobody caught are thrown by a timer of the host: one that is set afterwards comes later. */
async function hostTimers(): Promise<void> {
  await new Promise((resolve) => {
    setTimeout(resolve)
  })
}

describe('a backoff that throws', () => {
  it('fails the pipeline: what is in flight fails, what comes is shed, and nothing is left uncaught', async () => {
    const error = new Error('no delay')
    const { clock, running, runs } = crashable({
      backoff: () => {
        throw error
      },
    })
    const replies = ['crash', 'a', 'b'].map((text) => running.submit(text))
    runs[1]!.resolve('a')
    await clock.settle()
    runs[0]!.resolve('crash')
    await clock.settle()
    await hostTimers()
    expect(running.state).toBe('failed')
    expect(replies.map(({ settled }) => settled?.kind)).toEqual(['failed', 'failed', 'failed'])
    expect(running.submit('late').settled).toMatchObject({ kind: 'shed', reason: 'stage-down' })
    expect(running.ledger()).toMatchObject({ submitted: 4, failed: 3, shed: 1, inFlight: 0 })
    expect(await running.drain()).toMatchObject({ inFlight: 0 })
    expect(uncaught).toEqual([])
  })
})

describe('an escalation', () => {
  it('is told to those who come late, also where a stage gave up as it was started', async () => {
    const clock = new VirtualClock()
    const running = pipeline<string>('p')
      .stage('first', (text) => text, {
        capacity: 1,
        setup: () => {
          throw new Error('no port')
        },
      })
      .stage('second', (text) => text, { capacity: 1 })
      .start({ clock, supervision: { maxRestarts: 0 } })
    await clock.settle()
    const told: string[] = []
    running.events$.subscribe({ next: ({ type, stage }) => told.push(`${type} ${stage}`), error: () => undefined })
    expect(told).toEqual(['started second', 'escalated first', 'stopped second'])
  })
})

describe('an escalation during a drain', () => {
  it('has nobody asked to stop who has ended by then', async () => {
    const warn = vi.spyOn(console, 'warn').mockReturnValue()
    const clock = new VirtualClock()
    const crash = Promise.withResolvers<string>()
    const running = pipeline<string>('p')
      .stage('first', (text) => (text === 'stream' ? NEVER : text), { capacity: 4, concurrency: 4 })
      .stage('second', (part) => (typeof part === 'string' ? crash.promise : part), { capacity: 4, concurrency: 2 })
      .start({ clock, supervision: { maxRestarts: 0 } })
    running.events$.subscribe({ error: () => undefined })
    const replies = ['stream', 'a'].map((text) => running.submit(text))
    replies[0]!.output$.subscribe({ error: () => undefined })
    const drained = running.drain()
    crash.reject(new StageCrash('broken'))
    await clock.settle()
    expect(replies.map(({ settled }) => settled?.kind)).toEqual(['failed', 'failed'])
    expect(await drained).toMatchObject({ failed: 2, timedOut: 0 })
    expect(warn.mock.calls).toEqual([])
    warn.mockRestore()
  })

  it('ends the drain at once, with a report that balances', async () => {
    const { clock, running, runs } = crashable({ maxRestarts: 0 })
    const replies = ['a', 'b', 'crash'].map((text) => running.submit(text))
    runs[0]!.resolve('a')
    await clock.settle()
    const reports: DrainReport[] = []
    void running.drain({ timeoutMs: 30_000 }).then((report) => reports.push(report))
    await clock.advance(70)
    runs[2]!.resolve('crash')
    await clock.settle()
    expect(reports).toHaveLength(1)
    expect(reports[0]).toMatchObject({ inFlight: 3, completed: 0, shed: 0, failed: 3, expired: 0, cancelled: 0 })
    expect(reports[0]).toMatchObject({ timedOut: 0, durationMs: 70 })
    expect(running.state).toBe('failed')
    expect(replies.map(({ settled }) => settled?.kind)).toEqual(['failed', 'failed', 'failed'])
    expect(running.ledger()).toMatchObject({ submitted: 3, failed: 3, inFlight: 0 })
    await hostTimers()
    expect(uncaught).toEqual([])
  })

  it('ends the drain also where the crash itself ended all that was in flight', async () => {
    const { clock, running, runs } = crashable({ maxRestarts: 0 })
    running.submit('crash')
    const reports: DrainReport[] = []
    void running.drain({ timeoutMs: 30_000 }).then((report) => reports.push(report))
    runs[0]!.reject(new StageCrash('broken'))
    await clock.settle()
    expect(reports).toMatchObject([{ inFlight: 1, failed: 1, refused: 0, timedOut: 0, durationMs: 0 }])
    expect(running.state).toBe('failed')
  })
})
