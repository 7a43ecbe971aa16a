import { NEVER, type Observable, Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { type DrainReport, pipeline, StageCrash } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { gatedHandler } from './gated-handler.ts'

function twoStages() {
  const clock = new VirtualClock()
  const [first, second] = [gatedHandler<string>(), gatedHandler<string>()]
  const running = pipeline<string>('p')
    .stage('first', first.handler, { capacity: 4 })
    .stage('second', second.handler, { capacity: 4 })
    .start({ clock })
  const told: string[] = []
  const on = (name: string) => ({
    next: (event: object) => {
      if ('type' in event && event.type === 'drained' && 'stage' in event) told.push(`drained ${String(event.stage)}`)
      if ('kind' in event) told.push(String(event.kind))
    },
    error: () => undefined,
    complete: () => told.push(`${name} complete`),
  })
  running.events$.subscribe(on('events'))
  running.outcomes$.subscribe(on('outcomes'))
  return { clock, running, first, second, told }
}

describe('drain', () => {
  it('refuses, finishes the stages from the source to the sink, reports, and ends what can be watched', async () => {
    const { clock, running, first, second, told } = twoStages()
    const replies = [running.submit('a'), running.submit('b')]
    const drained = running.drain({ timeoutMs: 10_000 })
    expect(running.state).toBe('draining')
    expect(running.submit('late').settled).toMatchObject({ kind: 'shed', stage: 'first', reason: 'draining' })
    await clock.advance(50)
    first.runs[0]!.resolve('A')
    await clock.settle()
    expect(running.stages.first.state).toBe('draining')
    expect(running.stages.second.state).toBe('running')
    first.runs[1]!.resolve('B')
    await clock.settle()
    expect(running.stages.first.state).toBe('stopped')
    expect(running.stages.second.state).toBe('draining')
    second.runs[0]!.resolve('A')
    await clock.settle()
    second.runs[1]!.reject(new Error('no'))
    const expected = {
      inFlight: 2,
      completed: 1,
      shed: 0,
      failed: 1,
      expired: 0,
      cancelled: 0,
      refused: 1,
      timedOut: 0,
    }
    expect(await drained).toEqual({ ...expected, durationMs: 50 })
    expect(running.state).toBe('stopped')
    expect(replies.map(({ settled }) => settled?.kind)).toEqual(['completed', 'failed'])
    expect(told.filter((line) => !line.endsWith(' complete'))).toEqual([
      'shed',
      'drained first',
      'completed',
      'failed',
      'drained second',
    ])
    expect(told.slice(-2).toSorted()).toEqual(['events complete', 'outcomes complete'])
    expect(running.submit('later').settled).toMatchObject({ kind: 'shed', reason: 'draining' })
    expect(clock.pending).toBe(0)
  })

  it('fails what is not done in time, wherever it is, and says so', async () => {
    const { clock, running, first } = twoStages()
    const replies = ['a', 'b', 'c'].map((text) => running.submit(text))
    first.runs[0]!.resolve('A')
    await clock.settle()
    const reports: DrainReport[] = []
    void running.drain({ timeoutMs: 100 }).then((report) => reports.push(report))
    await clock.advance(99)
    expect(reports).toEqual([])
    await clock.advance(1)
    await clock.settle()
    expect(reports).toMatchObject([{ inFlight: 3, failed: 3, timedOut: 3, durationMs: 100 }])
    expect(replies.map(({ settled }) => settled)).toMatchObject([
      { kind: 'failed', stage: 'second', error: { code: 'drain_timeout' } },
      { kind: 'failed', stage: 'first', error: { code: 'drain_timeout' } },
      { kind: 'failed', stage: 'first', error: { code: 'drain_timeout' } },
    ])
    expect(running.ledger()).toMatchObject({ submitted: 3, failed: 3, inFlight: 0 })
    expect(running.state).toBe('stopped')
  })

  it('ends also the stages that were not done in time, and says which of them still ran something', async () => {
    const clock = new VirtualClock()
    const teardown = Promise.withResolvers<void>()
    const running = pipeline<string>('p')
      .stage('first', () => new Promise<string>(() => undefined), { capacity: 1, teardown: () => teardown.promise })
      .stage('second', (text) => text, { capacity: 1 })
      .start({ clock })
    const told: string[] = []
    running.events$.subscribe({
      next: (event) => told.push(`${event.type} ${event.stage}${'how' in event ? ` ${event.how}` : ''}`),
      error: () => undefined,
    })
    running.submit('a')
    const drained = running.drain({ timeoutMs: 100 })
    await clock.advance(100)
    expect([running.stages.first.state, running.stages.second.state]).toEqual(['stopping', 'stopped'])
    teardown.resolve()
    await drained
    expect([running.stages.first.state, running.stages.second.state]).toEqual(['stopped', 'stopped'])
    expect(told.slice(2)).toEqual(['stopped second stopped', 'stopped first forced'])
  })

  it('is told to those who come late, too: who had started, and how each ended', async () => {
    const { clock, running } = twoStages()
    running.submit('a')
    void running.drain({ timeoutMs: 100 })
    const early: unknown[] = []
    running.events$.subscribe({ next: (event) => early.push(event), error: () => undefined })
    await clock.advance(100)
    await clock.settle()
    const late: unknown[] = []
    running.events$.subscribe({
      next: (event) => late.push(event),
      error: () => undefined,
      complete: () => late.push('complete'),
    })
    expect(late).toEqual([...early, 'complete'])
    expect(late).toHaveLength(5)
  })

  it('waits for the readers of streams, and cuts off those that are not done in time', async () => {
    const clock = new VirtualClock()
    const chunks$ = new Subject<string>()
    const running = pipeline<string>('p')
      .stage('infer', (text) => (text === 'never' ? (NEVER as Observable<string>) : chunks$), {
        capacity: 4,
        concurrency: 2,
      })
      .start({ clock })
    const [reply, stuck] = [running.submit('a'), running.submit('never')]
    for (const { output$ } of [reply, stuck]) output$.subscribe({ error: () => undefined })
    const drained = running.drain({ timeoutMs: 100 })
    await clock.advance(50)
    chunks$.next('a')
    chunks$.complete()
    expect(reply.settled).toMatchObject({ kind: 'completed' })
    await clock.advance(50)
    expect(await drained).toMatchObject({ inFlight: 2, completed: 1, failed: 1, timedOut: 1 })
    expect(stuck.settled).toMatchObject({ kind: 'failed', error: { code: 'drain_timeout' } })
  })

  it('is over at once when nothing is in flight, and the same for all who ask', async () => {
    const { clock, running } = twoStages()
    const drained = running.drain()
    expect(running.drain({ timeoutMs: 1 })).toBe(drained)
    await clock.settle()
    expect(await drained).toMatchObject({ inFlight: 0, durationMs: 0 })
    expect(running.stages.first.state).toBe('stopped')
  })

  it('waits for a stage that has crashed to come back', async () => {
    const clock = new VirtualClock()
    let crashes = 0
    const running = pipeline<string>('p')
      .stage(
        'one',
        (text) => {
          if (text === 'crash' && crashes++ === 0) throw new StageCrash('broken')
          return text
        },
        { capacity: 4 },
      )
      .start({ clock, supervision: { backoff: () => 100 } })
    running.submit('crash')
    const waiting = running.submit('a')
    const drained = running.drain({ timeoutMs: 1000 })
    await clock.advance(100)
    expect(await drained).toMatchObject({ inFlight: 1, completed: 1, timedOut: 0, durationMs: 100 })
    expect(waiting.settled).toMatchObject({ kind: 'completed', value: 'a' })
  })

  it('refuses a bad timeoutMs and goes on', () => {
    const { running } = twoStages()
    expect(() => running.drain({ timeoutMs: -1 })).toThrow('timeoutMs must be a number from 0')
    expect(running.state).toBe('running')
    expect(running.submit('a').settled).toBeUndefined()
  })
})
