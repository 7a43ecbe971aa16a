import { Registry } from 'prom-client'
import { NEVER } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  type DrainReport,
  type LifeOptions,
  pipeline,
  type PipelineEvent,
  StageCrash,
  type StageSetupContext,
} from '../../../src/index.ts'
import type { Clock } from '../../../operators/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { bookkeeper } from './bookkeeper.ts'

const supervision = { backoff: () => 100, maxRestarts: 2, withinMs: 10_000 }

/** One stage of one slot and a capacity of 2 that answers with its state, hangs on "hang" and crashes on "crash". */
function staged(life: LifeOptions<string, StageSetupContext>, options: object = {}) {
  const clock = new VirtualClock()
  const { lines, logger } = bookkeeper()
  const registry = new Registry()
  const running = pipeline<string>('p')
    .stage(
      'one',
      (text, { state }) => {
        if (text === 'crash') throw new StageCrash('broken')
        if (text === 'hang') return new Promise<string>(() => undefined)
        return `${text} ${state}`
      },
      { capacity: 2, ...life },
    )
    .start({ clock, supervision, logger, registry, ...options })
  const events: PipelineEvent[] = []
  running.events$.subscribe({ next: (event) => events.push(event), error: () => undefined })
  const reports: DrainReport[] = []
  const drain = (timeoutMs = 1000): void => {
    void running.drain({ timeoutMs }).then((report) => reports.push(report))
  }
  const types = (): readonly string[] => events.map(({ type }) => type)
  return { clock, lines, registry, running, events, types, reports, drain }
}

/** A setup that takes 50 ms. */
function slow(clock: Clock): Promise<string> {
  return new Promise((resolve) => {
    clock.setTimeout(() => {
      resolve('ready')
    }, 50)
  })
}

describe('a stage that is starting', () => {
  it.each([
    ['door', 3],
    ['stage', 2],
  ])('with admission at the %s lets in %i and sheds the rest as stage-down', async (admission, places) => {
    const world = staged({ setup: ({ clock }) => slow(clock) }, { admission })
    const { clock, running } = world
    expect(world.types()).toEqual([])
    expect(running.stages.one).toMatchObject({ state: 'starting', restarts: 0 })
    const replies = ['a', 'b', 'c', 'd'].map((text) => running.submit(text))
    expect(replies.map(({ settled }) => settled?.kind)).toEqual(
      replies.map((_, index) => (index < places ? undefined : 'shed')),
    )
    expect(replies.at(-1)!.settled).toMatchObject({ stage: 'one', reason: 'stage-down' })
    await clock.advance(49)
    expect(running.stages.one).toMatchObject({ state: 'starting', running: 0, queueDepth: places })
    await clock.advance(1)
    expect(running.stages.one.state).toBe('running')
    expect(replies.slice(0, places).map(({ settled }) => settled)).toMatchObject(
      ['a', 'b', 'c'].slice(0, places).map((text) => ({ kind: 'completed', value: `${text} ready` })),
    )
    expect(world.types()).toEqual(['started'])
    expect(world.lines).toContainEqual({ level: 'info', message: 'stage started', stage: 'one' })
  })

  it('tells its setup the epoch, the clock and a logger that names the stage', async () => {
    const epochs: number[] = []
    const { clock, running, lines } = staged({
      setup: ({ epoch, logger }) => {
        epochs.push(epoch)
        logger.info({ epoch }, 'connecting')
        return 'ready'
      },
    })
    running.submit('crash')
    await clock.advance(100)
    expect(epochs).toEqual([1, 2])
    expect(lines).toContainEqual({ level: 'info', message: 'connecting', stage: 'one', epoch: 2 })
  })

  it('is started again when its setup fails, and goes on with what waits', async () => {
    let attempts = 0
    const { clock, running, types, lines, registry } = staged({
      setup: () => {
        attempts += 1
        if (attempts < 3) throw new Error('no connection')
        return 'ready'
      },
    })
    const reply = running.submit('a')
    expect(running.stages.one).toMatchObject({ state: 'backing-off', queueDepth: 1 })
    await clock.advance(200)
    expect(reply.settled).toMatchObject({ kind: 'completed', value: 'a ready' })
    expect(running.stages.one).toMatchObject({ state: 'running', restarts: 2 })
    expect(types()).toEqual(['crashed', 'started'])
    expect(lines).toContainEqual({
      level: 'error',
      message: 'stage crashed',
      stage: 'one',
      code: 'stage_setup',
      error: 'setup failed: no connection',
      decision: 'restart',
      restarts: 1,
      delayMs: 100,
      stopping: [],
      starting: ['one'],
    })
    expect(await registry.metrics()).toContain('orchestrator_stage_restarts_total{stage="one"} 2')
  })

  it('is given up when its setup fails too often: what waits fails, and what comes is shed at the door', async () => {
    const { clock, running } = staged({
      setup: () => Promise.reject(new Error('no connection')),
    })
    const reply = running.submit('a')
    await clock.advance(1000)
    expect(running.state).toBe('failed')
    expect(reply.settled).toMatchObject({ kind: 'failed', stage: 'one', error: { code: 'stage_failed' } })
    expect(running.submit('b').settled).toMatchObject({ kind: 'shed', reason: 'stage-down' })
    expect(running.ledger()).toMatchObject({ submitted: 2, failed: 1, shed: 1, inFlight: 0 })
    expect(clock.pending).toBe(1)
    await running.drain()
    expect(clock.pending).toBe(0)
  })

  it('is waited for by a drain', async () => {
    const { clock, running, reports, drain } = staged({ setup: ({ clock: own }) => slow(own) })
    const reply = running.submit('a')
    drain()
    await clock.advance(50)
    expect(reply.settled).toMatchObject({ kind: 'completed' })
    expect(reports).toMatchObject([{ completed: 1, timedOut: 0, durationMs: 50 }])
    expect(clock.pending).toBe(0)
  })

  it('is not waited for longer than the drain may take', async () => {
    const { clock, running, reports, drain } = staged({
      setup: () => new Promise(() => undefined),
      setupTimeoutMs: 60_000,
    })
    const reply = running.submit('a')
    drain(100)
    await clock.advance(100)
    expect(reply.settled).toMatchObject({ kind: 'failed', error: { code: 'drain_timeout' } })
    expect(reports).toMatchObject([{ failed: 1, timedOut: 1, durationMs: 100 }])
    expect(clock.pending).toBe(0)
  })
})

