import { NEVER } from 'rxjs'
import { describe, expect, it } from 'vitest'
import {
  type DrainReport,
  type HandlerContext,
  pipeline,
  type PipelineEvent,
  StageCrash,
  type StageSupervisionOptions,
} from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { bookkeeper } from './bookkeeper.ts'

interface Ask {
  /** What happens to it, by the name of the stage; where nothing is said it passes on at once. */
  readonly [stage: string]: 'crash' | 'hang' | 'slow' | 'stream' | undefined
}

/** Three stages that each have a state of their own, and everything that they tell. */
function threeStages(supervision: StageSupervisionOptions = {}) {
  const clock = new VirtualClock()
  const { lines, logger } = bookkeeper()
  const log: string[] = []
  const runs: string[] = []
  let states = 0
  const work = (stage: string) => (ask: Ask, context: HandlerContext<Ask, number>) => {
    const deed = ask[stage]
    if (deed !== undefined) runs.push(`${stage} ${deed} ${context.attempt}`)
    if (deed === 'crash') throw new StageCrash('broken')
    if (deed === 'stream') return NEVER
    if (deed === undefined || context.attempt > 1) return ask
    return new Promise<Ask>((resolve) => {
      if (deed === 'slow') clock.setTimeout(() => resolve(ask), 50)
    })
  }
  const life = (stage: string) => ({
    capacity: 4,
    concurrency: 2,
    setup: () => {
      states += 1
      log.push(`setup ${stage}`)
      return states
    },
    teardown: (_: number, { reason }: { readonly reason: string }) => {
      log.push(`teardown ${stage} ${reason}`)
    },
  })
  const running = pipeline<Ask>('p')
    .stage('one', work('one'), life('one'))
    .stage('two', (ask, context) => work('two')(ask as Ask, context), life('two'))
    .stage('three', (ask, context) => work('three')(ask as Ask, context), life('three'))
    .start({ clock, logger, supervision: { backoff: () => 100, maxRestarts: 1, ...supervision } })
  const events: PipelineEvent[] = []
  running.events$.subscribe({ next: (event) => events.push(event), error: () => undefined })
  const told = (): readonly string[] => events.map(({ type, stage }) => `${type} ${stage}`)
  const states$ = (): readonly string[] => Object.values(running.stages).map(({ state }) => state)
  expect(log.splice(0)).toEqual(['setup three', 'setup two', 'setup one'])
  events.length = 0
  return { clock, lines, log, runs, running, events, told, states: states$ }
}

