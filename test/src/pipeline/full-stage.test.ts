import { describe, expect, it } from 'vitest'
import {
  ExpiredError,
  type Outcome,
  OverflowError,
  pipeline,
  type PipelineEvent,
  StageCrash,
} from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { gatedHandler } from './gated-handler.ts'

describe("a stage that is full, of overflow 'drop-oldest'", () => {
  it.each([
    ['door', [undefined, undefined, { kind: 'shed', stage: 'one', reason: 'door' }]],
    ['stage', [undefined, { kind: 'shed', stage: 'one', reason: 'evicted' }, undefined]],
  ] as const)("gives way where admission is '%s' as that says", (admission, expected) => {
    const shed: Outcome<string>[] = []
    const running = pipeline<string>('p')
      .stage('one', () => new Promise<string>(() => undefined), { capacity: 1, overflow: 'drop-oldest' })
      .start({ clock: new VirtualClock(), admission })
    running.outcomes$.subscribe({ next: (outcome) => shed.push(outcome), error: () => undefined })
    const replies = ['a', 'b', 'c'].map((text) => running.submit(text))
    expect(replies.map(({ settled }) => settled?.kind)).toEqual(expected.map((end) => end?.kind))
    expect(shed).toMatchObject(expected.filter((end) => end !== undefined))
    expect(running.stages.one).toMatchObject({ queueDepth: 1, running: 1, shed: 1 })
  })
})

describe('a stage that is full while it backs off', () => {
  it("sheds at the door as 'stage-down', and as 'door' again once it is up", async () => {
    const clock = new VirtualClock()
    const running = pipeline<string>('p')
      .stage('first', (text) => text, { capacity: 8 })
      .stage(
        'second',
        (text) => {
          if (text === 'crash') throw new StageCrash('broken')
          return new Promise<string>(() => undefined)
        },
        { capacity: 1 },
      )
      .start({ clock, supervision: { backoff: () => 100 } })
    running.submit('crash')
    expect(running.stages.second.state).toBe('backing-off')
    const replies = ['a', 'b'].map((text) => running.submit(text))
    expect(running.submit('c').settled).toMatchObject({ kind: 'shed', stage: 'second', reason: 'stage-down' })
    expect(replies.map(({ settled }) => settled)).toEqual([undefined, undefined])
    await clock.advance(100)
    expect(running.stages.second).toMatchObject({ state: 'running', running: 1, queueDepth: 1 })
    expect(running.submit('d').settled).toMatchObject({ kind: 'shed', stage: 'second', reason: 'door' })
  })
})

describe("a stage of overflow 'fail'", () => {
  function failing(admission: 'door' | 'stage') {
    const clock = new VirtualClock()
    const gate = gatedHandler<string>()
    const events: PipelineEvent[] = []
    const running = pipeline<string>('p')
      .stage('first', (text) => text, { capacity: 8 })
      .stage('one', gate.handler, { capacity: 2, overflow: 'fail' })
      .start({ clock, admission })
    running.events$.subscribe({ next: (event) => events.push(event), error: () => undefined })
    return { clock, running, runs: gate.runs, events }
  }

  it('fails what waits and what came, lets what runs finish, drains and has failed', async () => {
    const { clock, running, runs, events } = failing('stage')
    const resubmitted: unknown[] = []
    const onEnd = ({ kind }: Outcome<string>): void => {
      // Whoever hears of it finds a pipeline that takes nothing any more.
      if (kind === 'failed' && resubmitted.length < 3) resubmitted.push(running.submit('again').settled)
    }
    running.outcomes$.subscribe({ next: onEnd, error: () => undefined })
    const [a, b, c, d] = ['a', 'b', 'c', 'd'].map((text) => running.submit(text))
    expect(a!.settled).toBeUndefined()
    for (const reply of [b, c, d]) {
      expect(reply!.settled).toMatchObject({ kind: 'failed', stage: 'one', error: { code: 'channel_closed' } })
      const { error } = reply!.settled as { readonly error: Error }
      expect(error.cause).toBeInstanceOf(OverflowError)
      expect((error.cause as Error).message).toContain('more than its capacity of 2')
    }
    expect(resubmitted).toMatchObject(new Array(3).fill({ kind: 'shed', reason: 'stage-down' }))
    expect(running.state).toBe('failed')
    expect(events).toMatchObject([
      { type: 'started' },
      { type: 'started' },
      { type: 'drained', stage: 'first' },
      { type: 'overflowed', stage: 'one', error: { code: 'channel_closed' } },
    ])
    runs[0]!.resolve('a')
    await clock.settle()
    expect(a!.settled).toMatchObject({ kind: 'completed', value: 'a' })
    expect(await running.drain()).toMatchObject({ completed: 1, failed: 3, timedOut: 0 })
    expect(running.state).toBe('failed')
    expect(running.ledger()).toMatchObject({ completed: 1, failed: 3, shed: 3, inFlight: 0 })
  })

  it('never does so behind the door', () => {
    const { running } = failing('door')
    const replies = ['a', 'b', 'c', 'd'].map((text) => running.submit(text))
    expect(replies[3]!.settled).toMatchObject({ kind: 'shed', reason: 'door' })
    expect(running.state).toBe('running')
  })
})

describe('a request that has waited for ttlMs', () => {
  it('expires there, says so, and a drain goes on', async () => {
    const clock = new VirtualClock()
    const running = pipeline<string>('p')
      .stage(
        'one',
        () => {
          throw new StageCrash('broken')
        },
        { capacity: 8, ttlMs: 50 },
      )
      .start({ clock, supervision: { backoff: () => 1_000 } })
    running.submit('crash')
    const errors: unknown[] = []
    const reply = running.submit('a')
    reply.output$.subscribe({ error: (error: unknown) => errors.push(error) })
    const report = running.drain({ timeoutMs: 5_000 })
    await clock.advance(49)
    expect(reply.settled).toBeUndefined()
    await clock.advance(1)
    expect(reply.settled).toMatchObject({ kind: 'expired', stage: 'one', reason: 'ttl', timings: { durationMs: 50 } })
    expect(errors).toEqual([new ExpiredError('one', 50, 'ttl')])
    expect(String(errors[0])).toContain('waited before stage "one" for its ttlMs of 50 ms')
    expect(running.stages.one.queueDepth).toBe(0)
    await clock.advance(1_000)
    expect(await report).toMatchObject({ expired: 1, timedOut: 0, durationMs: 1_000 })
    await clock.runAll()
    expect(clock.pending).toBe(0)
  })
})