describe('the teardown of a stage', () => {
  const reasons: string[] = []
  const setup = () => 'ready'
  const teardown = (_: string, { reason }: { readonly reason: string }) => {
    reasons.push(reason)
  }
  const hangs = () => new Promise<void>(() => undefined)

  it('says why: after a crash before the next setup, and after a drain before that is over', async () => {
    reasons.length = 0
    const { clock, running, drain } = staged({ setup, teardown })
    running.submit('crash')
    expect(reasons).toEqual(['crash'])
    await clock.advance(100)
    drain()
    expect(reasons).toEqual(['crash', 'drain'])
    await clock.settle()
    expect(running.state).toBe('stopped')
  })

  it('runs at a hard stop, and the drain waits for it', async () => {
    reasons.length = 0
    const { clock, running, reports, drain } = staged({
      setup,
      teardown: (state, context) => {
        teardown(state, context)
        return slow(clock).then(() => undefined)
      },
    })
    running.submit('hang')
    drain(100)
    await clock.advance(149)
    expect([reasons, reports, running.state]).toEqual([['stop'], [], 'draining'])
    await clock.advance(1)
    expect(reports).toMatchObject([{ failed: 1, timedOut: 1, durationMs: 150 }])
    expect([running.state, clock.pending]).toEqual(['stopped', 0])
  })

  it('that hangs does not hold the drain: it is logged, told and counted', async () => {
    const world = staged({ setup, teardown: hangs, teardownTimeoutMs: 200 })
    const { clock, running, reports } = world
    world.drain()
    await clock.advance(100)
    expect(running.stages.one.state).toBe('stopping')
    await clock.advance(100)
    expect(reports).toMatchObject([{ timedOut: 0, durationMs: 200 }])
    expect(running.stages.one).toMatchObject({ state: 'stopped', failedTeardowns: 1 })
    expect(world.types()).toEqual(['started', 'teardown-failed', 'drained'])
    expect(world.lines).toContainEqual({
      level: 'error',
      message: 'stage could not be torn down',
      stage: 'one',
      reason: 'drain',
      error: 'teardown was not done within its teardownTimeoutMs of 200 ms',
    })
    expect(await world.registry.metrics()).toContain('orchestrator_stage_teardowns_failed_total{stage="one"} 1')
    expect(clock.pending).toBe(0)
  })

  it('that hangs after a crash only puts the next setup off', async () => {
    const { clock, running } = staged({ setup, teardown: hangs, teardownTimeoutMs: 300 })
    running.submit('crash')
    const reply = running.submit('a')
    await clock.advance(299)
    expect(running.stages.one.state).toBe('starting')
    await clock.advance(1)
    expect(running.stages.one).toMatchObject({ state: 'running', failedTeardowns: 1, restarts: 1 })
    expect(reply.settled).toMatchObject({ kind: 'completed' })
  })

  it('runs for every stage when one is given up', async () => {
    const clock = new VirtualClock()
    const log: string[] = []
    const life = (name: string) => ({
      capacity: 1,
      setup: () => name,
      teardown: (state: string, { reason }: { readonly reason: string }) => {
        log.push(`${state} ${reason}`)
      },
    })
    const running = pipeline<string>('p')
      .stage('one', (text) => text, life('one'))
      .stage(
        'two',
        () => {
          throw new StageCrash('broken')
        },
        life('two'),
      )
      .start({ clock, supervision: { maxRestarts: 0 } })
    running.events$.subscribe({ error: () => undefined })
    running.submit('a')
    expect(running.state).toBe('failed')
    await running.drain()
    expect(log.toSorted()).toEqual(['one stop', 'two crash'])
    expect(clock.pending).toBe(0)
  })
})