describe('rest-for-one', () => {
  it('stops what is downstream of a crash, and starts it all again from the sink; what is upstream goes on', async () => {
    const { clock, running, log, told, events, states, lines } = threeStages({ strategy: 'rest-for-one' })
    const upstream = running.submit({ one: 'hang' })
    const waits = running.submit({ two: 'slow' })
    const crash = running.submit({ two: 'crash' })
    expect(crash.settled).toMatchObject({ kind: 'failed', stage: 'two', error: { code: 'stage_crash' } })
    expect(log).toEqual(['teardown two crash', 'teardown three stop'])
    expect(states()).toEqual(['running', 'backing-off', 'backing-off'])
    expect(running.stages.two.queueDepth).toBe(1)
    await clock.advance(100)
    expect(log.slice(2)).toEqual(['setup three', 'setup two'])
    expect(states()).toEqual(['running', 'running', 'running'])
    expect(waits.settled).toMatchObject({ kind: 'completed' })
    expect(told()).toEqual(['crashed two', 'stopped three', 'restarted three', 'restarted two'])
    expect(events).toMatchObject([
      { decision: 'restart', restarts: 1, delayMs: 100, stopping: ['three'], starting: ['three', 'two'] },
      { how: 'stopped' },
      { by: 'two' },
      { by: 'two' },
    ])
    expect(Object.values(running.stages).map(({ restarts }) => restarts)).toEqual([0, 1, 1])
    expect(upstream.settled).toBeUndefined()
    expect(lines).toContainEqual({ level: 'info', message: 'stage stopped', stage: 'three', how: 'stopped' })
    expect(lines).toContainEqual({ level: 'info', message: 'stage restarted', stage: 'three', by: 'two', restarts: 1 })
  })

  it('lets finish what runs downstream, and begins the backoff when it has', async () => {
    const { clock, running, log, runs, states } = threeStages({ strategy: 'rest-for-one' })
    const slow = running.submit({ three: 'slow' })
    await clock.advance(10)
    running.submit({ two: 'crash' })
    const next = running.submit({})
    expect(states()).toEqual(['running', 'backing-off', 'stopping'])
    await clock.advance(40)
    expect(slow.settled).toMatchObject({ kind: 'completed' })
    expect(runs).toEqual(['three slow 1', 'two crash 1'])
    expect(log).toEqual(['teardown two crash', 'teardown three stop'])
    await clock.advance(99)
    expect(next.settled).toBeUndefined()
    await clock.advance(1)
    expect(next.settled).toMatchObject({ kind: 'completed' })
  })

  it('puts back what has not returned within shutdownTimeoutMs, once', async () => {
    const { clock, running, runs, events } = threeStages({
      strategy: 'rest-for-one',
      shutdownTimeoutMs: 30,
      maxRestarts: 5,
    })
    const hangs = running.submit({ three: 'hang' })
    running.submit({ two: 'crash' })
    await clock.advance(30)
    expect(running.stages.three).toMatchObject({ state: 'backing-off', queueDepth: 1, running: 0 })
    expect(events.at(-1)).toEqual({ type: 'stopped', stage: 'three', how: 'forced' })
    await clock.advance(100)
    expect(hangs.settled).toMatchObject({ kind: 'completed' })
    expect(runs).toEqual(['three hang 1', 'two crash 1', 'three hang 2'])
    expect(running.ledger()).toMatchObject({ submitted: 2, completed: 1, failed: 1, inFlight: 0 })
  })

  it('fails requests whose stream passes through a stage that was stopped', async () => {
    const { clock, running } = threeStages({ strategy: 'rest-for-one', shutdownTimeoutMs: 30 })
    const streams = [running.submit({ one: 'stream' }), running.submit({ three: 'stream' })]
    const errors: unknown[] = []
    for (const { output$ } of streams) output$.subscribe({ error: (error: unknown) => errors.push(error) })
    running.submit({ two: 'crash' })
    expect(streams[0]!.settled).toMatchObject({ kind: 'failed', stage: 'two' })
    expect(streams[1]!.settled).toBeUndefined()
    await clock.advance(30)
    expect(streams[1]!.settled).toMatchObject({ kind: 'failed', stage: 'three', error: { code: 'stage_stopped' } })
    expect(errors).toHaveLength(2)
    expect(running.stages.three.running).toBe(0)
  })
})

describe('one-for-all', () => {
  it('stops the others from the source on, and starts all from the sink', async () => {
    const { clock, running, log, told, states } = threeStages({ strategy: 'one-for-all' })
    running.submit({ two: 'crash' })
    expect(log).toEqual(['teardown two crash', 'teardown one stop', 'teardown three stop'])
    expect(states()).toEqual(['backing-off', 'backing-off', 'backing-off'])
    const reply = running.submit({})
    await clock.advance(100)
    expect(log.slice(3)).toEqual(['setup three', 'setup two', 'setup one'])
    expect(reply.settled).toMatchObject({ kind: 'completed' })
    expect(told().slice(3)).toEqual(['restarted three', 'restarted two', 'restarted one'])
  })

  it('counts a group once, and gives all up beyond the intensity', async () => {
    const { clock, running, states, told } = threeStages({ strategy: 'one-for-all' })
    running.submit({ two: 'crash' })
    await clock.advance(100)
    const waits = running.submit({ one: 'hang' })
    running.submit({ three: 'crash' })
    expect(running.state).toBe('failed')
    expect(states()).toEqual(['stopped', 'stopped', 'failed'])
    expect(waits.settled).toMatchObject({ kind: 'failed', stage: 'three', error: { code: 'stage_failed' } })
    expect(told().slice(-4)).toEqual(['crashed three', 'escalated three', 'stopped one', 'stopped two'])
  })

  it('is waited for by a drain, which then drains what was started again', async () => {
    const { clock, running, log } = threeStages({ strategy: 'one-for-all' })
    const reports: DrainReport[] = []
    running.submit({ two: 'crash' })
    const reply = running.submit({})
    void running.drain({ timeoutMs: 1000 }).then((report) => reports.push(report))
    await clock.advance(100)
    expect(reply.settled).toMatchObject({ kind: 'completed' })
    expect(reports).toMatchObject([{ inFlight: 1, completed: 1, timedOut: 0, durationMs: 100 }])
    expect(log.slice(6)).toEqual(['teardown one drain', 'teardown two drain', 'teardown three drain'])
    expect(clock.pending).toBe(0)
  })

  it('starts those again, too, that were drained before a later one crashed, and tears all down', async () => {
    const { clock, running, log, told } = threeStages({ strategy: 'one-for-all' })
    const reply = running.submit({ three: 'slow' })
    running.submit({ three: 'slow' })
    const crash = running.submit({ three: 'crash' })
    const drained = running.drain({ timeoutMs: 1000 })
    await clock.advance(50)
    expect(reply.settled).toMatchObject({ kind: 'completed' })
    expect(crash.settled).toMatchObject({ kind: 'failed', stage: 'three' })
    await clock.advance(100)
    expect(await drained).toMatchObject({ completed: 2, failed: 1, timedOut: 0 })
    expect(told().filter((line) => line.startsWith('drained'))).toEqual(['drained one', 'drained two', 'drained three'])
    expect(log).toEqual([
      ...['teardown one drain', 'teardown two drain', 'teardown three crash'],
      ...['setup three', 'teardown three drain', 'setup two', 'setup one', 'teardown two stop', 'teardown one stop'],
    ])
    expect(running.state).toBe('stopped')
    expect(clock.pending).toBe(0)
  })
})

