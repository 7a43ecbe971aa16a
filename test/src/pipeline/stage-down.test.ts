import { describe, expect, it } from 'vitest'
import { pipeline, StageCrash } from '../../../src/index.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { gatedHandler } from './gated-handler.ts'

/** Two stages: the second crashes on "crash", and never ends anything else. */
function crashable(supervision: object) {
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
    .start({ clock, supervision })
  running.events$.subscribe({ error: () => undefined })
  return { clock, running }
}

describe('what is shed while a stage backs off', () => {
  it('is told when the stage is expected back', async () => {
    const { clock, running } = crashable({ backoff: () => 30_000 })
    for (const text of ['crash', 'a', 'b']) running.submit(text)
    expect(running.submit('c').settled).toMatchObject({ stage: 'second', reason: 'stage-down', retryAfterMs: 30_000 })
    await clock.advance(29_000)
    expect(running.submit('d').settled).toMatchObject({ reason: 'stage-down', retryAfterMs: 1_000 })
    await clock.advance(1_000)
    expect(running.submit('e').settled).toMatchObject({ reason: 'door', retryAfterMs: 100 })
  })

  it('is told so also of a stage that is down for the sake of another', () => {
    const clock = new VirtualClock()
    const running = pipeline<string>('p')
      .stage(
        'first',
        (text) => {
          if (text === 'crash') throw new StageCrash('broken')
          return text
        },
        { capacity: 8 },
      )
      .stage('second', () => new Promise<string>(() => undefined), { capacity: 0 })
      .start({ clock, supervision: { strategy: 'one-for-all', backoff: () => 7_000 } })
    for (const text of ['crash', 'a']) running.submit(text)
    expect(running.submit('b').settled).toMatchObject({ stage: 'second', reason: 'stage-down', retryAfterMs: 7_000 })
  })

  it('is told to wait as long again while its setup hangs', async () => {
    const clock = new VirtualClock()
    let setups = 0
    const running = pipeline<string>('p')
      .stage(
        'one',
        () => {
          throw new StageCrash('broken')
        },
        { capacity: 0, setup: () => (++setups > 1 ? new Promise<undefined>(() => undefined) : undefined) },
      )
      .start({ clock, supervision: { backoff: () => 7_000 } })
    running.submit('crash')
    await clock.advance(9_000)
    expect(running.stages.one.state).toBe('starting')
    running.submit('takes the slot')
    expect(running.submit('a').settled).toMatchObject({ reason: 'stage-down', retryAfterMs: 7_000 })
  })
})

describe('what is submitted to a pipeline that has failed', () => {
  const shed = { kind: 'shed', stage: 'second', reason: 'stage-down', retryAfterMs: 60_000 }

  it('is shed by the stage that is down for good, and is not told to come soon', async () => {
    const { clock, running } = crashable({ maxRestarts: 0 })
    running.submit('crash')
    expect(running.submit('a').settled).toMatchObject(shed)
    await running.drain()
    await clock.settle()
    expect(running.submit('b').settled).toMatchObject(shed)
    expect([running.stages.first.shed, running.stages.second.shed]).toEqual([0, 2])
  })

  it('is shed by the stage whose channel has overflowed, and so is what waits for room then', async () => {
    const clock = new VirtualClock()
    const first = gatedHandler<string>()
    const running = pipeline<string>('p')
      .stage('first', first.handler, { capacity: 0, concurrency: 3, wait: { ms: 1_000, max: 8 } })
      .stage('second', () => new Promise<string>(() => undefined), { capacity: 1, overflow: 'fail' })
      .start({ clock, admission: 'stage' })
    const replies = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'].map((text) => running.submit(text))
    for (const run of first.runs) run.resolve('x')
    await clock.settle()
    expect(running.state).toBe('failed')
    expect(replies.at(-1)!.settled).toMatchObject(shed)
    expect(running.submit('late').settled).toMatchObject(shed)
  })
})