describe('the health of a stage', () => {
  it('that fails for good crashes it: streams fail, what ran goes back once, and it starts again', async () => {
    const clock = new VirtualClock()
    const { lines, logger } = bookkeeper()
    let healthy = true
    const running = pipeline<string>('p')
      .stage('one', (text) => (text === 'stream' ? NEVER : new Promise<string>(() => undefined)), {
        capacity: 2,
        concurrency: 2,
        health: { check: () => healthy, everyMs: 10, failures: 3 },
      })
      .start({ clock, supervision, logger })
    const events: PipelineEvent[] = []
    running.events$.subscribe({ next: (event) => events.push(event), error: () => undefined })
    const [stream, value] = [running.submit('stream'), running.submit('value')]
    const errors: unknown[] = []
    stream.output$.subscribe({ error: (error: unknown) => errors.push(error) })
    healthy = false
    await clock.advance(30)
    expect(running.stages.one).toMatchObject({ state: 'backing-off', queueDepth: 1, running: 0, failedChecks: 3 })
    expect(stream.settled).toMatchObject({ kind: 'failed', stage: 'one', error: { code: 'stage_unhealthy' } })
    expect(errors).toMatchObject([{ code: 'stage_failed', stage: 'one' }])
    expect(value.settled).toBeUndefined()
    healthy = true
    await clock.advance(500)
    expect(running.stages.one).toMatchObject({ state: 'running', running: 1, restarts: 1, failedChecks: 3 })
    expect(events.map(({ type }) => type)).toEqual([
      'started',
      'unhealthy',
      'unhealthy',
      'unhealthy',
      'crashed',
      'restarted',
    ])
    expect(lines.filter(({ message }) => message === 'stage is unhealthy')).toMatchObject([
      { level: 'warn', stage: 'one', failures: 1, error: 'the check answered false' },
      { failures: 2 },
      { failures: 3 },
    ])
    const drained = running.drain({ timeoutMs: 100 })
    await clock.advance(100)
    expect(await drained).toMatchObject({ inFlight: 1, failed: 1 })
    expect(clock.pending).toBe(0)
  })
})

describe('onCrash', () => {
  it("'fail' fails what was running, and keeps what waits", async () => {
    const { clock, running } = staged({ onCrash: 'fail', health: { check: () => false, everyMs: 10, failures: 1 } })
    const [running1, waiting] = [running.submit('hang'), running.submit('a')]
    await clock.advance(10)
    expect(running1.settled).toMatchObject({ kind: 'failed', error: { code: 'stage_unhealthy' } })
    expect(waiting.settled).toBeUndefined()
    expect(running.stages.one.queueDepth).toBe(1)
  })
})

describe('the options of a life', () => {
  it.each([
    [{ setup: 1 }, 'stage "one": setup must be a function, got 1'],
    [{ health: { check: () => true, failures: 0 } }, 'stage "one": health.failures must be a whole number from 1'],
    [{ onCrash: 'again' }, 'stage "one": onCrash must be one of'],
    [{ teardownTimeoutMs: 0 }, 'stage "one": teardownTimeoutMs must be a number from 1'],
  ])('%j', (life, message) => {
    expect(() => pipeline<string>('p').stage('one', (text) => text, { capacity: 1, ...(life as object) })).toThrow(
      message,
    )
  })
})