describe('a stage without a teardown', () => {
  it('that is stopped with its group is waited for, too, and puts back what does not return', async () => {
    const clock = new VirtualClock()
    const running = pipeline<string>('p')
      .stage(
        'one',
        (text) => {
          if (text === 'crash') throw new StageCrash('broken')
          return text
        },
        { capacity: 4 },
      )
      .stage(
        'two',
        (text, { attempt }) => {
          if (text === 'stream') return NEVER
          return attempt === 1 ? new Promise<string>(() => undefined) : `${text} again`
        },
        { capacity: 4, concurrency: 2 },
      )
      .start({ clock, supervision: { strategy: 'rest-for-one', shutdownTimeoutMs: 50, backoff: () => 10 } })
    const [hangs, stream] = [running.submit('a'), running.submit('stream')]
    running.submit('crash')
    await clock.advance(49)
    expect(running.stages.two).toMatchObject({ state: 'stopping', running: 2 })
    await clock.advance(1)
    expect(running.stages.two).toMatchObject({ state: 'backing-off', running: 0, queueDepth: 1 })
    expect(stream.settled).toMatchObject({ kind: 'failed', stage: 'two', error: { code: 'stage_stopped' } })
    await clock.advance(10)
    expect(hangs.settled).toMatchObject({ kind: 'completed', value: 'a again' })
  })

  it('does not wait for what nobody wants any more', async () => {
    const clock = new VirtualClock()
    const running = pipeline<string>('p')
      .stage('one', (text) => (text === 'crash' ? Promise.reject(new StageCrash('broken')) : text), { capacity: 4 })
      .stage('two', () => new Promise<string>(() => undefined), { capacity: 4 })
      .start({ clock, supervision: { strategy: 'rest-for-one', backoff: () => 10 } })
    const cancelled = running.submit('a')
    running.submit('crash')
    await clock.settle()
    expect(running.stages.two.state).toBe('stopping')
    cancelled.cancel()
    await clock.advance(10)
    expect(running.stages.two).toMatchObject({ state: 'running', running: 0 })
  })
})

describe('the options', () => {
  it.each<[object, string]>([
    [{ strategy: 'all' }, 'strategy must be one of "one-for-one", "rest-for-one", "one-for-all", got "all"'],
    [{ shutdownTimeoutMs: -1 }, 'shutdownTimeoutMs must be a number from 0 to Infinity, got -1'],
    [{ healthyAfterMs: -1 }, 'healthyAfterMs must be a number from 0'],
    [{ startFrom: 'first' }, 'supervision: unknown option "startFrom"'],
  ])('%j: %s', (supervision, message) => {
    expect(() => threeStages(supervision)).toThrow(message)
  })
})
