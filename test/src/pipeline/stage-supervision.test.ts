import { NEVER, type Observable, Subject, concatWith, of, map } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { type HandlerContext, pipeline, type PipelineEvent, StageCrash } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { gatedHandler } from './gated-handler.ts'

const supervision = { backoff: () => 100, maxRestarts: 2, withinMs: 10_000 }

/** One stage of two slots whose handler crashes it on "crash" and otherwise waits for the test. */
function crashable(options: object = {}) {
  const clock = new VirtualClock()
  const gate = gatedHandler<string>()
  const running = pipeline<string>('p')
    .stage(
      'one',
      (text, context) => {
        if (text === 'crash') throw new StageCrash('broken')
        return gate.handler(text, context)
      },
      { capacity: 3, concurrency: 2 },
    )
    .start({ clock, supervision, ...options })
  const events: PipelineEvent[] = []
  running.events$.subscribe({ next: (event) => events.push(event), error: () => undefined })
  return { clock, running, runs: gate.runs, events }
}

describe('a crash', () => {
  it('fails its request, puts the others back once and in order, and lets what waits wait', async () => {
    const { clock, running, runs, events } = crashable()
    const [a, crash] = [running.submit('a'), running.submit('crash')]
    const b = running.submit('b')
    expect(crash.settled).toMatchObject({ kind: 'failed', stage: 'one', error: { code: 'stage_crash' } })
    expect(running.stages.one).toMatchObject({ state: 'backing-off', queueDepth: 2, running: 0 })
    expect(runs[0]!.context.signal.aborted).toBe(true)
    runs[0]!.resolve('late')
    await clock.advance(99)
    expect([a.settled, b.settled]).toEqual([undefined, undefined])
    await clock.advance(1)
    expect(running.stages.one).toMatchObject({ state: 'running', running: 2, restarts: 1 })
    expect(runs.slice(1).map(({ input, context }) => [input, context.attempt])).toEqual([
      ['a', 2],
      ['b', 1],
    ])
    for (const run of runs) run.resolve('done')
    await clock.settle()
    expect([a.settled, b.settled]).toMatchObject([{ value: 'done' }, { value: 'done' }])
    expect(events.map(({ type }) => type)).toEqual(['started', 'crashed', 'restarted'])
    expect(running.ledger()).toMatchObject({ completed: 2, failed: 1, inFlight: 0 })
  })

  it('puts a request back once on its whole way, not once in each stage', async () => {
    const clock = new VirtualClock()
    const [first, second] = [gatedHandler<string>(), gatedHandler<string>()]
    const crashing = (gate: typeof first, word: string) => (text: string, context: HandlerContext) => {
      if (text === word) throw new StageCrash('broken')
      return gate.handler(text, context)
    }
    const running = pipeline<string>('p')
      .stage('one', crashing(first, 'crash one'), { capacity: 3, concurrency: 2 })
      .stage('two', crashing(second, 'crash two'), { capacity: 3, concurrency: 2 })
      .start({ clock, supervision })
    const request = running.submit('a')
    running.submit('crash one')
    await clock.advance(100)
    first.runs[1]!.resolve('a')
    await clock.settle()
    running.submit('b')
    first.runs[2]!.resolve('crash two')
    await clock.settle()
    expect(request.settled).toMatchObject({ kind: 'failed', stage: 'two', error: { code: 'stage_crash' } })
  })

  it('fails a request that a crash has put back before', async () => {
    const { clock, running } = crashable()
    const a = running.submit('a')
    running.submit('crash')
    await clock.advance(100)
    expect(a.settled).toBeUndefined()
    running.submit('crash')
    expect(a.settled).toMatchObject({ kind: 'failed', error: { code: 'stage_crash' } })
    expect(running.ledger()).toMatchObject({ failed: 3, inFlight: 0 })
  })

  it('lets requests in while the stage is down, as many as have a place, and runs them afterwards', async () => {
    const { clock, running, runs } = crashable()
    running.submit('crash')
    const replies = ['a', 'b', 'c', 'd', 'e', 'f'].map((text) => running.submit(text))
    expect(replies.map(({ settled }) => settled?.kind)).toEqual([...new Array<undefined>(5).fill(undefined), 'shed'])
    expect(replies[5]!.settled).toMatchObject({ reason: 'stage-down' })
    await clock.advance(100)
    expect(runs).toHaveLength(2)
  })

  it("sheds as 'stage-down' where each channel decides for itself", () => {
    const { running } = crashable({ admission: 'stage' })
    running.submit('crash')
    const replies = ['a', 'b', 'c', 'd'].map((text) => running.submit(text))
    expect(replies[2]!.settled).toBeUndefined()
    expect(replies[3]!.settled).toMatchObject({ kind: 'shed', stage: 'one', reason: 'stage-down' })
  })

  it('cancels and expires what waits while the stage is down', async () => {
    const clock = new VirtualClock()
    const running = pipeline<{ readonly deadlineMs?: number; readonly crash?: boolean }>('p')
      .stage(
        'one',
        ({ crash }) => {
          if (crash === true) throw new StageCrash('broken')
          return 'done'
        },
        { capacity: 3 },
      )
      .start({ clock, supervision })
    running.submit({ crash: true })
    const [expiring, cancelled] = [running.submit({ deadlineMs: 50 }), running.submit({})]
    cancelled.cancel()
    expect(running.stages.one.queueDepth).toBe(1)
    await clock.advance(50)
    expect(expiring.settled).toMatchObject({ kind: 'expired' })
    expect(running.stages.one.queueDepth).toBe(0)
  })

  it('fails the requests whose stream passes through the stage, and no others', async () => {
    const clock = new VirtualClock()
    let sources = 0
    const running = pipeline<string>('p')
      .stage(
        'infer',
        () => {
          sources += 1
          return of('chunk').pipe(concatWith(NEVER))
        },
        { capacity: 4, concurrency: 4 },
      )
      .stage('post', (text$) => text$, { capacity: 4 })
      .stage(
        'stream',
        (text$, { request }) => {
          if (request === 'crash') throw new StageCrash('broken')
          return request === 'value' ? new Promise<Observable<string>>(() => undefined) : text$
        },
        { capacity: 4, concurrency: 2 },
      )
      .start({ clock, supervision })
    const through = running.submit('a')
    const chunks: unknown[] = []
    through.output$.subscribe({ next: (chunk) => chunks.push(chunk), error: (error: unknown) => chunks.push(error) })
    const inside = running.submit('value')
    running.submit('crash')
    expect(chunks).toMatchObject(['chunk', { code: 'stage_failed', stage: 'stream' }])
    expect(through.settled).toMatchObject({ kind: 'failed', stage: 'stream', error: { code: 'stage_crash' } })
    // This one's stream had not come out of the crashed stage: it goes back.
    expect(inside.settled).toBeUndefined()
    expect(running.stages.infer.running).toBe(1)
    expect(sources).toBe(3)
  })

  it('does not fail streams of the stages that come later', () => {
    const clock = new VirtualClock()
    const running = pipeline<string>('p')
      .stage(
        'rag',
        (text) => {
          if (text === 'crash') throw new StageCrash('broken')
          return text
        },
        { capacity: 4 },
      )
      .stage('infer', () => NEVER as Observable<string>, { capacity: 4 })
      .start({ clock, supervision })
    const reply = running.submit('a')
    reply.output$.subscribe({ error: () => undefined })
    running.submit('crash')
    expect(reply.settled).toBeUndefined()
    expect(running.stages.infer.running).toBe(1)
  })

  it('raised by a stream is one of the stage that made it', async () => {
    const clock = new VirtualClock()
    const chunks$ = new Subject<string>()
    const running = pipeline<string>('p')
      .stage('infer', () => chunks$.pipe(map((chunk) => `${chunk}!`)), { capacity: 4, concurrency: 2 })
      .start({ clock, supervision })
    const replies = [running.submit('a'), running.submit('b')]
    for (const reply of replies) reply.output$.subscribe({ error: () => undefined })
    chunks$.error(new StageCrash('broken'))
    expect(running.stages.infer.state).toBe('backing-off')
    for (const { settled } of replies) expect(settled).toMatchObject({ kind: 'failed', error: { code: 'stage_crash' } })
    await clock.advance(100)
    expect(running.stages.infer).toMatchObject({ state: 'running', running: 0 })
  })

  it('does not count the slot of a handler that had been called off as abandoned', async () => {
    const { clock, running } = crashable({ abortGraceMs: 200 })
    running.submit('a').cancel()
    expect(running.stages.one.running).toBe(1)
    running.submit('crash')
    await clock.advance(1000)
    expect(running.stages.one).toMatchObject({ running: 0, abandoned: 0 })
  })

  it('too many of them fail the pipeline: what is in flight fails, what comes is shed', async () => {
    const { clock, running, events } = crashable()
    const waiting = running.submit('a')
    for (let crash = 0; crash < 3; crash++) {
      running.submit('crash')
      await clock.advance(100)
    }
    expect(running.state).toBe('failed')
    expect(waiting.settled).toMatchObject({ kind: 'failed' })
    expect(running.stages.one.state).toBe('failed')
    expect(running.submit('b').settled).toMatchObject({ kind: 'shed', stage: 'one', reason: 'stage-down' })
    expect(events.slice(-2)).toMatchObject([{ type: 'crashed' }, { type: 'escalated', stage: 'one' }])
    expect(running.ledger()).toMatchObject({ failed: 4, shed: 1, inFlight: 0 })
    expect(await running.drain()).toMatchObject({ inFlight: 0 })
    expect(running.state).toBe('failed')
  })
})
